//! Whoever can write the database can change the audit, and not unseen: every way to do so is named by `verify_audit`.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::jose::{JwkSet, KeyPair, Signer as _};
use bailiwick_store::{AuditVerdict, Break, Flaw, Store};

use crate::world::{Dice, World, event};

on_every_engine![
    a_row_whose_text_was_changed_is_named,
    a_row_whose_columns_were_changed_is_named,
    a_row_that_was_taken_out_is_named,
    a_cut_off_end_is_named,
    a_cut_off_end_with_its_head_is_named,
    two_rows_that_changed_places_are_named,
    a_row_that_was_put_at_the_end_is_named,
    a_chain_that_was_written_anew_is_named,
    a_writer_that_was_taken_away_is_named,
    a_writer_without_its_head_is_named,
    a_checkpoint_that_was_taken_away_is_named,
    a_checkpoint_of_another_key_is_named,
    a_record_set_back_is_known_by_who_remembers,
    only_one_of_two_processes_writes_a_checkpoint,
];

/// Two rows, a checkpoint, two more, another, and one that is not signed yet; a second apart each. One writer wrote
/// them all.
async fn written(world: &World) -> Store {
    let store = world.open().await;
    let user = UserId::draw(&Dice);
    for says in ["one", "two", "three", "four", "five"] {
        world.pass(Duration::from_secs(1));
        // One key, so that the same lane writes all of them.
        store.record(event(AuditKind::ToolCalled, world.now()).user(&user).says(says)).await.unwrap();
        if ["two", "four"].contains(&says) {
            world.sign(&store).await;
        }
    }
    let verdict = world.verify(&store).await;
    assert_eq!((verdict.rows, verdict.writers, verdict.checkpoints, verdict.unsigned), (5, 1, 2, 1), "{verdict:?}");
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(verdict.signed.unwrap().number, 2);
    store
}

/// The only thing that is wrong.
fn only(verdict: &AuditVerdict) -> &Break {
    assert_eq!(verdict.breaks.len(), 1, "{verdict:?}");
    &verdict.breaks[0]
}

async fn a_row_whose_text_was_changed_is_named(world: &World) {
    let store = written(world).await;

    world.run("UPDATE audit SET body = REPLACE(body, 'three', 'tree') WHERE seq = 3").await;

    let verdict = world.verify(&store).await;
    let found = only(&verdict);
    assert_eq!((found.flaw, found.seq, found.kind.as_deref()), (Flaw::Altered, 3, Some("tool_called")));
    assert_eq!(found.at, Some(world.now().before(Duration::from_secs(2))));
    assert_eq!(verdict.rows, 2, "what stands before it is whole");
}

async fn a_row_whose_columns_were_changed_is_named(world: &World) {
    let store = written(world).await;
    for column in ["user_id", "client", "grant_id", "transaction_id", "correlation", "kind", "at"] {
        let value = if column == "at" { "at - 1" } else { "'another'" };
        let read = format!("SELECT CAST({column} AS TEXT) FROM audit WHERE seq = 4");
        let before = world.text(&read).await;

        world.run(&format!("UPDATE audit SET {column} = {value} WHERE seq = 4")).await;

        let verdict = world.verify(&store).await;
        assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Altered, 4), "{column}");
        let back = match &before {
            Some(text) if column == "at" => text.clone(),
            Some(text) => format!("'{text}'"),
            None => "NULL".to_owned(),
        };
        world.run(&format!("UPDATE audit SET {column} = {back} WHERE seq = 4")).await;
        assert!(world.verify(&store).await.is_whole(), "{column}");
    }
}

async fn a_row_that_was_taken_out_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM audit WHERE seq = 2").await;

    let verdict = world.verify(&store).await;
    let found = only(&verdict);
    assert_eq!((found.flaw, found.seq, found.at), (Flaw::Missing, 2, None));
    assert_eq!(found.after, Some(world.now().before(Duration::from_secs(4))), "the time of the row before");
}

async fn a_cut_off_end_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM audit WHERE seq >= 4").await;

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Truncated, 4));
}

/// Without a checkpoint this could not be seen: the chain and its head fit together.
async fn a_cut_off_end_with_its_head_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM audit WHERE seq >= 4").await;
    world.run("UPDATE writers SET audit_seq = 3, audit_hash = (SELECT hash FROM audit WHERE seq = 3)").await;

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Truncated, 4));
}

async fn two_rows_that_changed_places_are_named(world: &World) {
    let store = written(world).await;

    for (from, to) in [(2, 99), (3, 2), (99, 3)] {
        world.run(&format!("UPDATE audit SET seq = {to} WHERE seq = {from}")).await;
    }

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Moved, 2));
}

async fn a_row_that_was_put_at_the_end_is_named(world: &World) {
    let store = written(world).await;

    world
        .run(
            "INSERT INTO audit (writer, seq, at, kind, body, prev_hash, hash)
             SELECT writer, 6, at, kind, body, hash, 'x' FROM audit WHERE seq = 5",
        )
        .await;

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Extra, 6));
}

