//! Which texts are secrets. A wrong yes costs nothing but a reference in place of a word; a wrong no leaves a secret in
//! a file. So every rule here leans to yes.

use url::Url;

/// How well-known services begin their keys.
const BEGINNINGS: [&str; 37] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "sk-",
    "sk_",
    "rk_",
    "pk_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "eyJ",
    "npm_",
    "pypi-",
    "hf_",
    "dop_v1_",
    "shpat_",
    "lin_api_",
    "ntn_",
    "secret_",
    "sntrys_",
    "figd_",
    "tvly-",
    "fc-",
    "pat_",
    "key-",
    "Bearer ",
    "Basic ",
    "-----BEGIN",
];

/// Words that, in the name of an option, header or parameter, say that its value is a secret.
const WORDS: [&str; 17] = [
    "key",
    "keys",
    "token",
    "tokens",
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "bearer",
    "dsn",
];

/// True for a name such as `--api-key`, `X-Auth-Token` or `GITHUB_PAT`.
pub(super) fn named_like_one(name: &str) -> bool {
    let mut words = Vec::new();
    let mut lower = false;
    for c in name.chars() {
        let begins = !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && lower);
        if begins || words.is_empty() {
            words.push(String::new());
        }
        lower = c.is_ascii_lowercase();
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    let joined = ["apikey", "accesskey", "token", "secret", "password", "credentials"];
    words.iter().any(|word| {
        word == "pat"
            || word == "cookie"
            || WORDS.contains(&word.as_str())
            || joined.iter().any(|end| word.ends_with(end))
    })
}

/// True for a text that looks like a key, a token, or an address with a password in it.
pub(super) fn looks_like_one(text: &str) -> bool {
    BEGINNINGS.iter().any(|start| text.strip_prefix(start).is_some_and(|rest| rest.len() >= 8))
        || Url::parse(text).is_ok_and(|url| url.has_host() && address_holds_one(&url))
        || drawn(text)
}

/// True for an address that lets in whoever knows it.
pub(super) fn address_holds_one(url: &Url) -> bool {
    url.password().is_some()
        || url.query_pairs().any(|(name, value)| !value.is_empty() && (named_like_one(&name) || looks_like_one(&value)))
        || url.path_segments().into_iter().flatten().any(drawn)
}

/// True for an argument that carries a secret, alone (`ghp_…`) or with its name (`--token=…`, `API_KEY=…`).
pub(super) fn argument_holds_one(argument: &str) -> bool {
    let named = argument.split_once('=').or_else(|| argument.split_once(": "));
    looks_like_one(argument)
        || named.is_some_and(|(name, value)| !value.is_empty() && (named_like_one(name) || looks_like_one(value)))
}

/// True for an option whose value comes as the next argument and is a secret: `--api-key`, or a header.
pub(super) fn announces_one(argument: &str) -> bool {
    argument.starts_with('-') && !argument.contains('=') && (named_like_one(argument) || argument == "--header")
}

/// True when letters and figures stand as if drawn by lot: a long run of both without a break.
fn drawn(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        let figures = run.bytes().filter(u8::is_ascii_digit).count();
        let changes = run.as_bytes().windows(2).filter(|pair| kind(pair.first()) != kind(pair.last())).count();
        run.len() >= 16 && ((figures >= 2 && changes >= 4) || changes >= 8)
    }) || uuid(text)
}

fn kind(letter: Option<&u8>) -> u8 {
    match letter {
        Some(b'0'..=b'9') => 0,
        Some(b'a'..=b'z') => 1,
        Some(b'A'..=b'Z') => 2,
        Some(_) | None => 3,
    }
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for argument in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "--api-key=correct-horse",
            "--accessToken=horse",
            "GITHUB_PAT=x",
            "Authorization: Bearer abc",
            "X-Api-Key:9f86d081884c7d659a2feaa0c55ad015",
            "postgres://app:hunter2@db/app",
            "https://mcp.example.com/mcp?apiKey=k",
            "https://mcp.example.com/s/ZjRmNGY0LTk4NzYtNDU2Nw/mcp",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "9f86d081884c7d659a2feaa0c55ad015",
        ] {
            assert!(argument_holds_one(argument), "{argument}");
        }
        for option in ["--token", "--api-key", "-password", "--header", "--apiToken"] {
            assert!(announces_one(option), "{option}");
        }
    }

    #[test]
    fn what_everybody_may_read_stays() {
        for argument in [
            "-y",
            "@modelcontextprotocol/server-everything@2026.8.31",
            "/home/ada/Documents/2026-11-23/notes.sqlite3",
            "https://mcp.example.com/mcp",
            "http://localhost:3000/mcp?readonly=true",
            "--directory=/srv/data",
            "ghcr.io/github/github-mcp-server:v0.20.1",
            "--transport",
            "--pattern=*.rs",
        ] {
            assert!(!argument_holds_one(argument), "{argument}");
            assert!(!announces_one(argument), "{argument}");
        }
    }
}
