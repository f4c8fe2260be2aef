//! The tree below a grant, and what is stopped in it.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::ids::{GrantId, TokenId, UserId};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_store::{
    Coordinates, Derivation, Derived, Looked, PartyStop, Rotated, Rotation, Standing, Store, TokenRow, Tree,
};

use crate::world::{Dice, Issued, World, event, family, refresh_token, token};

on_every_engine![
    a_tree_shows_parties_and_not_tokens,
    a_tree_counts_calls_by_who_made_them,
    a_tree_is_bounded_and_says_so,
    a_stopped_party_gets_and_uses_nothing_in_any_process,
    a_stopped_step_leaves_the_others_open,
    a_stopped_audience_is_refreshed_for_nobody,
    only_its_owner_stops_anything_under_a_grant,
    a_stop_and_a_derivation_stand_in_one_order,
    a_stir_is_noticed,
];

const RESEARCHER: &str = "https://id.example/agent/researcher";
const NOTES: &str = "https://mcp.example.com/mcp/notes";

struct Chain {
    issued: Issued,
    front: TokenRow,
}

impl Chain {
    async fn new(store: &Store, now: Timestamp) -> Self {
        let (issued, _, front) = family(store, now).await;
        Self { issued, front }
    }

    fn grant(&self) -> &GrantId {
        self.issued.grant()
    }

    fn user(&self) -> &UserId {
        &self.issued.code_grant.approval.user
    }

    /// The token that `actors` (first actor first) obtained with `parent` for `audience`.
    fn step(&self, parent: &TokenRow, actors: &[&str], audience: &str, now: Timestamp) -> Derivation {
        let row = TokenRow {
            parent: Some(parent.jti.clone()),
            hop: parent.hop + 1,
            actor: actors.last().map(|&actor| actor.to_owned()),
            audience: Resource::from_stored(audience.to_owned()),
            scope: ScopeSet::parse("notes:read").unwrap(),
            ..token(&self.issued.code_grant.approval, now)
        };
        let actors = actors.iter().rev().map(|&actor| actor.to_owned()).collect();
        Derivation { line: vec![parent.jti.clone()], steps: Vec::new(), actors, token: row, now }
    }

    #[expect(clippy::too_many_arguments, reason = "the coordinates of one token")]
    async fn derive(
        &self,
        store: &Store,
        parent: &TokenRow,
        actors: &[&str],
        audience: &str,
        now: Timestamp,
    ) -> TokenRow {
        let derivation = self.step(parent, actors, audience, now);
        let row = derivation.token.clone();
        let derived = store.derive(derivation, event(AuditKind::TokenExchanged, now)).await.unwrap();
        assert_eq!(derived, Derived::Fresh);
        row
    }

    fn standing(&self, store: &Store, actors: &[&str], audience: &str, now: Timestamp) -> Standing {
        let approval = &self.issued.code_grant.approval;
        let token = TokenId::draw(&Dice);
        let front = Coordinates::front_door(self.grant(), &token, approval.user.as_str(), &approval.client);
        let parties = actors.iter().copied().chain([audience]).collect();
        store.revocations().standing(&Coordinates { parties, ..front }, now)
    }

    fn stop(&self, party: &[&str]) -> PartyStop {
        PartyStop {
            grant: self.grant().clone(),
            owner: Some(self.user().clone()),
            party: party.iter().map(|&party| party.to_owned()).collect(),
        }
    }

    async fn tree(&self, store: &Store, now: Timestamp) -> Tree {
        store.tree(self.grant(), now).await.unwrap().unwrap()
    }
}

fn stopped(world: &World) -> AuditEvent {
    event(AuditKind::PartyStopped, world.now())
}

