//! Exchanges: what may be handed on, and, over many random chains, that it only ever shrinks.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::chain::{Directory, Edge, MOST_HOPS};
use crate::ids::TokenId;
use crate::jose::{Alg, JwkSet, KeyPair, Signer as _};
use crate::policy::{Catalogue, Named, Person, Risk, ScopeGroup, Server};
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::{FrontDoor, Handover, mint_handover, verify_issued};
use crate::uri::ServerName;

const NOW: i64 = 1_900_000_000;

fn issuer() -> Issuer {
    Issuer::parse("https://id.example.com").unwrap()
}

fn scopes(text: &str) -> ScopeSet {
    if text.is_empty() { ScopeSet::default() } else { ScopeSet::parse(text).unwrap() }
}

fn agent(name: &str, calls: &[&str]) -> Agent {
    Agent {
        name: ServerName::parse(name).unwrap(),
        title: name.to_owned(),
        resource: Resource::parse(&format!("https://{name}.example.com")).unwrap(),
        behind: None,
        assurance: Assurance::ClientSecret,
        floor: Assurance::None,
        acts_for: None,
        scopes: None,
        own: ScopeSet::default(),
        max_depth: MOST_HOPS,
        edges: calls.iter().map(|to| Edge::to(*to)).collect(),
    }
}

fn alice() -> Holder {
    Holder::Person(Arc::new(Person { name: "alice".to_owned(), ..Person::default() }))
}

/// One server `notes`, and these agents.
struct World {
    directory: Directory,
    catalogue: Catalogue,
}

impl World {
    fn new(agents: Vec<Agent>) -> Self {
        let name = ServerName::parse("notes");
        let notes = Server::new(name.clone(), "Notes".to_owned(), issuer().resource(name.as_ref()), None);
        Self { directory: Directory { agents, ..Directory::default() }, catalogue: Catalogue { servers: vec![notes] } }
    }

    fn map(&self) -> Map<'_> {
        Map { directory: &self.directory, catalogue: &self.catalogue }
    }

    /// Alice's token for an agent, from the front door.
    fn front(&self, to: &str, scope: &str) -> AccessClaims {
        let mut approval = crate::grant::sample_approval();
        approval.resource = self.map().named(to).unwrap().resource().clone();
        approval.scope = scopes(scope);
        approval.expires_at = Timestamp::from_seconds(NOW + 1000);
        let sub = crate::chain::agent_subject(to);
        let front = FrontDoor { approval: &approval, scope: &approval.scope, agent: Some(&sub) };
        front.claims(&issuer(), TokenId::from_stored("at_0"), Timestamp::from_seconds(NOW))
    }

    fn exchange<'a>(&'a self, who: &str, subject: &'a AccessClaims, to: &str, holder: &'a Holder) -> Exchange<'a> {
        Exchange {
            map: self.map(),
            issuer: ISSUER.get_or_init(issuer),
            party: Party::Agent(self.directory.agent(who).unwrap()),
            assurance: Assurance::ClientSecret,
            holder,
            subject,
            target: self.map().named(to).unwrap(),
            scope: None,
            details: None,
        }
    }

    /// What `who` obtains with `subject` for `to`.
    fn next(&self, who: &str, subject: &AccessClaims, to: &str) -> Result<AccessClaims, ExchangeError> {
        let holder = alice();
        let exchange = self.exchange(who, subject, to, &holder);
        let allowed = exchange.decide()?;
        Ok(handed(&exchange, allowed, subject, who))
    }
}

static ISSUER: std::sync::OnceLock<Issuer> = std::sync::OnceLock::new();
static PAIR: std::sync::OnceLock<KeyPair> = std::sync::OnceLock::new();

fn pair() -> &'static KeyPair {
    PAIR.get_or_init(|| KeyPair::generate(Alg::Es256).unwrap())
}