/// The hashes have no secret in them, so anybody can make a chain that fits together. Only what was signed tells.
async fn a_chain_that_was_written_anew_is_named(world: &World) {
    let store = written(world).await;
    let writer = world.text("SELECT id FROM writers WHERE audit_seq > 0").await.unwrap();
    let mut prev = world.text("SELECT prev_hash FROM audit WHERE seq = 3").await.unwrap();

    world.run("UPDATE audit SET body = REPLACE(body, 'three', 'tree') WHERE seq = 3").await;
    for seq in 3..=5 {
        let body = world.text(&format!("SELECT body FROM audit WHERE seq = {seq}")).await.unwrap();
        let digest = bailiwick_domain::text::sha256(format!("{prev}\n{writer}\n{seq}\n{body}").as_bytes());
        let hash = bailiwick_domain::text::encode(&digest);
        world.run(&format!("UPDATE audit SET prev_hash = '{prev}', hash = '{hash}' WHERE seq = {seq}")).await;
        prev = hash;
    }
    world.run(&format!("UPDATE writers SET audit_hash = '{prev}' WHERE id = '{writer}'")).await;

    let verdict = world.verify(&store).await;
    let found = only(&verdict);
    assert_eq!((found.flaw, found.seq), (Flaw::Rewritten, 3), "{verdict:?}");
    assert_eq!(found.after, Some(world.now().before(Duration::from_secs(3))), "what was signed before still stands");
}

async fn a_writer_that_was_taken_away_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM audit").await;
    world.run("DELETE FROM writers").await;
    world.run("DELETE FROM checkpoint_heads").await;

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Gone, 1));
}

async fn a_writer_without_its_head_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM writers").await;

    let verdict = world.verify(&store).await;
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::Headless, 5));
}

async fn a_checkpoint_that_was_taken_away_is_named(world: &World) {
    let store = written(world).await;

    world.run("DELETE FROM checkpoints WHERE number = 2").await;
    let last = world.verify(&store).await;
    world.sign(&store).await;
    let middle = world.verify(&store).await;

    assert_eq!((only(&last).flaw, only(&last).seq), (Flaw::CheckpointMissing, 2), "the newest");
    assert_eq!((only(&middle).flaw, only(&middle).seq), (Flaw::CheckpointMissing, 2), "the gap stays");
    assert_eq!(middle.signed.unwrap().number, 3);
}

async fn a_checkpoint_of_another_key_is_named(world: &World) {
    let store = world.open().await;
    store.record(event(AuditKind::ToolCalled, world.now())).await.unwrap();
    let due = store.checkpoint_due(None, world.now()).await.unwrap().unwrap();
    let stranger = KeyPair::generate(bailiwick_domain::jose::Alg::Es256).unwrap();
    let statement = due.checkpoint.sign(&stranger).unwrap();
    assert!(store.keep_checkpoint(due, statement).await.unwrap());

    let ours = world.verify(&store).await;
    let both = JwkSet::new(vec![world.signer.public(), stranger.public()]);

    assert_eq!((only(&ours).flaw, only(&ours).seq), (Flaw::CheckpointAltered, 1));
    assert!(store.verify_audit(&both, None).await.unwrap().is_whole(), "a retained key goes on counting");
}

/// Rows, heads, checkpoints and settings of an earlier day all fit together.
async fn a_record_set_back_is_known_by_who_remembers(world: &World) {
    let store = written(world).await;
    let newest = store.newest_checkpoint().await.unwrap().unwrap();
    let setting = world.text("SELECT hash FROM checkpoints WHERE number = 1").await.unwrap();

    world.run("DELETE FROM audit WHERE seq > 2").await;
    world.run("UPDATE writers SET audit_seq = 2, audit_hash = (SELECT hash FROM audit WHERE seq = 2)").await;
    world.run("DELETE FROM checkpoints WHERE number = 2").await;
    world.run(&format!("UPDATE settings SET value = '1 {setting}' WHERE name = 'audit_checkpoint'")).await;

    let keys = JwkSet::new(vec![world.signer.public()]);
    assert!(world.verify(&store).await.is_whole(), "nothing in the database tells");
    let verdict = store.verify_audit(&keys, Some((newest.number, newest.hash))).await.unwrap();
    assert_eq!((only(&verdict).flaw, only(&verdict).seq), (Flaw::CheckpointMissing, 2));
}

async fn only_one_of_two_processes_writes_a_checkpoint(world: &World) {
    let stores = world.open_two().await;
    stores[0].record(event(AuditKind::ToolCalled, world.now())).await.unwrap();
    let one = stores[0].checkpoint_due(None, world.now()).await.unwrap().unwrap();
    let other = stores[1].checkpoint_due(None, world.now()).await.unwrap().unwrap();
    let (first, second) = (one.checkpoint.sign(&world.signer).unwrap(), other.checkpoint.sign(&world.signer).unwrap());

    let ends =
        [stores[0].keep_checkpoint(one, first).await.unwrap(), stores[1].keep_checkpoint(other, second).await.unwrap()];

    assert_eq!(ends, [true, false]);
    assert!(stores[1].checkpoint_due(None, world.now()).await.unwrap().is_none(), "nothing grew since");
    let verdict = world.verify(&stores[0]).await;
    assert!(verdict.is_whole() && verdict.checkpoints == 1, "{verdict:?}");
}