async fn a_tree_shows_parties_and_not_tokens(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let first = chain.derive(&store, &chain.front, &["agent:o"], RESEARCHER, world.now()).await;
    for _ in 0..3 {
        chain.derive(&store, &first, &["agent:o", "agent:r"], NOTES, world.now()).await;
    }
    chain.derive(&store, &chain.front, &["agent:o"], NOTES, world.now()).await;

    let tree = chain.tree(&store, world.now()).await;

    let ways: Vec<_> =
        tree.ways.iter().map(|way| (way.path.join(" "), way.audience.as_str(), way.tokens, way.live)).collect();
    let front = chain.front.audience.as_str();
    let expected = [
        (String::new(), front, 1, 1),
        ("agent:o".to_owned(), RESEARCHER, 1, 1),
        ("agent:o".to_owned(), NOTES, 1, 1),
        ("agent:o agent:r".to_owned(), NOTES, 3, 3),
    ];
    let mut sorted = ways.clone();
    sorted.sort_by_key(|way| (way.0.len(), way.1 == NOTES));
    assert_eq!(sorted, expected);
    assert!(tree.live && tree.tokens_left_out == 0 && tree.calls.is_empty() && tree.stopped.is_empty());
    assert_eq!(tree.ways.last().unwrap().scope.to_string(), "notes:read");

    store.revoke_token(&first.jti, event(AuditKind::TokenRevoked, world.now())).await.unwrap();
    let tree = chain.tree(&store, world.now()).await;
    let live: Vec<_> = tree.ways.iter().map(|way| (way.path.len(), way.audience.as_str(), way.live)).collect();
    assert!(
        live.contains(&(2, NOTES, 0)) && live.contains(&(1, NOTES, 1)),
        "what came from a revoked token is over: {live:?}"
    );

    assert!(store.tree(&GrantId::draw(&Dice), world.now()).await.unwrap().is_none());
    world.pass(Duration::from_mins(6));
    assert!(chain.tree(&store, world.now()).await.ways.iter().all(|way| way.live == 0 && way.tokens > 0));
}

async fn a_tree_counts_calls_by_who_made_them(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let call = |kind, tool: &str| {
        event(kind, world.now())
            .grant(chain.grant())
            .actors(["agent:r".to_owned(), "agent:o".to_owned()])
            .resource(&Resource::from_stored(NOTES.to_owned()))
            .tool(tool)
    };
    for _ in 0..3 {
        store.record(call(AuditKind::ToolCalled, "look")).await.unwrap();
    }
    store.record(call(AuditKind::ToolCalled, "look").outcome(Outcome::Failed)).await.unwrap();
    store.record(call(AuditKind::ToolRefused, "change")).await.unwrap();
    store.record(event(AuditKind::ToolCalled, world.now()).tool("look")).await.unwrap();

    let calls = chain.tree(&store, world.now()).await.calls;

    let counts: Vec<_> =
        calls.iter().map(|call| (call.tool.as_str(), call.allowed, call.failed, call.refused)).collect();
    assert_eq!(counts, [("change", 0, 0, 1), ("look", 3, 1, 0)]);
    assert!(calls.iter().all(|call| call.path == ["agent:o", "agent:r"] && call.last_at == world.now()));
    world.pass(Duration::from_hours(25));
    assert!(chain.tree(&store, world.now()).await.calls.is_empty(), "a day is what is shown");
}

async fn a_tree_is_bounded_and_says_so(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let (grant, audience, at) = (chain.grant(), chain.front.audience.as_str(), world.now().millis());
    let rows: Vec<_> = (0..1200)
        .map(|n| format!("('at_{n}', '{grant}', NULL, 1, 'agent:o', '{audience}', 's', {}, {})", at + n, at + 300_000))
        .collect();
    world
        .run(&format!(
            "INSERT INTO access_tokens (jti, grant_id, parent, hop, actor, audience, scope, issued_at, expires_at)
             VALUES {}",
            rows.join(", ")
        ))
        .await;

    let tree = chain.tree(&store, world.now()).await;

    assert_eq!(tree.ways.iter().map(|way| way.tokens).sum::<u64>(), 1000);
    assert_eq!(tree.tokens_left_out, 201, "the front door's, and the 200 oldest of the others");
}