/// Mints, and believes what was minted.
fn handed(exchange: &Exchange<'_>, allowed: Allowed, subject: &AccessClaims, who: &str) -> AccessClaims {
    let agent = match exchange.target {
        Target::Agent(agent) => Some(agent.subject()),
        Target::Server(_) | Target::Api(_) => None,
    };
    let client = ClientId::parse(who).unwrap();
    let handover = Handover {
        from: subject,
        place: allowed.place,
        chain: &allowed.chain,
        client: &client,
        target: exchange.target.resource(),
        agent: agent.as_deref(),
        scope: &allowed.scope,
        details: allowed.details,
        expires_at: Timestamp::from_seconds(NOW + 1000),
    };
    let now = Timestamp::from_seconds(NOW);
    let jti = TokenId::from_stored(format!("{}.{}", subject.jti, who));
    let minted = mint_handover(pair(), &issuer(), handover, jti, now).unwrap();
    let keys = JwkSet::new(vec![pair().public()]);
    let believed = verify_issued(&minted.raw, &keys, &issuer(), now).unwrap();
    assert_eq!(believed.claims(), &minted.claims);
    minted.claims
}

#[test]
fn every_actor_stays_on_record_and_authority_shrinks() {
    let world = World::new(vec![agent("orchestrator", &["researcher"]), agent("researcher", &["notes"])]);
    let front = world.front("orchestrator", "notes:read notes:write");
    let second = world.next("orchestrator", &front, "researcher").unwrap();
    let third = world.next("researcher", &second, "notes").unwrap();

    let subs: Vec<_> = third.act.as_ref().unwrap().line().map(|actor| actor.sub.as_str()).collect();
    assert_eq!(subs, ["agent:researcher", "agent:orchestrator"]);
    assert_eq!((third.sub.as_str(), third.txn.as_str()), ("us_alice", "tx_1"));
    assert_eq!(third.aud, "https://id.example.com/mcp/notes");
    assert_eq!((third.dlg.hop, third.dlg.parent.as_ref()), (2, Some(&second.jti)));
    assert_eq!(third.dlg.above, std::slice::from_ref(&front.jti));
    assert_eq!(second.may_act.as_ref().unwrap().sub, "agent:researcher");
    assert_eq!(third.may_act, None);
}

#[test]
fn only_whom_it_was_handed_to_exchanges_a_token() {
    let world = World::new(vec![agent("a", &["notes", "b"]), agent("b", &["notes"])]);
    let front = world.front("a", "notes:read");
    let at_server = world.next("a", &front, "notes").unwrap();

    assert_eq!(world.next("b", &front, "notes"), Err(ExchangeError::NotRecipient));
    assert_eq!(world.next("a", &at_server, "notes"), Err(ExchangeError::NotRecipient));
}

#[test]
fn without_an_edge_nothing_passes() {
    let mut bounded = agent("a", &[]);
    bounded.edges = vec![Edge { acts_for: Some(vec![Named::parse("user:bob").unwrap()]), ..Edge::to("notes") }];
    let world = World::new(vec![bounded, agent("b", &["notes"])]);
    let front = world.front("a", "notes:read");

    for to in ["notes", "b"] {
        let refused = world.next("a", &front, to).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ActorUnauthorized, "{to}");
        assert_eq!(refused.rule(), format!("edge:a->{to}"));
    }
}

#[test]
fn a_loop_needs_an_edge_that_says_so() {
    let mut back = agent("b", &[]);
    back.edges = vec![Edge { reentrant: true, ..Edge::to("a") }];
    let plain = World::new(vec![agent("a", &["b", "notes"]), agent("b", &["a"])]);
    let open = World::new(vec![agent("a", &["b", "notes"]), back]);
    for (world, passes) in [(&plain, false), (&open, true)] {
        let front = world.front("a", "notes:read");
        let at_b = world.next("a", &front, "b").unwrap();
        let again = world.next("b", &at_b, "a");
        assert_eq!(again.is_ok(), passes);
        if let Ok(again) = again {
            let last = world.next("a", &again, "notes").unwrap();
            assert_eq!(last.act.unwrap().line().count(), 3);
        }
    }
}

#[test]
fn a_weak_actor_stays_weak_for_whoever_comes_after() {
    let mut strong = agent("b", &["notes"]);
    strong.assurance = Assurance::PrivateKeyJwt;
    let mut world = World::new(vec![agent("a", &["b"]), strong]);
    world.directory.floors.insert("notes".to_owned(), Assurance::PrivateKeyJwt);
    let front = world.front("a", "notes:read");
    let at_b = world.next("a", &front, "b").unwrap();
    let holder = alice();
    let exchange = Exchange { assurance: Assurance::PrivateKeyJwt, ..world.exchange("b", &at_b, "notes", &holder) };

    assert_eq!(exchange.decide().unwrap_err().rule(), "floor:notes");
}

