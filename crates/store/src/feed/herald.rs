//! The fast way between processes: PostgreSQL's notifications wake the reader, and carry what ended, so that nobody waits
//! for a query. They are a hint and never more: what is said too long, or not heard, is in the feed; and what lets
//! somebody act again is believed from the feed alone, because a notification proves no right to write there.

use std::sync::Arc;

use bailiwick_domain::time::Timestamp;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::reader::HEARTBEAT;
use super::{Change, ChangeKind, Revocations};

/// The longest notification that PostgreSQL takes is 8000 bytes.
const MOST: usize = 7900;

/// What a notification says of these changes; nothing where that would be too long.
pub(crate) fn told(changes: &[(Change, Timestamp)]) -> String {
    let ends = changes.iter().filter(|(change, _)| change.kind.ends());
    let ends: Vec<_> = ends.map(|(change, at)| (at.millis(), change.kind.as_str(), change.subject.as_str())).collect();
    serde_json::to_string(&ends).ok().filter(|said| said.len() <= MOST).unwrap_or_default()
}

/// What a notification said that ended.
fn heard(said: &str) -> Vec<(Change, Timestamp)> {
    let read: Vec<(i64, String, String)> = serde_json::from_str(said).unwrap_or_default();
    let change = |(at, kind, subject): (i64, String, String)| {
        let kind = ChangeKind::named(&kind).filter(|kind| kind.ends())?;
        Some((Change { kind, subject }, Timestamp::from_millis(at)))
    };
    read.into_iter().filter_map(change).collect()
}

/// Passes PostgreSQL's notifications on until `stop`. While it cannot listen, the reader's heartbeat is enough.
pub(crate) async fn listen(url: String, revocations: Arc<Revocations>, wake: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = hear(&url, &revocations, &wake) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
    }
}

async fn hear(url: &str, revocations: &Revocations, wake: &Notify) {
    let Ok(mut listener) = PgListener::connect(url).await else { return };
    if listener.listen("bailiwick").await.is_err() {
        return;
    }
    while let Ok(Some(notification)) = listener.try_recv().await {
        revocations.learn(heard(notification.payload()));
        wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: ChangeKind, subject: &str) -> (Change, Timestamp) {
        (Change { kind, subject: subject.to_owned() }, Timestamp::from_millis(7))
    }

    #[test]
    fn a_notification_says_what_ended_and_nothing_that_begins_again() {
        let ended = change(ChangeKind::Tool, "https://x.example/mcp a \"tool\"");
        let said = told(&[ended.clone(), change(ChangeKind::AgentBack, "a"), change(ChangeKind::UserChanged, "us_1")]);

        assert_eq!(heard(&said), [ended]);
        assert_eq!(heard(r#"[[7,"agent_back","a"],[7,"client_back","c"],[7,"token","at_1"]]"#).len(), 1);
        for noise in ["", "[]", "null", "[[7]]", "{}"] {
            assert!(heard(noise).is_empty(), "{noise}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_to_the_feed() {
        let many: Vec<_> = (0..1000).map(|n| change(ChangeKind::Grant, &format!("gr_{n}"))).collect();

        assert_eq!(told(&many), "");
    }
}
