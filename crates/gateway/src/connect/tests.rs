//! Every client is asked in the way it understands, and what comes back is of the same call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bailiwick_broker::{Broker, Credentials, Parts};
use bailiwick_domain::canonical;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{ClientId, CorrelationId, GrantId, TokenId, TransactionId, UserId};
use bailiwick_domain::jose::{Alg, JwkSet, KeyPair, Signer as _};
use bailiwick_domain::mcp::{Envelope, Revision};
use bailiwick_domain::policy::Holder;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::seal::MasterKey;
use bailiwick_domain::time::{Clock, Timestamp};
use bailiwick_domain::token::{AccessToken, FrontDoor, Standing, mint};
use bailiwick_domain::uri::{Issuer, ServerName};
use bailiwick_net::Http;
use bailiwick_resource::{Caller, Liveness, Verifier};
use bailiwick_store::{Database, Settings, Store};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::asked::{Asked, Link, Need};
use super::state::resumed;
use crate::call::{Aim, Call, Said};
use crate::hosted::Hosted;
use crate::refuse::{Refusal, Trail};
use crate::session::{Session, Sessions};
use crate::settings::{ServerSettings, Upstream};
use crate::testing::Dice;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const URL: &str = "http://localhost:8787/connect/bw_ct_x";

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct Lives;
impl Liveness for Lives {
    fn standing(&self, _: &AccessToken, _: Timestamp) -> Standing {
        Standing::Live
    }
}

