//! Attacks. Each starts a house of its own, attacks it from outside and says whether the attack was beaten off; the same
//! probe must succeed as an attack when the control that guards against it is switched off.

mod allow;
mod assertion;
mod broker;
mod cache;
pub mod chain;
mod child;
mod code;
mod connect;
mod connected;
mod document;
mod door;
mod import;
pub mod inward;
mod jobs;
mod leak;
pub mod login;
mod pages;
mod passing;
mod record;
mod saml;
pub mod signal;
mod stop;
mod token;
mod tools;
mod tree;
mod vault;
mod wrapping;

use bailiwick_domain::control::Control;

pub use allow::{call_beyond_allow, consent_beyond_allow, refresh_beyond_allow};
pub use assertion::{
    anothers_svid, assertion_for_another_server, old_assertion, one_assertion_many_senders, token_as_assertion,
};
pub use broker::{overgranted_token, stronger_key};
pub use cache::{
    anothers_credential, credential_of_a_revoked_token, credential_of_another_actor, credential_of_another_person,
    credential_of_another_route,
};
pub use chain::{
    actor_token_of_another, call_over_an_edge_that_is_gone, chain_in_a_loop, chain_too_deep, exchange_beyond_allow,
    exchange_for_left_out_tools, exchange_for_longer, exchange_for_more, exchange_of_the_revoked, foreign_history,
    forgotten_actor, misdeclared_subject, next_turn_of_another, step_without_an_edge, token_of_another_recipient,
    weak_actor_in_front,
};
pub use child::{
    child_against_files, child_against_network, child_against_processes, child_out_of_view, child_without_limits,
};
pub use code::{
    another_clients_code, one_code_many_redeemers, one_refresh_many_holders, wrong_redirect, wrong_verifier,
};
pub use connect::{
    anothers_connect_link, connect_answer_of_another_provider, connect_code_of_another_provider,
    connect_link_used_twice,
};
pub use connected::{key_under_another_roof, reading_with_the_gateways_key};
pub use document::{
    document_from_a_private_address, document_of_an_unlisted_domain, document_of_another, document_that_is_an_error,
    document_with_a_foreign_redirect, huge_document,
};
pub use door::{anothers_session, foreign_host, foreign_origin, replayed_by_upstream};
pub use import::{import, imported_secrets_on_the_disk};
pub use inward::{provider_in_every_spelling, registration_that_leads_inward, token_endpoint_that_leads_inward};
pub use jobs::{agent_outside_the_job, call_beyond_budget};
pub use leak::{cookie_from_behind, credential_elsewhere, echoed_credential};
pub use login::{anothers_id_token, anothers_login_answer, lookalike_issuer, lying_provider};
pub use pages::{consent_without_form_token, forged_address, guesses_slowed, guessing_passwords};
pub use passing::{
    CANARIES, callers_headers, callers_headers_astray, callers_headers_in_streams, callers_headers_in_trouble,
    callers_headers_once_more, callers_headers_to_an_api, laden, leaked,
};
pub use record::{cut_off_record, edited_record, unrecorded_call};
pub use saml::{
    answer_for_another_address, answer_to_another_request, assertion_for_another_audience,
    assertion_for_another_recipient, assertion_out_of_its_time, assertion_that_is_not_plain, comment_in_a_name,
    document_with_a_dtd, one_saml_assertion_many_senders, sign_in_as_a_grant,
};
pub use signal::{anothers_event, anothers_logout};
pub use stop::{cut_edge, revoked_ancestor, stopped_agent, stopped_tool};
pub use token::{confused_algorithm, expired, for_another_server, id_token, revoked, tampered, unsigned, wrong_issuer};
pub use tools::{left_out, listing, without_scope};
pub use tree::{Tree, console_to_a_stranger, stopped_party};
pub use vault::{anothers_row_of_the_vault, provider_that_points_inward, refresh_after_a_fall};
pub use wrapping::{two_assertions, wrapped_assertion};