#[test]
fn an_agents_own_authority_is_not_handed_on() {
    let world = World::new(vec![agent("a", &["notes"])]);
    let front = world.front("a", "notes:read");
    let exchange = Exchange { holder: &Holder::Machine, ..world.exchange("a", &front, "notes", &Holder::Machine) };

    assert_eq!(exchange.decide(), Err(ChainRefusal::OwnAccount.into()));
}

#[test]
fn a_bound_token_is_not_exchanged_without_its_key() {
    let world = World::new(vec![agent("a", &["notes"])]);
    let mut front = world.front("a", "notes:read");
    front.cnf = Some(serde_json::json!({ "jkt": "x" }));

    assert_eq!(world.next("a", &front, "notes"), Err(ExchangeError::Bound));
}

#[test]
fn re_entering_passes_only_what_such_an_edge_lets_pass() {
    let mut back = agent("b", &["a"]);
    back.edges.push(Edge { reentrant: true, scopes: Some(scopes("notes:read")), ..Edge::to("a") });
    let world = World::new(vec![agent("a", &["b", "notes"]), back]);
    let front = world.front("a", "notes:read notes:write");
    let handed = world.next("a", &front, "b").unwrap();

    assert_eq!(world.next("b", &handed, "a").unwrap().scope, scopes("notes:read"));
}

#[test]
fn an_edge_to_a_server_is_no_leave_to_go_past_the_gateway() {
    let inside = Agent { behind: Some("notes".to_owned()), ..agent("inside", &["notes"]) };
    let world = World::new(vec![agent("a", &["notes"]), inside]);
    let front = world.front("a", "notes:read");

    let refused = ChainRefusal::NoEdge { from: "a".to_owned(), to: "inside".to_owned() };
    assert_eq!(world.next("a", &front, "inside"), Err(refused.into()));
    assert!(world.next("a", &front, "notes").is_ok());
}

#[test]
fn of_a_scope_that_two_places_share_each_keeps_its_own_list() {
    let api = |name: &str, allow: &[(Scope, Vec<Named>)]| {
        let shared = ScopeGroup { scope: shared(), says: "Read".to_owned(), risk: Risk::Read, patterns: Vec::new() };
        let resource = Resource::parse(&format!("https://{name}.example.com")).unwrap();
        let known = Server::new(ServerName::parse(name), name.to_owned(), resource, Some(vec![shared]));
        Server { allow: allow.iter().cloned().collect(), ..known }
    };
    let mut world = World::new(vec![agent("a", &["open", "closed"]), agent("b", &["closed"])]);
    let bob = vec![Named::parse("user:bob").unwrap()];
    world.directory.apis = vec![api("closed", &[(shared(), bob)]), api("open", &[])];
    let front = world.front("a", "common:read");

    assert_eq!(world.next("a", &front, "open").unwrap().scope, scopes("common:read"));
    assert_eq!(world.next("a", &front, "closed"), Err(ExchangeError::Nothing));
    let may = |to: &str| world.map().entitled(Stage::Consent, &alice(), world.map().named(to).unwrap());
    assert_eq!((may("a"), may("b")), (scopes("common:read"), ScopeSet::default()));
}

fn shared() -> Scope {
    Scope::parse("common:read").unwrap()
}

#[test]
fn tools_only_narrow() {
    let notes = Resource::parse("https://id.example.com/mcp/notes").unwrap();
    let only = |tools: &[&str]| vec![ToolsDetail::only(notes.clone(), tools.iter().map(|t| (*t).to_owned()).collect())];
    let held = only(&["list", "read"]);

    assert_eq!(refine(&held, None), Ok(held.clone()));
    assert_eq!(refine(&held, Some(&only(&["read"]))), Ok(only(&["read"])));
    assert_eq!(refine(&held, Some(&only(&["read", "delete"]))), Err(ExchangeError::Details));
    assert_eq!(refine(&[], Some(&only(&["delete"]))), Ok(only(&["delete"])));
    let everywhere = ToolsDetail { locations: Vec::new(), ..held[0].clone() };
    assert_eq!(refine(&held, Some(&[everywhere])), Err(ExchangeError::Details));
}

/// What `who` obtains for `to` under a job that was given to `a`, with these agents.
fn in_job(world: &World, who: &str, to: &str, agents: &[&str]) -> Result<AccessClaims, ExchangeError> {
    in_job_of(world, who, to, (agents, "notes:read notes:write"))
}

