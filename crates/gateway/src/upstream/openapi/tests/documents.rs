//! What becomes of a document, and what a bad one is told.

use bailiwick_domain::policy::ToolFacts;
use serde_json::{Value, json};
use url::Url;

use super::super::{Api, LeftOut};
use super::{api, listed};

const PETSTORE: &[u8] = include_bytes!("../../../../../../tests/openapi/petstore.yaml");
const GALAXY: &[u8] = include_bytes!("../../../../../../tests/openapi/galaxy.json");
const README: &[u8] = include_bytes!("../../../../../../tests/openapi/readme.json");

fn refused(text: &str) -> String {
    let says = Api::read(text.as_bytes(), None).unwrap_err().to_string();
    assert!(!says.contains('\n'), "one line: {says}");
    says
}

/// A document whose one operation is `written`.
fn with(written: &str) -> String {
    format!(
        "openapi: 3.0.3\ninfo: {{title: T, version: 1.0}}\nservers: [{{url: 'http://a'}}]\npaths:\n  /x:\n    get:\n      {written}\n"
    )
}

#[test]
fn real_documents_become_tools() {
    let petstore = Api::read(PETSTORE, None).unwrap();
    assert_eq!((petstore.title(), petstore.base().as_str()), ("Swagger Petstore", "http://petstore.swagger.io/v2"));
    assert_eq!((petstore.tools().count(), petstore.left_out()), (20, &[][..]));
    let galaxy = Api::read(GALAXY, None).unwrap();
    assert_eq!((galaxy.tools().count(), galaxy.left_out()), (9, &[][..]));
    let readme = Api::read(README, None).unwrap();
    assert_eq!((readme.tools().count(), readme.left_out()), (36, &[][..]));
}

#[test]
fn risk_follows_from_the_method() {
    let facts = Api::read(PETSTORE, None).unwrap().facts();
    let hints = |name: &str| {
        let ToolFacts { read_only, destructive, .. } = facts.iter().find(|facts| facts.name == name).unwrap();
        (read_only.unwrap(), destructive.unwrap())
    };

    assert_eq!(hints("getPetById"), (true, false));
    assert_eq!((hints("addPet"), hints("updatePet")), ((false, false), (false, false)));
    assert_eq!(hints("deletePet"), (false, true));
}

#[test]
fn a_schema_stands_by_itself() {
    let tool = listed(&Api::read(PETSTORE, None).unwrap(), "addPet");
    let input = &tool["inputSchema"];

    assert_eq!(input["properties"]["body"]["$ref"], "#/$defs/Pet");
    assert_eq!(input["$defs"]["Pet"]["properties"]["category"]["$ref"], "#/$defs/Category");
    assert_eq!(input["required"], json!(["body"]));
    assert_eq!(input["additionalProperties"], false);
    // What the API gives out itself is not asked for.
    assert_eq!(input["$defs"]["Pet"]["properties"]["id"], Value::Null);
}

#[test]
fn a_credential_is_no_argument() {
    let tool = listed(&Api::read(PETSTORE, None).unwrap(), "deletePet");
    assert_eq!(tool["inputSchema"]["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["petId"]);

    let reserved = |place: &str, name: &str| json!({ "name": name, "in": place, "schema": {} });
    let walled = ["Authorization", "Host", "Cookie", "X-Forwarded-For", "Proxy-Authorization", "x-key", "DPoP"];
    let walled = walled.map(|name| reserved("header", name)).into_iter();
    let parameters: Vec<Value> = walled.chain([reserved("query", "api key"), reserved("query", "page")]).collect();
    let tool = listed(&api("/x", "get", json!({ "parameters": parameters })), "op");
    assert_eq!(tool["inputSchema"]["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["page"]);
}

#[test]
fn what_an_operation_wants_to_be_shown_is_told() {
    let api = api("/x", "get", json!({ "security": [{ "login": ["a", "b"] }, { "key": [], "query": [] }, {}] }));
    let told: Vec<Vec<_>> =
        api.needs("op").iter().map(|set| set.iter().map(|need| need.scheme.as_str()).collect()).collect();

    assert_eq!(told, [vec!["login"], vec!["key", "query"], vec![]]);
    assert_eq!(api.needs("op")[0][0].scopes, ["a", "b"]);
    assert_eq!(api.schemes().keys().collect::<Vec<_>>(), ["key", "login", "query"]);
    assert!(api.needs("nothing").is_empty());
}

#[test]
fn circles_end() {
    let document = r##"{"openapi":"3.0.0","info":{},"servers":[{"url":"http://a"}],"paths":{"/x":{"post":{
        "requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Node"}}}},
        "responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Node"}}}}}}}},
        "components":{"schemas":{"Node":{"type":"object","properties":{"next":{"$ref":"#/components/schemas/Node"},
        "gone":{"type":"string","nullable":true,"enum":["a"]},"least":{"type":"integer","minimum":1,"exclusiveMinimum":true}}}}}}"##;
    let tool = listed(&Api::read(document.as_bytes(), None).unwrap(), "post_x");

    let node = &tool["inputSchema"]["$defs"]["Node"]["properties"];
    assert_eq!(node["next"]["$ref"], "#/$defs/Node");
    assert_eq!(node["gone"], json!({ "type": ["string", "null"], "enum": ["a", null] }));
    assert_eq!(node["least"], json!({ "type": "integer", "exclusiveMinimum": 1 }));
    assert_eq!(tool["outputSchema"]["properties"]["next"]["type"], json!(["object", "null"]));
    assert_eq!(tool["outputSchema"]["type"], "object");

    let circle = document.replace(
        r#""Node":{"#,
        r##""Node":{"$ref":"#/components/schemas/Other"},"Other":{"$ref":"#/components/schemas/Node","##,
    );
    assert!(refused(&circle).contains("leads in a circle"));
}