/// A client, and the server it calls.
struct World {
    issuer: Issuer,
    key: KeyPair,
    sessions: Sessions,
    broker: Broker,
    _data: TempDir,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(Still), Arc::new(Dice));
        let store = Store::open(Settings {
            database: Database::Sqlite(data.path().join("test.db")),
            master: MasterKey::new([1; 32]),
            entropy: Arc::clone(&entropy),
            clock: Arc::clone(&clock),
            staleness: Duration::from_mins(1),
        });
        let (issuer, key) = (Issuer::parse("http://localhost:8787").unwrap(), KeyPair::generate(Alg::Es256).unwrap());
        let signer = Arc::new(KeyPair::generate(Alg::Es256).unwrap());
        let (store, http) = (store.await.unwrap(), Http::new());
        Self {
            broker: Broker::new(Parts { issuer: issuer.clone(), signer, store, clock, entropy, http }),
            issuer,
            key,
            _data: data,
            sessions: Sessions::new(MasterKey::new([7; 32]).sealer("gateway session"), Arc::new(Dice)),
        }
    }

    fn caller(&self, user: &str) -> Caller {
        let scope = ScopeSet::parse("crm:read").unwrap();
        let approval = Approval {
            grant: GrantId::from_stored("gr_1"),
            user: UserId::from_stored(user),
            client: ClientId::parse("app").unwrap(),
            client_name: "app".to_owned(),
            resource: self.issuer.resource(ServerName::parse("crm").as_ref()),
            scope: scope.clone(),
            details: Vec::new(),
            transaction: TransactionId::from_stored("tx_1"),
            created_at: NOW,
            expires_at: NOW.after(Duration::from_hours(1)),
            job: None,
        };
        let front = FrontDoor { approval: &approval, scope: &scope, agent: None };
        let minted = mint(&self.key, &self.issuer, &front, TokenId::draw(&Dice), NOW).unwrap();
        let keys = Arc::new(ArcSwap::from_pointee(JwkSet::new(vec![self.key.public()])));
        let header = format!("Bearer {}", minted.raw.as_str());
        Verifier::new(self.issuer.clone(), keys).admit(Some(&header), &approval.resource, &Lives, NOW).unwrap()
    }

    /// A call as that client sends it.
    fn call(&self, revision: Option<Revision>, params: &Value) -> Call {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }).to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let said = Said {
            id: envelope.id().cloned(),
            method: Some("tools/call".to_owned()),
            known: envelope.method(),
            name: envelope.name().map(str::to_owned),
            arguments: envelope.params().arguments.map(|raw| canonical::digest_of_text(raw.get())),
            opens_urls: envelope.params().opens_urls(),
            state: envelope.params().request_state().map(std::borrow::Cow::into_owned),
            body: Bytes::from(body.clone()),
        };
        let settings = ServerSettings {
            name: ServerName::parse("crm"),
            title: "CRM".to_owned(),
            upstream: Upstream::Http("http://localhost:1/mcp".parse().unwrap()),
            headers: HeaderMap::new(),
            credential: Credentials::default(),
            security: BTreeMap::new(),
            tools: BTreeMap::new(),
            discovery: None,
            groups: None,
            allow: BTreeMap::new(),
            allowed_origins: Vec::new(),
            secrets: Vec::new(),
        };
        Call {
            caller: self.caller("us_alice"),
            holder: Holder::Machine,
            server: Arc::new(Hosted::new(&self.broker, &self.issuer, settings)),
            aim: Aim::Say(said),
            session: None,
            revision,
            carried: HeaderMap::new(),
        }
    }

    fn modern(&self, more: &Value) -> Call {
        let mut params = json!({
            "name": "list_deals",
            "arguments": { "of": "Ada" },
            "_meta": { "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } } },
        });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(Some(Revision::V2026_07_28), &params)
    }

    fn answer(&self, call: &Call, lost: bool) -> Value {
        let need = Need { provider: "github".to_owned(), title: "GitHub".to_owned(), lost };
        let link = Link { url: URL.to_owned(), id: "el-1".to_owned() };
        let refusal = Refusal::Connect(Box::new(Asked::of(&self.sessions, call, (need, link), NOW)));
        let id = call.said().and_then(|said| said.id.clone());
        let trail = Trail { correlation: CorrelationId::from_stored("co_1"), id };
        assert_eq!(refusal.status(), 200);
        let Refusal::Connect(asked) = refusal else { panic!("another refusal") };
        serde_json::from_slice(&asked.body(&trail)).unwrap()
    }

    fn resume(&self, call: &Call, now: Timestamp) -> Result<Option<Value>, String> {
        let body = resumed(&self.sessions, call, now)
            .map_err(|refusal| if let Refusal::Denied { rule, .. } = refusal { rule } else { refusal.to_string() })?;
        Ok(body.map(|body| serde_json::from_str::<Value>(&body).unwrap()["params"].clone()))
    }
}

fn plain() -> Value {
    json!({ "name": "list_deals", "arguments": {} })
}

#[tokio::test]
async fn a_client_of_2025_that_opens_urls_hears_an_error_that_names_one() {
    let world = World::new().await;
    let mut call = world.call(Some(Revision::V2025_11_25), &plain());
    call.session = Some(Session { outward: "s".to_owned(), inner: "i".to_owned(), opens_urls: true });

    let answer = world.answer(&call, false);

    assert_eq!(answer["error"]["code"], -32042);
    let elicitation = &answer["error"]["data"]["elicitations"][0];
    assert_eq!(
        (&elicitation["mode"], &elicitation["url"], &elicitation["elicitationId"]),
        (&json!("url"), &json!(URL), &json!("el-1"))
    );
    assert_eq!(answer["error"]["data"]["rule"], "connect:github");
}

#[tokio::test]
async fn a_client_of_2026_that_opens_urls_hears_a_question() {
    let world = World::new().await;

    let result = world.answer(&world.modern(&json!({})), true)["result"].clone();

    assert_eq!(result["resultType"], "input_required");
    let request = &result["inputRequests"]["connect"];
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!((&request["params"]["mode"], &request["params"]["url"]), (&json!("url"), &json!(URL)));
    assert!(result["requestState"].as_str().unwrap().starts_with("bw_rs_"));
    assert_eq!(result["_meta"]["bailiwick/rule"], "reconnect:github");
}

