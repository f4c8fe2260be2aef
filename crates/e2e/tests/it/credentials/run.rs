//! A house with one configuration of the page: calls are made through it, and what arrived is held against the page.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_e2e::oauth::{claims, code_of};
use bailiwick_e2e::{Answer, App, Mcp, Setup, Visitor, World, admin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::counterpart::{Arrived, Counterpart};
use super::page::{Case, Sight, first};

const PASSWORD: &str = "correct horse battery";
const TYPED: &str = "what-they-typed";
/// Every header in which the page shows a credential.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "x-api-key"];

/// A server that tells what it finds in its environment, backwards: as it is, it would be cleared away.
const CHILD: &str = r#"
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    tool = {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
    told = json.dumps({name: value[::-1] for name, value in os.environ.items() if name.startswith("CRM_")})
    result = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                             "serverInfo": {"name": "crm", "version": "1"}},
              "tools/list": {"tools": [tool]},
              "tools/call": {"content": [{"type": "text", "text": told}]}}.get(asked["method"])
    if result:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

/// The running house, its counterparts, and two people in it.
pub(super) struct Run {
    world: World,
    counterpart: Counterpart,
    pub(super) case: Case,
    people: [(&'static str, Visitor); 2],
}

/// The variables that a configuration refers to.
fn variables(config: &str) -> Vec<&str> {
    config.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn value_of(variable: &str) -> String {
    format!("value-of-{}", variable.to_ascii_lowercase())
}

impl Run {
    pub(super) async fn start(case: Case, files: &TempDir) -> Self {
        let counterpart = Counterpart::start(files.path()).await;
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        std::fs::write(files.path().join("erp.pem"), pair.serialize_pem()).unwrap();
        let document = first("yaml").replace("http://localhost:3000", &counterpart.base);
        std::fs::write(files.path().join("crm.yaml"), document).unwrap();
        let child = files.path().join("crm.py");
        std::fs::write(&child, CHILD).unwrap();
        let config = case.config.replace("/run/secrets", files.path().to_str().unwrap());
        let config = config.replace("/srv/crm/crm.py", child.to_str().unwrap());
        let config = config.replace("\"python3\"", "\"/usr/bin/python3\"");
        let config = config.replace("https://localhost:3443", &counterpart.gate.origin);
        let setup = Setup::config(placed(&config, &counterpart));
        let setup = variables(&case.config).into_iter().fold(setup, |setup, name| setup.env(name, &value_of(name)));
        let world = setup.start();
        let mut alice = Visitor::new(&world.base);
        alice.set_up(&world.setup_link(), "alice", PASSWORD).await;
        for order in [
            json!({ "order": "add_user", "name": "bob", "password": PASSWORD }),
            json!({ "order": "groups", "name": "bob", "groups": ["dev"] }),
        ] {
            admin::order(world.data(), &order).await.expect("carried out");
        }
        let mut bob = Visitor::new(&world.base);
        let page = bob.open(&world.url("/login")).await;
        bob.sign_in(&page, "bob", PASSWORD).await;
        Self { world, counterpart, case, people: [("alice", alice), ("bob", bob)] }
    }

    /// Makes the call of that sight, and connects what it needs first.
    pub(super) async fn call(&mut self, sight: &Sight) {
        let tool = sight.tool().expect("a call at the end");
        let person = sight.line.last().unwrap().trim_matches(['(', ')']).to_owned();
        let who = self.people.iter().position(|(name, _)| *name == person).unwrap_or(0);
        self.answer(tool, who).await;
    }

    /// Compares what a child finds in its environment with what the page says.
    pub(super) async fn compare_environment(&self) {
        if self.case.environment.is_empty() {
            return;
        }
        let answer = self.answer("look", 0).await;
        let told = answer.body["result"]["content"][0]["text"].as_str().unwrap();
        let told: BTreeMap<String, String> = serde_json::from_str(told).unwrap();
        for (name, expected) in &self.case.environment {
            let seen: String = told[name].chars().rev().collect();
            assert_eq!(seen, self.meant(expected), "{}: {name}", self.case.title);
        }
    }

    /// What a tool answers that person, once they have connected what it needs.
    async fn answer(&self, tool: &str, who: usize) -> Answer {
        let mut visitor = self.people[who].1.clone();
        let mut client = self.client(&mut visitor).await;
        let mut answer = client.call(tool, json!({})).await;
        while let Some(link) = link_in(&answer.body) {
            connect(&mut visitor, &link).await;
            // A child that has the secret now is another one.
            client = self.client(&mut visitor).await;
            answer = client.call(tool, json!({})).await;
        }
        let done = answer.is_result() && answer.body["result"]["isError"] != true;
        assert!(done, "{}: {tool}: {} {}\n{}", self.case.title, answer.status, answer.text, self.world.log());
        answer
    }

    /// A client that acts for that person.
    async fn client(&self, person: &mut Visitor) -> Mcp {
        let resource = self.world.url("/mcp/crm");
        let app = App::register_for(&self.world.base, &resource).await;
        let page = person.open(&app.authorize_url("crm:read crm:write")).await;
        let done = person.submit(&page, &page.form("checkbox"), Some(("decision", "allow"))).await;
        let tokens = app.redeem(&code_of(&done)).await.expect("tokens");
        let mut client = Mcp::new(&resource, Some(&tokens.access));
        client.begin().await;
        client
    }

    /// What the page says of a value, with what is true in this run.
    fn meant(&self, text: &str) -> String {
        let mut text = placed(text, &self.counterpart).replace("http://localhost:8787", &self.world.base);
        text = text.replace("$TOKEN", &self.counterpart.token()).replace("$TYPED", TYPED);
        for name in variables(&self.case.config) {
            text = text.replace(&format!("${name}"), &value_of(name));
        }
        if let Some((before, rest)) = text.split_once("base64(") {
            let (inside, after) = rest.split_once(')').unwrap();
            text = format!("{before}{}{after}", STANDARD.encode(inside));
        }
        text
    }

    /// Compares a sight with the last request of its kind.
    pub(super) fn compare(&self, sight: &Sight) {
        let (title, line) = (&self.case.title, sight.line.join(" "));
        let arrived = self.counterpart.arrived();
        let found = arrived.iter().rfind(|arrived| sight.is_of(arrived));
        let arrived = found.unwrap_or_else(|| panic!("{title}: {line}: nothing of the kind arrived: {arrived:?}"));
        let asked = self.meant(&sight.line[..2].join(" "));
        assert_eq!(arrived.line, asked, "{title}: {line}");
        for (name, expected) in &sight.fields {
            let header = arrived.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let seen = header.or_else(|| arrived.field(name)).unwrap_or_default();
            let expected = self.meant(expected);
            assert!(fits(&expected, &seen), "{title}: {line}: {name} is {seen:?}, the page says {expected:?}");
        }
        let shown: BTreeSet<&str> =
            CREDENTIALS.into_iter().filter(|name| arrived.headers.contains_key(*name)).collect();
        let said = |name: &&str| sight.fields.iter().any(|(own, _)| own == name);
        // At the authorization server the page leaves out how we prove who we are where that is not the point.
        if sight.line.len() > 2 {
            assert!(shown.iter().all(said), "{title}: {line}: shown more than said: {shown:?}");
        }
        if let Some(expected) = &sight.claims {
            self.compare_claims(&self.meant(expected), arrived);
        }
    }

    fn compare_claims(&self, expected: &str, arrived: &Arrived) {
        let bearer =
            arrived.headers.get("authorization").and_then(|value| value.to_str().unwrap().strip_prefix("Bearer "));
        let fields = ["subject_token", "assertion"].into_iter().find_map(|name| arrived.field(name));
        let seen = claims(&fields.or_else(|| bearer.map(str::to_owned)).expect("a token"));
        let expected: Value = serde_json::from_str(expected).unwrap();
        for (name, value) in expected.as_object().unwrap() {
            let fits = if value == "…" { !seen[name].is_null() } else { seen[name] == *value };
            assert!(fits, "{}: {name} is {}, the page says {value}", self.case.title, seen[name]);
        }
    }
}

impl Sight {
    /// The tool whose call it is.
    pub(super) fn tool(&self) -> Option<&str> {
        match self.line.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [_, _, "tools/list"] | [_, _] => None,
            [_, _, "tools/call", tool, ..] | [_, _, tool] => Some(tool),
            _ => panic!("{:?}", self.line),
        }
    }

    /// True of a request that is the one it shows, whatever it carries.
    fn is_of(&self, arrived: &Arrived) -> bool {
        let path = |line: &str| line.split('?').next().unwrap().to_owned();
        let rpc: Vec<&str> = self.line[2..].iter().map(String::as_str).filter(|word| !word.starts_with('(')).collect();
        let same = self.line[1] != "/mcp" && !self.line[1].starts_with("/mcp?") || arrived.rpc() == rpc.join(" ");
        path(&arrived.line) == path(&self.line[..2].join(" ")) && same
    }
}

/// A text of the page with the counterparts in it.
fn placed(text: &str, counterpart: &Counterpart) -> String {
    text.replace("http://localhost:3000", &counterpart.base).replace("https://login.example.com", &counterpart.base)
}

/// `…` stands for whatever is there.
fn fits(expected: &str, seen: &str) -> bool {
    match expected.strip_suffix('…') {
        Some(start) => seen.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
        None => seen == expected,
    }
}

fn link_in(answer: &Value) -> Option<String> {
    let text = answer["result"]["content"][0]["text"].as_str()?;
    text.split_whitespace().find(|word| word.contains("/connect/bw_ct_")).map(str::to_owned)
}

/// Leaves a key, or signs in at the provider.
async fn connect(person: &mut Visitor, link: &str) {
    let page = person.open(link).await;
    let done = if page.has_form("password") {
        let form = page.form("password").fill("text", "alice").fill("password", TYPED);
        person.submit(&page, &form, None).await
    } else {
        let left = person.submit(&page, &page.form("form_token"), None).await;
        let there = left.body.split_once("content=\"0; url=").expect("a way on").1;
        let there = there.split('"').next().unwrap().replace("&#38;", "&");
        let back = Visitor::new(&there).once(http::Method::GET, &there, None).await;
        person.open(&back.location.expect("an answer")).await
    };
    assert!(done.status.is_success() && done.body.contains("is connected"), "{}: {}", done.status, done.body);
}
