//! A URL that is a secret as a whole, as `import` seals them: what of it must never come back, wherever it is told.

use url::Url;
use url::form_urlencoded::parse;
use zeroize::Zeroizing;

use super::Text;

/// The longest word of a path that says what stands there, such as `streamable`.
const MOST_LETTERS: usize = 12;
/// The longest name of such words, such as `streamable-http`.
const MOST_NAME: usize = 20;
/// What is shorter is no secret to anybody who looks for one.
const LEAST: usize = 6;

/// Each part of it that may be what lets in; nothing of one that is written down as it is. Plain words stay: they stand in
/// what every server says, and no client could read an answer without them. Where there is nothing else, all of the path
/// is taken for one.
pub(super) fn secrets(written: &Text, url: &Url) -> Vec<Zeroizing<String>> {
    if !matches!(written, Text::Secret(_)) {
        return Vec::new();
    }
    let login = [Some(url.username()), url.password()].into_iter().flatten();
    let parts = login.chain(url.path_segments().into_iter().flatten()).map(decoded).filter(|part| !is_plain(part));
    let values = url.query_pairs().filter(|(name, value)| tells_of_credentials(name) || !is_plain(value));
    let values = values.map(|(_, value)| Zeroizing::new(value.into_owned()));
    let found: Vec<_> = parts.chain(values).filter(|part| part.len() >= LEAST).collect();
    if found.is_empty() { vec![Zeroizing::new(url.path().to_owned())] } else { found }
}

/// True for the name of a header or a parameter that holds a credential, as far as its words tell.
pub(super) fn tells_of_credentials(name: &str) -> bool {
    let words = ["auth", "cookie", "credential", "key", "pass", "secret", "session", "token"];
    words.iter().any(|word| name.to_ascii_lowercase().contains(word))
}

fn decoded(part: &str) -> Zeroizing<String> {
    let form = format!("={}", part.replace('+', "%2B").replace('&', "%26"));
    Zeroizing::new(parse(form.as_bytes()).map(|(_, value)| value.into_owned()).collect())
}

/// One or a few short words of small letters.
fn is_plain(text: &str) -> bool {
    let word = |word: &str| word.len() <= MOST_LETTERS && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.len() <= MOST_NAME && text.split(['-', '_', '.']).all(word)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Text, secrets};

    fn found(url: &str) -> Vec<String> {
        let written: Text = serde_json::from_value(serde_json::json!({ "env": "URL" })).unwrap();
        secrets(&written, &Url::parse(url).unwrap()).iter().map(|secret| secret.to_string()).collect()
    }

    #[test]
    fn whatever_may_let_in_is_secret_and_plain_words_are_not() {
        assert_eq!(found("https://mcp.example/v1/services/T0ken%2FZ+jR&=4/streamable-http"), ["T0ken/Z+jR&=4"]);
        assert_eq!(
            found("https://ada:pass%20word-7@mcp.example/projects?apiKey=swordfish&mode=readonly&seed=a+b4c5"),
            ["pass word-7", "swordfish", "a b4c5"]
        );
        assert_eq!(found("https://mcp.example/open/sesame"), ["/open/sesame"]);
        let plain = Text::Plain(String::new());
        assert!(secrets(&plain, &Url::parse("https://mcp.example/T0ken1234").unwrap()).is_empty());
    }
}
