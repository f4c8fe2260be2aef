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
    another_clients_code,
    anothers_session,
    call_beyond_allow,
    callers_headers,
    confused_algorithm,
    consent_beyond_allow,
    consent_without_form_token,
    expired,
    for_another_server,
    foreign_host,
    foreign_origin,
    guessing_passwords,
    id_token,
    left_out,
    listing,
    one_code_many_redeemers,
    one_refresh_many_holders,
    refresh_beyond_allow,
    revoked,
    tampered,
    unsigned,
    without_scope,
    wrong_issuer,
    wrong_redirect,
    wrong_verifier,
];
