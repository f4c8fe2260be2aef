//! What is taken from claims: a name to show, an e-mail address if it is verified, groups.

use bailiwick_domain::text;
use serde_json::{Map, Value};

/// The most groups of one person, and the longest name of one.
const MOST_GROUPS: usize = 512;
const MOST_GROUP: usize = 256;
/// The longest name taken from a provider, in characters.
const MOST_NAME: usize = 64;
/// The longest e-mail address (RFC 5321 §4.5.3.1.3).
const MOST_EMAIL: usize = 254;

/// Both documents as one; the signed one wins. An e-mail address and its mark come from the same document.
pub(super) fn said_by(mut signed: Map<String, Value>, mut fetched: Map<String, Value>) -> Map<String, Value> {
    let other = if signed.contains_key("email") { &mut fetched } else { &mut signed };
    other.remove("email_verified");
    fetched.extend(signed);
    fetched
}

/// The groups under `claim`: a list of texts, or one text. What is no usable name of a group counts for nothing.
pub(super) fn groups(claims: &Map<String, Value>, claim: &str) -> Vec<String> {
    let usable = |group: &&str| {
        !group.is_empty() && group.len() <= MOST_GROUP && text::presentable(group, MOST_GROUP) == **group
    };
    let listed: Vec<&str> = match claims.get(claim) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    let mut groups: Vec<String> = listed.into_iter().filter(usable).take(MOST_GROUPS).map(str::to_owned).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// The e-mail address, if the provider has verified that it is theirs; some write the mark as text.
pub(super) fn email(claims: &Map<String, Value>) -> Option<String> {
    let verified = claims.get("email_verified").is_some_and(|mark| *mark == Value::Bool(true) || mark == "true");
    let address = claims.get("email").and_then(Value::as_str).filter(|_| verified)?;
    let plain = address.len() <= MOST_EMAIL && !address.chars().any(|c| c.is_whitespace() || c.is_control());
    let (local, domain) = address.rsplit_once('@')?;
    (plain && !local.is_empty() && !domain.is_empty()).then(|| address.to_owned())
}

/// A name for the account: the provider's, a slash, and what the person is called there. No local account has a slash
/// in its name, so whatever the claims say, nobody can be taken for one.
pub(super) fn name(provider: &str, claims: &Map<String, Value>) -> String {
    let called = ["preferred_username", "email", "name", "sub"].into_iter().find_map(|claim| {
        let raw = claims.get(claim).and_then(Value::as_str)?;
        let fits = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
        let kept: String = raw.chars().filter(fits).take(MOST_NAME).collect();
        (!kept.is_empty()).then_some(kept)
    });
    format!("{provider}/{}", called.as_deref().unwrap_or("somebody"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(json: Value) -> Map<String, Value> {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn groups_are_texts_and_nothing_else() {
        let many =
            claims(json!({ "groups": ["dev", "ops", "dev", 7, "", "a\u{202e}b", "x".repeat(257)], "role": "dev" }));

        assert_eq!(groups(&many, "groups"), ["dev", "ops"]);
        assert_eq!(groups(&many, "role"), ["dev"]);
        assert!(groups(&many, "nothing").is_empty());
    }

    #[test]
    fn only_a_verified_address_counts() {
        for (mark, kept) in
            [(json!(true), true), (json!("true"), true), (json!(false), false), (json!(1), false), (json!(null), false)]
        {
            let said = claims(json!({ "email": "ada@example.com", "email_verified": mark.clone() }));
            assert_eq!(email(&said).is_some(), kept, "{mark}");
        }
        assert_eq!(email(&claims(json!({ "email": "a b@example.com", "email_verified": true }))), None);
    }

    #[test]
    fn a_mark_of_one_document_does_not_verify_the_address_of_the_other() {
        let signed = claims(json!({ "email": "boss@example.com" }));
        let fetched = claims(json!({ "email": "me@example.com", "email_verified": true }));

        assert_eq!(email(&said_by(signed, fetched)), None);
        let signed = claims(json!({ "email_verified": true }));
        let fetched = claims(json!({ "email": "boss@example.com" }));
        assert_eq!(email(&said_by(signed, fetched)), None);
    }

    #[test]
    fn a_federated_name_is_no_local_name() {
        assert_eq!(name("corp", &claims(json!({ "preferred_username": "ad<a>/x", "sub": "1" }))), "corp/adax");
        assert_eq!(name("corp", &claims(json!({ "preferred_username": "//", "sub": "u-1" }))), "corp/u-1");
        assert_eq!(name("corp", &claims(json!({}))), "corp/somebody");
    }
}
