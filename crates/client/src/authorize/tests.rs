use super::*;

struct Counting;
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn pending(promises_iss: bool) -> Pending {
    let server = AuthorizationServer {
        issuer: "https://as.example".to_owned(),
        authorization_endpoint: Url::parse("https://as.example/authorize?tenant=1").unwrap(),
        token_endpoint: Url::parse("https://as.example/token").unwrap(),
        registration_endpoint: None,
        revocation_endpoint: None,
        promises_iss,
        auth_methods: Vec::new(),
        offers_offline_access: false,
        takes_documents: false,
    };
    let scope = ScopeSet::parse("a b").unwrap();
    let wish = Wish {
        client_id: "client",
        redirect_uri: "http://127.0.0.1:5/callback",
        scope: &scope,
        resource: Some("https://h.example/mcp"),
    };
    Pending::begin(&server, wish, &Counting)
}

fn judged(promises_iss: bool, rest: &str) -> Result<String, AnswerError> {
    let pending = pending(promises_iss);
    let query = rest.replace("STATE", &format!("state={}", pending.state));
    pending.judge(&query).map(|code| code.expose().to_owned())
}

#[test]
fn the_request_carries_what_the_specification_asks_for() {
    let pending = pending(true);
    let query: std::collections::BTreeMap<_, _> = pending.url.query_pairs().into_owned().collect();

    assert_eq!(query["tenant"], "1");
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["code_challenge"], pending.verifier.challenge().as_str());
    assert_eq!(query["resource"], "https://h.example/mcp");
    assert_eq!(query["scope"], "a b");
    assert_eq!(query["state"].len(), 43);
}

#[test]
fn the_issuer_of_an_answer_is_compared_byte_for_byte() {
    for (promised, query, expected) in [
        (true, "STATE&code=c&iss=https://as.example", Ok("c")),
        (false, "STATE&code=c&iss=https://as.example", Ok("c")),
        (false, "STATE&code=c", Ok("c")),
        (true, "STATE&code=c", Err(AnswerError::IssuerMissing)),
        (true, "STATE&code=c&iss=https://as.example/", Err(AnswerError::IssuerWrong)),
        (true, "STATE&code=c&iss=https://AS.example", Err(AnswerError::IssuerWrong)),
        (false, "STATE&code=c&iss=https://evil.example", Err(AnswerError::IssuerWrong)),
    ] {
        assert_eq!(judged(promised, query), expected.map(str::to_owned), "{promised} {query}");
    }
}

#[test]
fn an_answer_to_another_request_is_not_ours() {
    assert_eq!(judged(false, "state=other&code=c"), Err(AnswerError::NotOurs));
    assert_eq!(judged(false, "code=c"), Err(AnswerError::NotOurs));
}

#[test]
fn a_wrong_issuer_keeps_its_error_to_itself() {
    assert_eq!(judged(true, "STATE&error=access_denied&iss=https://evil.example"), Err(AnswerError::IssuerWrong));
}

#[test]
fn a_refusal_is_told_and_half_an_answer_is_none() {
    let refused = judged(true, "STATE&iss=https://as.example&error=access_denied&error_description=no%1b[2J");
    assert_eq!(refused, Err(AnswerError::Refused(Told::new("access_denied", Some("no[2J")))));

    for query in ["STATE", "STATE&code=", "STATE&code=a&code=b", "STATE&STATE&code=a", "STATE&code=a&iss=x&iss=x"] {
        assert_eq!(judged(false, query), Err(AnswerError::NoCode), "{query}");
    }
}
