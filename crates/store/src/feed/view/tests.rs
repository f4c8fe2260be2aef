use bailiwick_domain::ids::{ClientId, GrantId, TokenId};

use super::*;

fn standing(view: &Revocations, grant: &str, now: i64) -> Standing {
    let client = ClientId::parse("c").unwrap();
    let (token, grant) = (TokenId::from_stored("at_1"), GrantId::from_stored(grant));
    view.standing(&Coordinates::front_door(&grant, &token, "us_1", &client), Timestamp::from_seconds(now))
}

/// A token of the agents `a` and `b`, derived from `at_0`, issued at second 50.
fn chain(view: &Revocations) -> Standing {
    let client = ClientId::parse("b").unwrap();
    let (grant, own, parent) =
        (GrantId::from_stored("gr_1"), TokenId::from_stored("at_1"), TokenId::from_stored("at_0"));
    let front = Coordinates::front_door(&grant, &own, "us_1", &client);
    let token = Coordinates {
        tokens: vec![&own, &parent],
        agents: vec!["b", "a"],
        edges: vec!["agent:b->https://x".to_owned(), "agent:a->agent:b".to_owned()],
        issued_at: Timestamp::from_seconds(50),
        ..front
    };
    view.standing(&token, Timestamp::from_seconds(100))
}

fn change(kind: ChangeKind, subject: &str) -> Change {
    Change { kind, subject: subject.to_owned() }
}

#[test]
fn a_view_never_read_is_stale() {
    let view = Revocations::new(Duration::from_secs(5));

    assert_eq!(standing(&view, "gr_1", 0), Standing::Stale);
}

#[test]
fn silence_longer_than_staleness_is_not_consent() {
    let view = Revocations::new(Duration::from_secs(5));

    view.refreshed(Timestamp::from_seconds(100));

    assert_eq!(standing(&view, "gr_1", 105), Standing::Live);
    assert_eq!(standing(&view, "gr_1", 106), Standing::Stale);
    assert_eq!(standing(&view, "gr_1", 94), Standing::Stale);
}

#[test]
fn a_change_is_told_once_however_often_it_is_read() {
    let view = Revocations::new(Duration::from_secs(5));
    let mut heard = view.subscribe();
    let change = Change::grant(&GrantId::from_stored("gr_1"));

    for _ in 0..3 {
        view.learn(vec![(change.clone(), Timestamp::from_seconds(100))]);
    }

    assert_eq!(standing(&view, "gr_1", 100), Standing::Revoked);
    assert_eq!(heard.try_recv().unwrap(), change);
    assert!(heard.try_recv().is_err());
}

#[test]
fn the_later_of_two_switches_counts_in_whatever_order_they_come() {
    let client = ClientId::parse("c").unwrap();
    let (off, on) = (Change::client(&client), Change::client_back(&client));
    for changes in [[(&off, 10), (&on, 20)], [(&on, 20), (&off, 10)]] {
        let view = Revocations::new(Duration::from_secs(5));
        view.refreshed(Timestamp::from_seconds(100));

        for (change, at) in changes {
            view.learn(vec![(change.clone(), Timestamp::from_seconds(at))]);
        }

        assert_eq!(standing(&view, "gr_1", 100), Standing::Live);
        view.learn(vec![(off.clone(), Timestamp::from_seconds(30))]);
        assert_eq!(standing(&view, "gr_1", 100), Standing::Revoked);
    }
}

#[test]
fn an_old_revocation_is_forgotten() {
    let view = Revocations::new(Duration::from_secs(5));
    view.learn(vec![(Change::grant(&GrantId::from_stored("gr_1")), Timestamp::from_seconds(0))]);

    view.refreshed(Timestamp::from_seconds(3601));

    assert_eq!(standing(&view, "gr_1", 3601), Standing::Live);
}

#[test]
fn everything_above_a_token_ends_it() {
    for (kind, subject, ends) in [
        (ChangeKind::Token, "at_0", true),
        (ChangeKind::Token, "at_2", false),
        (ChangeKind::Agent, "a", true),
        (ChangeKind::Agent, "b", true),
        (ChangeKind::Agent, "c", false),
        (ChangeKind::Edge, "agent:a->agent:b", true),
        (ChangeKind::Edge, "agent:b->agent:a", false),
        (ChangeKind::Edge, "agent:b->https://x", true),
        (ChangeKind::Tool, "https://x look", false),
    ] {
        let view = Revocations::new(Duration::from_secs(5));
        view.refreshed(Timestamp::from_seconds(100));

        view.learn(vec![(change(kind, subject), Timestamp::from_seconds(10))]);

        let expected = if ends { Standing::Revoked } else { Standing::Live };
        assert_eq!(chain(&view), expected, "{kind:?} {subject}");
    }
}

#[test]
fn what_is_older_than_a_start_stays_dead() {
    for (start, standing) in [(49_999, Standing::Live), (50_000, Standing::Revoked), (50_999, Standing::Revoked)] {
        for order in [[0, 1], [1, 0]] {
            let view = Revocations::new(Duration::from_secs(5));
            view.refreshed(Timestamp::from_seconds(100));
            let changes = [
                (change(ChangeKind::Agent, "a"), Timestamp::from_seconds(10)),
                (change(ChangeKind::AgentBack, "a"), Timestamp::from_millis(start)),
            ];

            for n in order {
                view.learn(vec![changes[n].clone()]);
            }

            assert_eq!(chain(&view), standing, "started at {start}");
        }
    }
}

#[test]
fn a_stop_is_never_forgotten() {
    let view = Revocations::new(Duration::from_secs(5));
    view.learn(vec![(change(ChangeKind::Tool, "https://x look"), Timestamp::from_seconds(10))]);

    view.refreshed(Timestamp::from_seconds(1_000_000));

    assert!(view.is_tool_stopped("https://x", "look") && !view.is_tool_stopped("https://x", "other"));
    view.learn(vec![(change(ChangeKind::ToolBack, "https://x look"), Timestamp::from_seconds(1_000_001))]);
    assert!(!view.is_tool_stopped("https://x", "look"));
}
