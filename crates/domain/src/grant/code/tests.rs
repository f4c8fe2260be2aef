use super::*;
use crate::grant::sample_approval;

/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mBWvb9ooC0IaqYm4JvbA-T0Tz5ZFcc";
const REDIRECT: &str = "http://127.0.0.1:4711/cb";
const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn verifier() -> Verifier {
    Verifier::parse(VERIFIER).unwrap()
}

fn code() -> CodeGrant {
    CodeGrant {
        approval: sample_approval(),
        redirect_uri: REDIRECT.to_owned(),
        challenge: Challenge::parse("kGWwxQ_Ot1vqOZaDSDcJqjFm7c9AVNtWXImcXCHMa7M").unwrap_or_else(|| verifier().challenge()),
        expires_at: NOW.after(Duration::from_secs(60)),
    }
}