#[tokio::test]
async fn every_other_client_reads_a_link() {
    let world = World::new().await;
    let mut old = world.call(Some(Revision::V2025_06_18), &plain());
    old.session = Some(Session { outward: "s".to_owned(), inner: "i".to_owned(), opens_urls: true });
    let mut silent = world.call(Some(Revision::V2025_11_25), &plain());
    silent.session = Some(Session { outward: "s".to_owned(), inner: "i".to_owned(), opens_urls: false });
    for call in [old, silent, world.call(None, &plain()), world.call(Some(Revision::V2026_07_28), &plain())] {
        let answer = world.answer(&call, false);

        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(URL) && text.contains("GitHub"), "{answer}");
        assert_eq!((&answer["result"]["isError"], answer.get("error")), (&json!(true), None));
        assert_eq!(answer["result"]["_meta"]["bailiwick/rule"], "connect:github");
        assert_eq!(answer["result"].get("requestState"), None);
    }
}

#[tokio::test]
async fn the_same_call_goes_on_without_what_it_brought_for_us() {
    let world = World::new().await;
    let state = world.answer(&world.modern(&json!({})), false)["result"]["requestState"].clone();

    let again = json!({ "requestState": state, "inputResponses": { "connect": { "action": "accept" } } });
    let params = world.resume(&world.modern(&again), NOW.after(Duration::from_mins(14))).unwrap().unwrap();

    assert_eq!((params.get("requestState"), params.get("inputResponses")), (None, None));
    assert_eq!(params["arguments"]["of"], "Ada");
}

#[tokio::test]
async fn a_no_is_a_no() {
    let world = World::new().await;
    let state = world.answer(&world.modern(&json!({})), false)["result"]["requestState"].clone();
    for action in ["decline", "cancel", "whatever"] {
        let again = json!({ "requestState": state, "inputResponses": { "connect": { "action": action } } });

        assert_eq!(world.resume(&world.modern(&again), NOW), Err("connect:declined".to_owned()));
    }
}

#[tokio::test]
async fn a_state_serves_one_caller_one_tool_its_arguments_and_a_quarter_of_an_hour() {
    let world = World::new().await;
    let state = world.answer(&world.modern(&json!({})), false)["result"]["requestState"].clone();
    let again = |more: Value| {
        let mut params = json!({ "requestState": state });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.modern(&params)
    };
    let mut mallory = again(json!({}));
    mallory.caller = world.caller("us_mallory");
    let forged = world.modern(&json!({ "requestState": format!("{}A", state.as_str().unwrap()) }));
    let foreign = Err("connect:state".to_owned());

    assert!(world.resume(&again(json!({})), NOW).is_ok());
    assert_eq!(world.resume(&again(json!({ "name": "delete_deal" })), NOW), foreign);
    assert_eq!(world.resume(&again(json!({ "arguments": { "of": "Bob" } })), NOW), foreign);
    assert_eq!(world.resume(&mallory, NOW), foreign);
    assert_eq!(world.resume(&forged, NOW), foreign);
    assert_eq!(world.resume(&again(json!({})), NOW.after(Duration::from_mins(15))), foreign);
}

#[tokio::test]
async fn what_the_server_behind_asked_for_passes_and_goes_on_after_us() {
    let world = World::new().await;
    let theirs = json!({ "requestState": "theirs", "inputResponses": { "name": { "action": "accept" } } });
    assert_eq!(world.resume(&world.modern(&theirs), NOW), Ok(None));

    let state = world.answer(&world.modern(&theirs), false)["result"]["requestState"].clone();
    let again = json!({ "requestState": state, "inputResponses": { "connect": { "action": "accept" } } });
    let params = world.resume(&world.modern(&again), NOW).unwrap().unwrap();

    assert_eq!(params["requestState"], theirs["requestState"]);
    assert_eq!(params["inputResponses"], theirs["inputResponses"]);
}