/// `Ok` when the attack was beaten off; `Err` says how it got through.
pub type Verdict = Result<(), String>;

/// Which control each probe proves, by the probe's name; several may prove one, each on a way of its own.
pub const PROBES: [(&str, Control); 111] = [
    ("tampered", Control::Signature),
    ("unsigned", Control::Algorithm),
    ("id_token", Control::TokenType),
    ("wrong_issuer", Control::Issuer),
    ("for_another_server", Control::Audience),
    ("expired", Control::Expiry),
    ("revoked", Control::Revocation),
    ("anothers_session", Control::SessionOwner),
    ("callers_headers", Control::HeaderWall),
    ("foreign_origin", Control::Origin),
    ("foreign_host", Control::Host),
    ("without_scope", Control::Scope),
    ("left_out", Control::LeftOut),
    ("listing", Control::ListFilter),
    ("wrong_verifier", Control::Pkce),
    ("wrong_redirect", Control::RedirectUri),
    ("another_clients_code", Control::CodeClient),
    ("one_code_many_redeemers", Control::CodeOnce),
    ("one_refresh_many_holders", Control::RefreshOnce),
    ("consent_without_form_token", Control::FormToken),
    ("guessing_passwords", Control::Throttle),
    ("imported_secrets_on_the_disk", Control::Sealing),
    ("child_out_of_view", Control::ChildView),
    ("child_against_files", Control::ChildFiles),
    ("child_against_processes", Control::ChildProcesses),
    ("child_against_network", Control::ChildNetwork),
    ("child_without_limits", Control::ChildLimits),
    ("anothers_login_answer", Control::LoginState),
    ("anothers_id_token", Control::LoginNonce),
    ("lookalike_issuer", Control::LoginIssuer),
    ("document_from_a_private_address", Control::DocumentAddress),
    ("document_that_is_an_error", Control::DocumentStatus),
    ("huge_document", Control::DocumentSize),
    ("document_of_another", Control::DocumentIdentity),
    ("document_with_a_foreign_redirect", Control::DocumentOrigin),
    ("document_of_an_unlisted_domain", Control::DocumentPolicy),
    ("consent_beyond_allow", Control::AllowConsent),
    ("refresh_beyond_allow", Control::AllowRefresh),
    ("call_beyond_allow", Control::AllowCall),
    ("replayed_by_upstream", Control::UpstreamAudience),
    ("forged_address", Control::ForwardedFor),
    ("assertion_for_another_server", Control::AssertionAudience),
    ("one_assertion_many_senders", Control::AssertionOnce),
    ("anothers_svid", Control::AssertionSubject),
    ("old_assertion", Control::AssertionExpiry),
    ("token_as_assertion", Control::AssertionClass),
    ("revoked_ancestor", Control::TokenCascade),
    ("stopped_agent", Control::AgentStop),
    ("cut_edge", Control::EdgeStop),
    ("stopped_tool", Control::ToolStop),
    ("anothers_logout", Control::LogoutToken),
    ("anothers_event", Control::SecurityEvent),
    ("unrecorded_call", Control::AuditFirst),
    ("edited_record", Control::AuditLink),
    ("cut_off_record", Control::AuditCheckpoint),
    ("stopped_party", Control::NodeStop),
    ("console_to_a_stranger", Control::ConsoleRole),
    ("agent_outside_the_job", Control::JobAgents),
    ("call_beyond_budget", Control::JobBudget),
    ("token_of_another_recipient", Control::Recipient),
    ("next_turn_of_another", Control::MayAct),
    ("actor_token_of_another", Control::ActorToken),
    ("misdeclared_subject", Control::SubjectClass),
    ("exchange_beyond_allow", Control::AllowExchange),
    ("exchange_for_more", Control::ExchangeScope),
    ("exchange_for_left_out_tools", Control::ExchangeTools),
    ("exchange_for_longer", Control::ExchangeLife),
    ("exchange_of_the_revoked", Control::ExchangeLive),
    ("forgotten_actor", Control::ChainKept),
    ("chain_too_deep", Control::ChainDepth),
    ("chain_in_a_loop", Control::ChainLoop),
    ("step_without_an_edge", Control::Edge),
    ("call_over_an_edge_that_is_gone", Control::EdgeCall),
    ("weak_actor_in_front", Control::Floor),
    ("foreign_history", Control::ActorIssuer),
    ("stronger_key", Control::TierChoice),
    ("overgranted_token", Control::OvergrantCheck),
    ("anothers_credential", Control::CacheKey),
    ("wrapped_assertion", Control::XswOneElement),
    ("assertion_for_another_audience", Control::SamlAudience),
    ("assertion_for_another_recipient", Control::SamlRecipient),
    ("one_saml_assertion_many_senders", Control::SamlOnce),
    ("sign_in_as_a_grant", Control::SsoAsGrant),
    ("anothers_row_of_the_vault", Control::VaultBinding),
    ("refresh_after_a_fall", Control::RefreshLease),
    ("provider_that_points_inward", Control::BrokerGuard),
    ("anothers_connect_link", Control::TicketUser),
    ("connect_link_used_twice", Control::TicketOnce),
    ("connect_answer_of_another_provider", Control::CallbackIssuer),
    ("echoed_credential", Control::Scrub),
    ("credential_elsewhere", Control::DestinationWall),
    ("cookie_from_behind", Control::CookieStrip),
    ("reading_with_the_gateways_key", Control::NoFallback),
    ("key_under_another_roof", Control::BoundAccount),
    ("connect_code_of_another_provider", Control::CallbackPath),
    ("comment_in_a_name", Control::SamlPlain),
    ("document_with_a_dtd", Control::SamlPlain),
    ("assertion_that_is_not_plain", Control::SamlPlain),
    ("assertion_out_of_its_time", Control::SamlTime),
    ("answer_to_another_request", Control::SamlRequest),
    ("answer_for_another_address", Control::SamlDestination),
    ("callers_headers_once_more", Control::HeaderWall),
    ("callers_headers_in_trouble", Control::HeaderWall),
    ("callers_headers_in_streams", Control::HeaderWall),
    ("credential_of_another_person", Control::CacheKey),
    ("credential_of_another_actor", Control::CacheKey),
    ("credential_of_a_revoked_token", Control::CacheKey),
    ("provider_in_every_spelling", Control::BrokerGuard),
    ("registration_that_leads_inward", Control::BrokerGuard),
    ("token_endpoint_that_leads_inward", Control::BrokerGuard),
    ("two_assertions", Control::XswOneElement),
];

