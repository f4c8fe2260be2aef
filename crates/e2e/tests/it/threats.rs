//! Every attack is beaten off by the house as it is.

use bailiwick_e2e::probe::{self, Verdict};

/// One test an attack.
macro_rules! beats_off { ($($name:ident),+ $(,)?) => { $(
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn $name() {
        let verdict: Verdict = probe::$name(&[]).await;
        assert_eq!(verdict, Ok(()));
    }
)+ } }

beats_off![
    agent_outside_the_job,
    another_clients_code,
    anothers_event,
    anothers_id_token,
    anothers_login_answer,
    anothers_logout,
    anothers_session,
    anothers_svid,
    assertion_for_another_server,
    call_beyond_allow,
    call_beyond_budget,
    callers_headers,
    child_against_files,
    child_against_network,
    child_against_processes,
    child_out_of_view,
    child_without_limits,
    confused_algorithm,
    console_to_a_stranger,
    consent_beyond_allow,
    consent_without_form_token,
    cut_edge,
    cut_off_record,
    document_from_a_private_address,
    document_of_an_unlisted_domain,
    document_of_another,
    document_that_is_an_error,
    document_with_a_foreign_redirect,
    edited_record,
    expired,
    for_another_server,
    forged_address,
    foreign_host,
    foreign_origin,
    guessing_passwords,
    huge_document,
    id_token,
    imported_secrets_on_the_disk,
    left_out,
    listing,
    lookalike_issuer,
    lying_provider,
    old_assertion,
    one_assertion_many_senders,
    one_code_many_redeemers,
    one_refresh_many_holders,
    refresh_beyond_allow,
    replayed_by_upstream,
    revoked,
    revoked_ancestor,
    stopped_agent,
    stopped_tool,
    stopped_party,
    tampered,
    token_as_assertion,
    unrecorded_call,
    unsigned,
    without_scope,
    wrong_issuer,
    wrong_redirect,
    wrong_verifier,
];