async fn a_stopped_party_gets_and_uses_nothing_in_any_process(world: &World) {
    let [here, there] = world.open_two().await;
    let chain = Chain::new(&here, world.now()).await;
    let other = Chain::new(&here, world.now()).await;
    let first = chain.derive(&here, &chain.front, &["agent:o"], RESEARCHER, world.now()).await;
    let mut heard = there.revocations().subscribe();

    assert!(here.stop_party(chain.stop(&["agent:r", RESEARCHER]), stopped(world)).await.unwrap());

    assert!(!here.stop_party(chain.stop(&["agent:r"]), stopped(world)).await.unwrap(), "it is final");
    for _ in 0..2 {
        tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
    }
    for store in [&here, &there] {
        let stands = |actors: &[&str], audience| chain.standing(store, actors, audience, world.now());
        assert_eq!(stands(&["agent:r", "agent:o"], NOTES), Standing::Revoked);
        assert_eq!(stands(&["agent:x", "agent:r", "agent:o"], NOTES), Standing::Revoked, "and whoever comes after it");
        assert_eq!(stands(&["agent:o"], RESEARCHER), Standing::Revoked, "nothing is handed to it");
        assert_eq!(stands(&["agent:o"], NOTES), Standing::Live);
        assert_eq!(
            other.standing(store, &["agent:r", "agent:o"], NOTES, world.now()),
            Standing::Live,
            "its own grant only"
        );
    }
    for (parent, actors, audience, derived) in [
        (&first, &["agent:o", "agent:r"][..], NOTES, Derived::Stopped),
        (&chain.front, &["agent:o"], RESEARCHER, Derived::Stopped),
        (&chain.front, &["agent:o"], NOTES, Derived::Fresh),
    ] {
        let step = chain.step(parent, actors, audience, world.now());
        assert_eq!(
            there.derive(step, event(AuditKind::TokenExchanged, world.now())).await.unwrap(),
            derived,
            "{actors:?}"
        );
    }
    let tree = chain.tree(&there, world.now()).await;
    assert_eq!(tree.stopped.keys().collect::<Vec<_>>(), ["agent:r", RESEARCHER]);
    assert!(tree.ways.iter().all(|way| (way.live == 0) == (way.audience.as_str() == RESEARCHER)));

    here.close().await;
    if world.is_sqlite() {
        drop(there);
    }
    let again = world.open().await;
    assert_eq!(chain.standing(&again, &["agent:r", "agent:o"], NOTES, world.now()), Standing::Revoked);
}

async fn a_stopped_step_leaves_the_others_open(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let handed = chain.derive(&store, &chain.front, &["agent:o"], RESEARCHER, world.now()).await;
    chain.derive(&store, &chain.front, &["agent:o"], NOTES, world.now()).await;
    chain.derive(&store, &handed, &["agent:o", "agent:r"], NOTES, world.now()).await;

    let step = format!("agent:r->{NOTES}");
    assert!(store.stop_party(chain.stop(&[&step]), stopped(world)).await.unwrap());

    let tree = chain.tree(&store, world.now()).await;
    let over: Vec<_> = tree.ways.iter().filter(|way| way.live == 0).map(|way| way.path.join(" ")).collect();
    assert_eq!(over, ["agent:o agent:r"]);
    for (parent, actors, derived) in
        [(&handed, &["agent:o", "agent:r"][..], Derived::Stopped), (&chain.front, &["agent:o"], Derived::Fresh)]
    {
        let step = chain.step(parent, actors, NOTES, world.now());
        assert_eq!(store.derive(step, event(AuditKind::TokenExchanged, world.now())).await.unwrap(), derived);
    }
}

