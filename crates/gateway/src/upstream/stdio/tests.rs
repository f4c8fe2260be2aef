use std::sync::Arc;

use bailiwick_domain::time::Timestamp;
use tokio::sync::Notify;

use super::{Birth, Child, Hung, Own, Program};
use crate::session::Owner;
use crate::settings::Isolate;

fn shell(script: &str) -> Program {
    Program {
        executable: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: Vec::new(),
        secrets: Vec::new(),
        personal: Vec::new(),
        cwd: None,
        isolate: Isolate::Session,
    }
}

fn start(script: &str) -> Arc<Child> {
    let owner = Owner { subject: "us_1".to_owned(), client: "app".to_owned() };
    let birth = Birth {
        id: "c".to_owned(),
        owner,
        caller: None,
        own: Own::default(),
        now: Timestamp::default(),
        changed: Arc::new(Notify::new()),
    };
    Child::start(&shell(script), birth).unwrap()
}

const PING: &str = r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#;

#[tokio::test]
async fn a_child_answers_by_lines() {
    let child = start(r#"read line; echo not json; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; read more"#);

    let placed = child.ask(PING, false).await.unwrap();

    assert_eq!(placed.answer.await.unwrap(), r#"{"jsonrpc":"2.0","id":"x","result":{}}"#);
}

#[tokio::test]
async fn a_child_that_ends_leaves_nobody_waiting_and_its_last_words() {
    let child = start("read line; echo out of paper >&2; exit 1");

    let placed = child.ask(PING, false).await.unwrap();
    placed.answer.await.unwrap_err();
    child.gone().await;

    assert!(matches!(child.ask(PING, false).await, Err(Hung::Ended)));
    assert_eq!(child.last_words(), "out of paper");
}

#[tokio::test]
async fn a_child_that_will_not_go_is_made_to_and_what_it_started_with_it() {
    let child = start("trap '' TERM; sleep 1000 & while :; do sleep 1; done");

    child.end();

    tokio::time::timeout(std::time::Duration::from_secs(10), child.gone()).await.unwrap();
}
