//! What happened is on record, and stays there.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::record::{administer, said, tamper};
use crate::world::Ended;
use crate::{App, Mcp, Setup};

/// A call that changes something while nothing can be recorded: the disk is full.
pub async fn unrecorded_call(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).approving("alice").on_a_small_disk().without(off).start();
    let token = App::register(&world.base).await.tokens("mcp:read mcp:write").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;
    assert!(client.call("change", json!({})).await.is_result(), "with room for the record it works");
    world.fill_disk();
    let before = upstream.calls();

    let answer = client.call("change", json!({})).await;

    beaten(
        answer.status == StatusCode::SERVICE_UNAVAILABLE && upstream.calls() == before,
        format!("answered {} {}, upstream calls {} more", answer.status, answer.text, upstream.calls() - before),
    )
}

/// Some history of a house that ended cleanly.
async fn history() -> Ended {
    let world = Setup::sample().approving("alice").start();
    let app = App::register(&world.base).await;
    for _ in 0..3 {
        app.tokens("mcp:read").await;
    }
    world.stop()
}

/// A row whose text is changed in the database.
pub async fn edited_record(off: &[Control]) -> Verdict {
    let ended = history().await;
    let edit = "UPDATE audit SET body = REPLACE(body, '\"scope\":\"mcp:read\"', '\"scope\":\"mcp:none\"') WHERE kind = 'code_redeemed'";
    tamper(ended.data(), &[edit]).await;

    let verified = administer(ended.data(), &["audit", "verify"], off);

    let told = said(&verified);
    beaten(verified.status.code() == Some(1) && told.contains("(code_redeemed, "), told)
}

/// The newest rows, cut off so that what is left fits together.
pub async fn cut_off_record(off: &[Control]) -> Verdict {
    let ended = history().await;
    let cut = [
        "DELETE FROM audit WHERE (writer, seq) IN (SELECT writer, seq FROM audit ORDER BY at DESC, seq DESC LIMIT 1)",
        "UPDATE writers SET audit_seq = audit_seq - 1,
             audit_hash = (SELECT hash FROM audit a WHERE a.writer = writers.id AND a.seq = writers.audit_seq - 1)
         WHERE audit_seq > (SELECT COUNT(*) FROM audit a WHERE a.writer = writers.id)",
    ];
    tamper(ended.data(), &cut).await;

    let verified = administer(ended.data(), &["audit", "verify"], off);

    let told = said(&verified);
    beaten(verified.status.code() == Some(1) && told.contains("were cut off"), told)
}