/// The same under a job with these scopes.
fn in_job_of(
    world: &World,
    who: &str,
    to: &str,
    (agents, scope): (&[&str], &str),
) -> Result<AccessClaims, ExchangeError> {
    let mut approval = crate::grant::sample_approval();
    approval.client = ClientId::parse("a").unwrap();
    approval.scope = scopes(scope);
    let agents = agents.iter().map(|&name| name.to_owned()).collect();
    approval.job = Some(crate::grant::Job { reason: "Work".to_owned(), agents, budget: Some(3) });
    let front = world.front("a", scope);
    let holder = alice();
    let exchange = world.exchange(who, &front, to, &holder);
    let allowed = from_grant(&exchange, &approval)?;
    Ok(handed(&exchange, allowed, &front, who))
}

#[test]
fn a_job_begins_a_chain_of_its_agents_only() {
    let world = World::new(vec![agent("a", &["b", "c", "notes"]), agent("b", &["notes"]), agent("c", &["notes"])]);
    let first = in_job(&world, "a", "b", &["a", "b"]).unwrap();
    let bounds = first.dlg.job.clone().unwrap();
    assert_eq!((first.dlg.hop, first.dlg.parent.as_ref(), bounds.counted), (1, None, true));
    assert_eq!(first.act.as_ref().unwrap().line().count(), 1);

    let second = world.next("b", &first, "notes").unwrap();
    assert_eq!(second.dlg.job, Some(bounds), "every token below says so too");

    let refused = |told: Result<AccessClaims, ExchangeError>| told.unwrap_err().rule();
    assert_eq!(refused(in_job(&world, "c", "notes", &["a", "b"])), "job:agent");
    assert_eq!(refused(in_job(&world, "a", "c", &["a", "b"])), "job:agent");
    let with_c = in_job(&world, "a", "c", &["a", "c"]).unwrap();
    let mut without_c = with_c;
    without_c.dlg.job = Some(crate::chain::JobBounds { agents: ["a".to_owned()].into(), counted: false });
    assert_eq!(refused(world.next("c", &without_c, "notes")), "job:agent");
}

#[test]
fn what_another_agent_of_a_job_obtains_could_have_been_handed_to_it() {
    let mut a = agent("a", &["d"]);
    a.edges.push(Edge { scopes: Some(scopes("notes:read")), ..Edge::to("b") });
    let bound = |name: &str| Agent { edges: vec![Edge { scopes: None, ..Edge::to("c") }], ..agent(name, &[]) };
    let mut b = bound("b");
    b.edges.push(Edge::to("notes"));
    let world = World::new(vec![a, b, agent("c", &["notes"]), agent("d", &["notes"])]);
    let all = ["a", "b", "c", "d"];

    let scope =
        |who: &str, agents: &[&str]| in_job(&world, who, "notes", agents).map(|claims| claims.scope.to_string());
    assert_eq!(scope("d", &all).as_deref(), Ok("notes:read notes:write"));
    assert_eq!(scope("b", &all).as_deref(), Ok("notes:read"));
    assert_eq!(scope("c", &all).as_deref(), Ok("notes:read"), "over b, which was handed no more");
    assert_eq!(scope("c", &["a", "c"]), Err(ExchangeError::Nothing), "nobody of the job leads to it");
}

#[test]
fn an_agent_behind_the_gateway_obtains_for_a_job_what_its_server_could_be_shown() {
    let mut a = agent("a", &[]);
    a.edges = vec![Edge { scopes: Some(scopes("notes:read ledger:read")), ..Edge::to("notes") }];
    let behind = Agent { behind: Some("notes".to_owned()), ..agent("b", &["ledger"]) };
    let mut world = World::new(vec![a, behind]);
    let name = ServerName::parse("ledger");
    let at = Resource::parse("https://ledger.example.com").unwrap();
    world.directory.apis.push(Server::new(name, "Ledger".to_owned(), at, None));

    let held = |agents: &[&str]| in_job_of(&world, "b", "ledger", (agents, "notes:read ledger:read ledger:write"));
    assert_eq!(held(&["a", "b"]).unwrap().scope.to_string(), "ledger:read");
    assert_eq!(held(&["a"]).unwrap_err().rule(), "job:agent");
}