#[test]
fn names_are_fit_and_stand_once() {
    let text = with("operationId: list pets/all\n    post:\n      operationId: list.pets.all\n    delete: {}");
    let api = Api::read(text.as_bytes(), None).unwrap();

    assert_eq!(api.tools().collect::<Vec<_>>(), ["list_pets_all", "list_pets_all_2", "delete_x"]);
}

#[test]
fn bad_documents_are_refused_with_place_and_remedy() {
    let long = format!("openapi: 3.0.0 # {}", "x".repeat(9 << 20));
    let deep = format!("{{\"openapi\":\"3.0.0\",\"x\":{}1{}}}", "[".repeat(110), "]".repeat(110));
    let bomb =
        (1..30).fold("a0: &a0 [x,x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{0},*a{0}]\n", n - 1));
    let empty = "openapi: 3.0.0\nservers: [{url: 'http://a'}]\npaths: {}".to_owned();
    let relative = "openapi: 3.0.0\nservers: [{url: /v1}]\npaths: {}".to_owned();
    let cases = [
        (String::new(), "the document: is null, not an OpenAPI document"),
        ("hello".to_owned(), "the document: is a text"),
        ("{\"openapi\": ".to_owned(), "line 1, column 12: EOF while parsing a value"),
        ("openapi: 3.0.0\n  x: [".to_owned(), "line 2, column"),
        ("swagger: '2.0'".to_owned(), "swagger: this is a Swagger 2.0 document; convert it"),
        ("openapi: 4.0.0".to_owned(), "openapi: 4.0.0 is not read; 3.0 and 3.1 are"),
        ("info: {}".to_owned(), "openapi: is missing"),
        ("openapi: 3.0.0".to_owned(), "servers: names none; say where the API is, with `base_url`"),
        (relative, "servers[0].url: \"/v1\" is not a whole http or https URL; say where"),
        (empty, "paths: no operation in it can be a tool"),
        (long, "the document: is longer than 8 MiB"),
        (deep, "the document: nests deeper than 100 levels"),
        (bomb, "line "),
        (
            with("parameters: [{$ref: 'other.yaml#/p'}]"),
            "paths./x.get.parameters[0]: $ref \"other.yaml#/p\" leads out of this file; put",
        ),
        (with("parameters: [{$ref: '#/nowhere'}]"), "paths./x.get.parameters[0]: $ref \"#/nowhere\" leads nowhere"),
        (
            with("parameters: [{name: a}]"),
            "paths./x.get.parameters[0]: `in` is missing; it is path, query, header or cookie",
        ),
        (with("security: [{who: []}]"), "paths./x.get.security: there is no security scheme \"who\""),
        (with("operationId: a").replace("/x", "/../x"), "paths./../x: a path has no segment . or .."),
    ];
    for (text, says) in cases {
        let found = refused(&text);
        assert!(found.contains(says), "{found:?} should say {says:?}");
    }
}

#[test]
fn the_operator_says_where_the_api_is() {
    let elsewhere = with("operationId: a\n      servers: [{url: 'http://evil.example'}]\n    post: {operationId: b}");
    let api = Api::read(elsewhere.as_bytes(), None).unwrap();
    let left =
        LeftOut { operation: "GET /x".to_owned(), why: "it is at another place, \"http://evil.example\"".to_owned() };
    assert_eq!((api.tools().collect::<Vec<_>>(), api.left_out()), (vec!["b"], &[left][..]));

    let own = Url::parse("https://own.example/base").unwrap();
    let api = Api::read(elsewhere.as_bytes(), Some(&own)).unwrap();
    assert_eq!((api.tools().count(), api.base().as_str()), (2, "https://own.example/base"));
}

#[test]
fn a_wide_schema_says_less_instead_of_everything() {
    let properties: serde_json::Map<String, Value> = (0..5_000)
        .map(|n| (format!("p{n}"), json!({ "type": "object", "properties": { "deep": { "type": "string" } } })))
        .collect();
    let body =
        json!({ "content": { "application/json": { "schema": { "type": "object", "properties": properties } } } });
    let tool = listed(&api("/x", "post", json!({ "requestBody": body })), "op");

    let kept = tool["inputSchema"]["properties"]["body"]["properties"].as_object().unwrap();
    assert_eq!(kept.len(), 5_000);
    assert!(kept.values().filter(|one| **one == json!({})).count() > 3_000);
}
