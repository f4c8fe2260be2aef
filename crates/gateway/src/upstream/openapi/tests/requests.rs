//! Where arguments go, and where they cannot.

use std::time::Duration;

use bailiwick_domain::entropy::Entropy;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::super::Api;
use super::super::request::Shown;
use super::api;

/// What is always the same, and so ends up in a text that must not hold it.
struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn given(arguments: &Value) -> Map<String, Value> {
    arguments.as_object().unwrap().clone()
}

fn request(api: &Api, arguments: &Value) -> Result<Request<Full<Bytes>>, String> {
    let operation = api.operation("op").unwrap();
    operation.request(&given(arguments), &Shown::default(), &Fixed).map_err(|unfit| unfit.to_string())
}

fn body(request: Request<Full<Bytes>>) -> String {
    let body = futures_util::FutureExt::now_or_never(request.into_body().collect()).unwrap().unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// An API with one parameter, `p`.
fn with(path: &str, place: &str, style: &str, explode: bool) -> Api {
    let parameter = json!({ "name": "p", "in": place, "style": style, "explode": explode, "schema": {} });
    api(path, "get", json!({ "parameters": [parameter] }))
}

#[test]
fn every_style_is_spelled_as_the_specification_shows() {
    let (list, object) = (json!(["blue", "black"]), json!({ "B": 150, "R": 100 }));
    let path = |style: &str, explode: bool, value: &Value| {
        let uri = request(&with("/x{p}", "path", style, explode), &json!({ "p": value })).unwrap().uri().to_string();
        uri.strip_prefix("http://api.example/v1/x").unwrap().to_owned()
    };
    assert_eq!(path("simple", false, &list), "blue,black");
    assert_eq!(
        (path("simple", false, &object), path("simple", true, &object)),
        ("B,150,R,100".into(), "B=150,R=100".into())
    );
    assert_eq!((path("label", false, &list), path("label", true, &list)), (".blue,black".into(), ".blue.black".into()));
    assert_eq!(
        (path("matrix", false, &list), path("matrix", true, &list)),
        (";p=blue,black".into(), ";p=blue;p=black".into())
    );
    assert_eq!(
        (path("matrix", false, &object), path("matrix", true, &object)),
        (";p=B,150,R,100".into(), ";B=150;R=100".into())
    );

    let query = |style: &str, explode: bool, value: &Value| {
        request(&with("/x", "query", style, explode), &json!({ "p": value })).unwrap().uri().query().unwrap().to_owned()
    };
    assert_eq!(
        (query("form", true, &list), query("form", false, &list)),
        ("p=blue&p=black".into(), "p=blue,black".into())
    );
    assert_eq!(
        (query("form", true, &object), query("form", false, &object)),
        ("B=150&R=100".into(), "p=B,150,R,100".into())
    );
    assert_eq!(
        (query("spaceDelimited", false, &list), query("pipeDelimited", false, &list)),
        ("p=blue%20black".into(), "p=blue%7Cblack".into())
    );
    assert_eq!(query("deepObject", true, &object), "p%5BB%5D=150&p%5BR%5D=100");
    assert_eq!(query("form", true, &json!("a b&c=d")), "p=a%20b%26c%3Dd");
}

#[test]
fn headers_and_cookies_carry_values_and_nothing_more() {
    let header = |value: Value| request(&with("/x", "header", "simple", false), &json!({ "p": value }));
    assert_eq!(header(json!([1, 2])).unwrap().headers()["p"], "1,2");
    for value in ["a\r\nx: y", "a\nb", "nul\0"] {
        assert!(header(json!(value)).unwrap_err().contains("cannot stand in a header"));
    }
    let cookie = request(&with("/x", "cookie", "form", true), &json!({ "p": "a; other=b" })).unwrap();
    assert_eq!(cookie.headers()["cookie"], "p=a%3B%20other%3Db");
}

#[test]
fn bodies_are_json_forms_and_text() {
    let written = |media: &str, value: &Value| {
        let operation = json!({ "requestBody": { "content": { media: { "schema": {} } } } });
        let request = request(&api("/x", "post", operation), &json!({ "body": value })).unwrap();
        (request.headers()["content-type"].to_str().unwrap().to_owned(), body(request))
    };
    let value = json!({ "a": "1&2", "b": [1, 2], "c": { "d": 3 } });
    assert_eq!(written("application/json", &value), ("application/json".into(), value.to_string()));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(written(form, &value), (form.into(), "a=1%262&b=1&b=2&c=%7B%22d%22%3A3%7D".into()));
    assert_eq!(written("text/plain", &json!("hi")), ("text/plain".into(), "hi".into()));
    let (media, parts) = written("multipart/form-data", &json!({ "x\"\r\n": "--bailiwick-\r\n" }));
    let boundary = format!("bailiwick-{}", "A".repeat(32));
    assert_eq!(media, format!("multipart/form-data; boundary={boundary}"));
    let part = "Content-Disposition: form-data; name=\"x%22%0D%0A\"\r\n\r\n--bailiwick-\r\n";
    assert_eq!(parts, format!("--{boundary}\r\n{part}\r\n--{boundary}--\r\n"));
}

#[test]
fn a_part_of_a_body_is_looked_through_once_and_ends_nowhere_but_where_we_end_it() {
    let content = json!({ "multipart/form-data": { "schema": {} } });
    let api = api("/x", "post", json!({ "requestBody": { "content": content } }));
    let sent = |text: &str| request(&api, &json!({ "body": { "file": text } }));
    let begun = Instant::now();

    assert!(sent(&format!("bailiwick{}", "-part".repeat(800_000))).is_ok());

    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let refused = sent(&format!("--bailiwick-{}--\r\n", "A".repeat(32))).unwrap_err();
    assert!(refused.contains("boundary"), "{refused}");
}

#[test]
fn an_argument_replaces_no_credential() {
    let parameters = json!([
        { "name": "filter", "in": "query", "schema": { "type": "object" } },
        { "name": "session", "in": "cookie", "schema": { "type": "object" } },
    ]);
    let api = api("/x", "get", json!({ "parameters": parameters }));
    let secret = || Zeroizing::new("our own".to_owned());
    let mut headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-key"), "our own".parse().unwrap())]);
    headers.insert("cookie", "id=our-own".parse().unwrap());
    let shown = Shown { headers, query: vec![("api key".to_owned(), secret())] };
    let arguments = json!({ "filter": { "api key": "theirs", "page": 1 }, "session": { "id": "theirs", "x": 1 } });

    let request = api.operation("op").unwrap().request(&given(&arguments), &shown, &Fixed).unwrap();

    assert_eq!(request.uri().query().unwrap(), "page=1&api%20key=our%20own");
    assert_eq!(request.headers()["cookie"], "id=our-own; x=1");
    assert_eq!(request.headers()["x-key"], "our own");
}

#[test]
fn a_cookie_that_lets_us_in_stands_beside_those_of_the_arguments() {
    let parameters = json!([
        { "name": "language", "in": "cookie", "schema": { "type": "string" } },
        { "name": "more", "in": "cookie", "schema": { "type": "object" } },
    ]);
    let api = api("/x", "get", json!({ "parameters": parameters }));
    let headers = HeaderMap::from_iter([(http::header::COOKIE, "id=aGVsbG8+; tenant=7".parse().unwrap())]);
    let shown = Shown { headers, query: Vec::new() };
    let more = json!({ "id": "theirs", "ID": "theirs", "tenant": "theirs", "x": 1 });
    let arguments = json!({ "language": "de", "more": more });

    let request = api.operation("op").unwrap().request(&given(&arguments), &shown, &Fixed).unwrap();

    let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
    assert_eq!(cookies, ["id=aGVsbG8+; tenant=7; language=de; x=1"]);
}

#[test]
fn arguments_are_those_of_the_schema() {
    let api = with("/x/{p}", "path", "simple", false);
    assert_eq!(request(&api, &json!({})).unwrap_err(), "the argument p is missing");
    assert_eq!(request(&api, &json!({ "p": 1, "q": 2 })).unwrap_err(), "there is no argument q; there are: p");
    for empty in [json!(null), json!(""), json!([])] {
        assert_eq!(request(&api, &json!({ "p": empty })).unwrap_err(), "p must not be empty", "{empty}");
    }
}

#[test]
fn no_value_leads_out_of_its_segment() {
    let api = with("/a/{p}/b", "path", "simple", false);
    for value in [".", "..", "../x", "a/../../b", "..\\x", "%2e%2e", "%252e%252e/x", "..;x", "x/.", "..%2fx"] {
        assert!(request(&api, &json!({ "p": value })).is_err(), "{value}");
        let lenient = request(&api.clone().with_encoded_slashes(true), &json!({ "p": value }));
        assert!(lenient.unwrap_err().contains("must not be . or .."), "{value}");
    }
    assert_eq!(request(&api, &json!({ "p": "main.rs?x#y" })).unwrap().uri().path(), "/v1/a/main.rs%3Fx%23y/b");
    let label = with("/a/{p}", "path", "label", false);
    assert!(request(&label, &json!({ "p": "." })).is_err());
}

#[test]
fn a_value_in_the_path_is_one_segment_to_servers_that_decode_before_they_look() {
    let user = || with("/users/{p}", "path", "simple", false);
    let nested = format!("%{}2f", "25".repeat(200_000));
    let bad = ["1/invoices", "1\\invoices", "1%2Finvoices", "1%2finvoices", "%5c", "%255C", "%%32%46", "%2%35%32f"];
    for value in bad.into_iter().map(str::to_owned).chain([nested]) {
        let refused = request(&user(), &json!({ "p": value })).unwrap_err();
        assert!(refused.starts_with("p must be one segment of the path, without / and \\"), "{refused}");
    }
    assert!(request(&user(), &json!({ "p": ["1", "a/b"] })).is_err());
    let split = api("/users/{a}{b}", "get", json!({}));
    assert!(request(&split, &json!({ "a": "%2", "b": "F" })).is_err(), "halves of an encoding in two values");
    for value in ["100%", "50%25", "%2", "a%2e", "%20"] {
        assert!(request(&user(), &json!({ "p": value })).is_ok(), "{value}");
    }

    let project = user().with_encoded_slashes(true);
    let path = |value: &str| request(&project, &json!({ "p": value })).unwrap().uri().path().to_owned();
    assert_eq!(
        (path("group/project"), path("a%2Fb")),
        ("/v1/users/group%2Fproject".into(), "/v1/users/a%252Fb".into())
    );
    assert_ne!(project, user(), "a reload takes it up");
    let words = api("/a%2Fb/{p}", "get", json!({}));
    assert_eq!(request(&words, &json!({ "p": "x" })).unwrap().uri().path(), "/v1/a%2Fb/x", "the document's own stay");
}

/// What a server that decodes once, then splits, makes of a path.
fn segments(path: &str) -> Vec<Vec<u8>> {
    let decode = |segment: &str| -> Vec<u8> {
        url::form_urlencoded::parse(segment.replace('+', "%2B").as_bytes())
            .next()
            .map_or(Vec::new(), |(key, _)| key.into_owned().into_bytes())
    };
    path.split('/').map(decode).collect()
}

proptest! {
    #[test]
    fn a_value_in_the_path_stays_one_segment(value in "\\PC{1,20}|[./\\\\%2eEfF;?#&= ]{1,12}") {
        let api = with("/a/{p}/b", "path", "simple", false).with_encoded_slashes(true);
        if let Ok(request) = request(&api, &json!({ "p": value })) {
            let uri = request.uri();
            prop_assert_eq!(uri.query(), None);
            prop_assert_eq!(uri.authority().unwrap().as_str(), "api.example");
            // A parser that resolves dots finds the same path.
            let reparsed = url::Url::parse(&uri.to_string()).unwrap();
            prop_assert_eq!(reparsed.path(), uri.path());
            let found = segments(uri.path());
            prop_assert_eq!(found.len(), 5);
            if !value.contains(['&', '=']) {
                prop_assert_eq!(String::from_utf8_lossy(&found[3]), value);
            }
        }
    }

    #[test]
    fn a_value_in_the_query_stays_one_pair(key in "\\PC{1,12}", value in "\\PC{0,20}") {
        for style in ["form", "deepObject", "pipeDelimited"] {
            let api = with("/x", "query", style, true);
            let mut object = Map::new();
            object.insert(key.clone(), value.clone().into());
            let request = request(&api, &json!({ "p": object })).unwrap();
            let query = request.uri().query().unwrap();
            let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
            prop_assert_eq!(pairs.len(), 1);
            prop_assert_eq!(&*pairs[0].1, &value);
            prop_assert_eq!(request.uri().path(), "/v1/x");
        }
    }
}
