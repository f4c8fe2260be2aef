//! Every attack is beaten off by the house as it is.

mod audiences;
mod chain;
mod classes;
mod deputy;
mod ending;
mod floods;
mod golden;
mod inward;
mod laundering;
mod passing;
mod record;
mod rules;

use bailiwick_e2e::probe::{self, Verdict};
use serde_json::Value;

/// What an exchange came to must be this refusal.
#[track_caller]
fn refused(answer: Result<bailiwick_e2e::Tokens, Value>, error: &str) {
    match answer {
        Ok(tokens) => panic!("issued {}", tokens.claims()),
        Err(says) => assert_eq!(says["error"], error, "{says}"),
    }
}

/// One test an attack.
macro_rules! beats_off { ($($name:ident),+ $(,)?) => { $(
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn $name() {
        let verdict: Verdict = probe::$name(&[]).await;
        assert_eq!(verdict, Ok(()));
    }
)+ } }

beats_off![
    actor_token_of_another,
    agent_outside_the_job,
    another_clients_code,
    anothers_connect_link,
    anothers_credential,
    anothers_event,
    anothers_id_token,
    anothers_login_answer,
    anothers_logout,
    anothers_row_of_the_vault,
    anothers_session,
    anothers_svid,
    answer_for_another_address,
    answer_to_another_request,
    assertion_for_another_audience,
    assertion_for_another_recipient,
    assertion_for_another_server,
    assertion_out_of_its_time,
    assertion_that_is_not_plain,
    call_beyond_allow,
    call_beyond_budget,
    call_over_an_edge_that_is_gone,
    callers_headers,
    callers_headers_astray,
    callers_headers_in_streams,
    callers_headers_in_trouble,
    callers_headers_once_more,
    callers_headers_to_an_api,
    chain_in_a_loop,
    chain_too_deep,
    child_against_files,
    child_against_network,
    child_against_processes,
    child_out_of_view,
    child_without_limits,
    comment_in_a_name,
    confused_algorithm,
    connect_answer_of_another_provider,
    connect_code_of_another_provider,
    key_under_another_roof,
    reading_with_the_gateways_key,
    connect_link_used_twice,
    consent_beyond_allow,
    consent_without_form_token,
    console_to_a_stranger,
    cookie_from_behind,
    credential_elsewhere,
    credential_of_a_revoked_token,
    credential_of_another_actor,
    credential_of_another_person,
    credential_of_another_route,
    cut_edge,
    cut_off_record,
    document_from_a_private_address,
    document_of_an_unlisted_domain,
    document_of_another,
    document_that_is_an_error,
    document_with_a_dtd,
    document_with_a_foreign_redirect,
    echoed_credential,
    edited_record,
    exchange_beyond_allow,
    exchange_for_left_out_tools,
    exchange_for_longer,
    exchange_for_more,
    exchange_of_the_revoked,
    expired,
    for_another_server,
    foreign_history,
    foreign_host,
    foreign_origin,
    forged_address,
    forgotten_actor,
    guessing_passwords,
    huge_document,
    id_token,
    imported_secrets_on_the_disk,
    left_out,
    listing,
    lookalike_issuer,
    lying_provider,
    misdeclared_subject,
    next_turn_of_another,
    old_assertion,
    one_assertion_many_senders,
    one_code_many_redeemers,
    one_refresh_many_holders,
    one_saml_assertion_many_senders,
    overgranted_token,
    provider_in_every_spelling,
    provider_that_points_inward,
    refresh_after_a_fall,
    refresh_beyond_allow,
    registration_that_leads_inward,
    replayed_by_upstream,
    revoked,
    revoked_ancestor,
    sign_in_as_a_grant,
    step_without_an_edge,
    stopped_agent,
    stopped_party,
    stopped_tool,
    stronger_key,
    tampered,
    token_as_assertion,
    token_endpoint_that_leads_inward,
    token_of_another_recipient,
    two_assertions,
    unrecorded_call,
    unsigned,
    weak_actor_in_front,
    without_scope,
    wrapped_assertion,
    wrong_issuer,
    wrong_redirect,
    wrong_verifier,
];