/// Runs the probe of that name with these controls switched off.
#[expect(clippy::too_many_lines, reason = "a table: one line a probe")]
pub async fn run(name: &str, off: &[Control]) -> Verdict {
    if let Some(verdict) = broker::run(name, off).await {
        return verdict;
    }
    if let Some(verdict) = cache::run(name, off).await {
        return verdict;
    }
    if let Some(verdict) = passing::run(name, off).await {
        return verdict;
    }
    if let Some(verdict) = saml::run(name, off).await {
        return verdict;
    }
    match name {
        "tampered" => tampered(off).await,
        "unsigned" => unsigned(off).await,
        "id_token" => id_token(off).await,
        "wrong_issuer" => wrong_issuer(off).await,
        "for_another_server" => for_another_server(off).await,
        "expired" => expired(off).await,
        "revoked" => revoked(off).await,
        "anothers_session" => anothers_session(off).await,
        "foreign_origin" => foreign_origin(off).await,
        "foreign_host" => foreign_host(off).await,
        "without_scope" => without_scope(off).await,
        "left_out" => left_out(off).await,
        "listing" => listing(off).await,
        "wrong_verifier" => wrong_verifier(off).await,
        "wrong_redirect" => wrong_redirect(off).await,
        "another_clients_code" => another_clients_code(off).await,
        "one_code_many_redeemers" => one_code_many_redeemers(off).await,
        "one_refresh_many_holders" => one_refresh_many_holders(off).await,
        "consent_without_form_token" => consent_without_form_token(off).await,
        "guessing_passwords" => guessing_passwords(off).await,
        "imported_secrets_on_the_disk" => imported_secrets_on_the_disk(off).await,
        "child_out_of_view" => child_out_of_view(off).await,
        "child_against_files" => child_against_files(off).await,
        "child_against_processes" => child_against_processes(off).await,
        "child_against_network" => child_against_network(off).await,
        "child_without_limits" => child_without_limits(off).await,
        "anothers_login_answer" => anothers_login_answer(off).await,
        "anothers_id_token" => anothers_id_token(off).await,
        "lookalike_issuer" => lookalike_issuer(off).await,
        "document_from_a_private_address" => document_from_a_private_address(off).await,
        "document_that_is_an_error" => document_that_is_an_error(off).await,
        "huge_document" => huge_document(off).await,
        "document_of_another" => document_of_another(off).await,
        "document_with_a_foreign_redirect" => document_with_a_foreign_redirect(off).await,
        "document_of_an_unlisted_domain" => document_of_an_unlisted_domain(off).await,
        "consent_beyond_allow" => consent_beyond_allow(off).await,
        "refresh_beyond_allow" => refresh_beyond_allow(off).await,
        "call_beyond_allow" => call_beyond_allow(off).await,
        "replayed_by_upstream" => replayed_by_upstream(off).await,
        "forged_address" => forged_address(off).await,
        "assertion_for_another_server" => assertion_for_another_server(off).await,
        "one_assertion_many_senders" => one_assertion_many_senders(off).await,
        "anothers_svid" => anothers_svid(off).await,
        "old_assertion" => old_assertion(off).await,
        "token_as_assertion" => token_as_assertion(off).await,
        "revoked_ancestor" => revoked_ancestor(off).await,
        "stopped_agent" => stopped_agent(off).await,
        "cut_edge" => cut_edge(off).await,
        "stopped_tool" => stopped_tool(off).await,
        "anothers_logout" => anothers_logout(off).await,
        "anothers_event" => anothers_event(off).await,
        "unrecorded_call" => unrecorded_call(off).await,
        "edited_record" => edited_record(off).await,
        "cut_off_record" => cut_off_record(off).await,
        "stopped_party" => stopped_party(off).await,
        "console_to_a_stranger" => console_to_a_stranger(off).await,
        "agent_outside_the_job" => agent_outside_the_job(off).await,
        "call_beyond_budget" => call_beyond_budget(off).await,
        "anothers_row_of_the_vault" => anothers_row_of_the_vault(off).await,
        "refresh_after_a_fall" => refresh_after_a_fall(off).await,
        "provider_in_every_spelling" => provider_in_every_spelling(off).await,
        "registration_that_leads_inward" => registration_that_leads_inward(off).await,
        "token_endpoint_that_leads_inward" => token_endpoint_that_leads_inward(off).await,
        "provider_that_points_inward" => provider_that_points_inward(off).await,
        "anothers_connect_link" => anothers_connect_link(off).await,
        "connect_link_used_twice" => connect_link_used_twice(off).await,
        "connect_answer_of_another_provider" => connect_answer_of_another_provider(off).await,
        "connect_code_of_another_provider" => connect_code_of_another_provider(off).await,
        "reading_with_the_gateways_key" => reading_with_the_gateways_key(off).await,
        "key_under_another_roof" => key_under_another_roof(off).await,
        "echoed_credential" => echoed_credential(off).await,
        "credential_elsewhere" => credential_elsewhere(off).await,
        "cookie_from_behind" => cookie_from_behind(off).await,
        other => chain::run(other, off).await,
    }
}

fn beaten(fact: bool, otherwise: impl Into<String>) -> Verdict {
    if fact { Ok(()) } else { Err(otherwise.into()) }
}