async fn a_stopped_audience_is_refreshed_for_nobody(world: &World) {
    let store = world.open().await;
    let (issued, refresh, front) = family(&store, world.now()).await;
    let chain = Chain { issued, front };
    let audience = chain.front.audience.as_str();
    assert!(store.stop_party(chain.stop(&[audience]), stopped(world)).await.unwrap());

    let successor = refresh_token(chain.grant(), Some(&refresh), world.now());
    let rotation = Rotation {
        old: refresh.digest,
        grant: chain.grant().clone(),
        successor,
        token: token(&chain.issued.code_grant.approval, world.now()),
        sealed_response: "sealed".to_owned(),
        now: world.now(),
    };
    let rotated = store.rotate(rotation, event(AuditKind::TokenRefreshed, world.now())).await.unwrap();

    assert!(matches!(rotated, Rotated::Revoked));
    assert!(store.grant(chain.grant()).await.unwrap().unwrap().is_live(world.now()));
}

async fn only_its_owner_stops_anything_under_a_grant(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let stranger = PartyStop { owner: Some(UserId::draw(&Dice)), ..chain.stop(&["agent:r"]) };

    assert!(!store.stop_party(stranger, stopped(world)).await.unwrap());

    let administrator = PartyStop { owner: None, ..chain.stop(&["agent:r"]) };
    assert!(store.stop_party(administrator, stopped(world)).await.unwrap());
    store.revoke_grant(chain.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();
    assert!(
        !store.stop_party(chain.stop(&["agent:o"]), stopped(world)).await.unwrap(),
        "there is nothing left to stop"
    );
    assert_eq!(world.number("SELECT COUNT(*) FROM audit WHERE kind = 'party_stopped'").await, 1);
}

async fn a_stop_and_a_derivation_stand_in_one_order(world: &World) {
    let [here, there] = world.open_two().await;
    for _ in 0..20 {
        let chain = Chain::new(&here, world.now()).await;
        let next = chain.step(&chain.front, &["agent:r"], NOTES, world.now());
        let (stop, derive) = tokio::join!(
            here.stop_party(chain.stop(&["agent:r"]), stopped(world)),
            there.derive(next, event(AuditKind::TokenExchanged, world.now())),
        );

        assert!(stop.unwrap());
        let after = chain.step(&chain.front, &["agent:r"], NOTES, world.now());
        let after = there.derive(after, event(AuditKind::TokenExchanged, world.now())).await.unwrap();
        assert_eq!(after, Derived::Stopped);
        let live = chain
            .tree(&here, world.now())
            .await
            .ways
            .iter()
            .filter(|way| way.path.len() == 1)
            .map(|way| way.live)
            .sum::<u64>();
        assert_eq!(live, 0, "whichever was first: {derive:?}");
    }
}

async fn a_stir_is_noticed(world: &World) {
    let store = world.open().await;
    let chain = Chain::new(&store, world.now()).await;
    let looked = Looked { user: Some(chain.user().clone()), limit: 10, skip: 0 };
    let look = async || store.stir(&looked, world.now()).await.unwrap();
    let mut before = look().await;
    assert_eq!((before.len(), &before[0].grant, before[0].stops), (1, chain.grant(), 0));
    assert_eq!(look().await, before);

    world.pass(Duration::from_secs(1));
    store.record(event(AuditKind::ToolCalled, world.now()).grant(chain.grant())).await.unwrap();
    assert_ne!(look().await, before, "a call");
    before = look().await;
    world.pass(Duration::from_secs(1));
    chain.derive(&store, &chain.front, &["agent:o"], NOTES, world.now()).await;
    assert_ne!(look().await, before, "a token");
    before = look().await;
    store.stop_party(chain.stop(&["agent:o"]), stopped(world)).await.unwrap();
    assert_ne!(look().await, before, "a stop");
    store.revoke_grant(chain.grant(), "test", event(AuditKind::GrantRevoked, world.now())).await.unwrap();
    assert!(look().await.is_empty());
    assert_eq!(store.stir(&Looked { limit: 10, ..Looked::default() }, world.now()).await.unwrap(), []);
}