#[test]
fn a_grant_that_is_no_job_begins_no_chain() {
    let world = World::new(vec![agent("a", &["notes"])]);
    let front = world.front("a", "notes:read");
    let holder = alice();

    let refused = from_grant(&world.exchange("a", &front, "notes", &holder), &crate::grant::sample_approval());
    assert_eq!(refused, Err(ExchangeError::NotAJob));
}

#[test]
fn over_a_scope_its_own_server_decides_whatever_another_says_of_that_name() {
    let mut world = World::new(vec![agent("a", &["books", "paper"])]);
    let api = |name: &str, allow: &[&str]| {
        let read = Scope::parse("read").unwrap();
        let group = ScopeGroup { scope: read.clone(), says: "Read".to_owned(), risk: Risk::Read, patterns: Vec::new() };
        let resource = Resource::parse(&format!("https://{name}.example.com")).unwrap();
        let mut api = Server::new(ServerName::parse(name), name.to_owned(), resource, Some(vec![group]));
        if !allow.is_empty() {
            api.allow = [(read, allow.iter().map(|who| Named::parse(who).unwrap()).collect())].into();
        }
        api
    };
    world.directory.apis = vec![api("books", &["user:bob"]), api("paper", &[])];
    let front = world.front("a", "read");

    assert_eq!(world.next("a", &front, "books"), Err(ExchangeError::Nothing));
    assert_eq!(world.next("a", &front, "paper").unwrap().scope, scopes("read"));
}

#[test]
fn agents_who_all_call_each_other_are_seen_through_at_once() {
    let names: Vec<String> = (0..60).map(|n| format!("agent-{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).chain(["notes"]).collect();
    let world = World::new(names.iter().map(|name| agent(name, &all)).collect());
    let front = world.front("agent-0", "notes:read");
    let begun = std::time::Instant::now();

    assert_eq!(world.next("agent-0", &front, "agent-1").unwrap().scope, scopes("notes:read"));

    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

const ALL: [&str; 4] = ["notes:read", "notes:write", "notes:destructive", "other:read"];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn some_scopes() -> impl Strategy<Value = ScopeSet> {
    proptest::sample::subsequence(ALL.to_vec(), 0..=ALL.len()).prop_map(|list| scopes(&list.join(" ")))
}

fn some_edge() -> impl Strategy<Value = Edge> {
    let to = proptest::sample::select(vec!["a", "b", "c", "d", "e", "f", "notes", "notes"]);
    (to, proptest::option::weighted(0.3, some_scopes()), 1..=MOST_HOPS, any::<bool>())
        .prop_map(|(to, scopes, max_depth, reentrant)| Edge { scopes, max_depth, reentrant, ..Edge::to(to) })
}

fn some_agents() -> impl Strategy<Value = Vec<Agent>> {
    let bounds = (proptest::collection::vec(some_edge(), 2..6), proptest::option::weighted(0.3, some_scopes()));
    proptest::collection::vec((bounds, 2..=MOST_HOPS), NAMES.len()).prop_map(|all| {
        let made = NAMES.iter().zip(all);
        made.map(|(name, ((edges, scopes), max_depth))| Agent { scopes, max_depth, edges, ..agent(name, &[]) })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_chain_ever_widens_lengthens_or_forgets(
        agents in some_agents(), asked in some_scopes(), walk in proptest::collection::vec(0..NAMES.len() + 1, 1..=6),
        lives in proptest::collection::vec(1_i64..300, 7),
    ) {
        let world = World::new(agents);
        let mut held = world.front("a", "notes:read");
        held.scope = asked;
        held.exp = NOW + lives[0];
        let (mut who, mut actors) = ("a", Vec::new());
        for (step, to) in walk.into_iter().enumerate() {
            let to = NAMES.get(to).copied().unwrap_or("notes");
            let Ok(next) = world.next(who, &held, to) else { break };
            actors.insert(0, format!("agent:{who}"));
            let line: Vec<_> = next.act.as_ref().unwrap().line().map(|actor| actor.sub.clone()).collect();
            prop_assert_eq!(&line, &actors);
            prop_assert!(next.scope.within(&held.scope) && !next.scope.is_empty());
            prop_assert!(next.exp <= held.exp);
            prop_assert!(line.len() <= MOST_HOPS);
            prop_assert_eq!((&next.sub, &next.txn), (&held.sub, &held.txn));
            if to == "notes" { break }
            (who, held) = (to, next);
            held.exp = held.exp.min(NOW + lives[step + 1]);
        }
    }
}
