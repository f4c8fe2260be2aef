//! What becomes of one server: its section of the configuration, and its secrets beside it.

use std::collections::BTreeMap;

use bailiwick_domain::uri::ServerName;
use zeroize::Zeroizing;

use super::desktop::How;
use super::suspect;

/// A server on its way behind the gateway.
#[derive(Debug)]
pub(super) struct Moving {
    pub(super) name: ServerName,
    /// What the desktop client calls it.
    pub(super) label: String,
    pub(super) section: Section,
    pub(super) secrets: Vec<Taken>,
    /// Variables that its process must find in its environment.
    pub(super) wanted: Vec<String>,
}

/// A secret that was taken out.
pub(super) struct Taken {
    /// `server/what`.
    pub(super) name: String,
    pub(super) value: Zeroizing<String>,
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Taken").field(&self.name).finish()
    }
}

/// What `[server.NAME]` will say.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) upstream: Option<Word>,
    pub(super) command: Vec<Word>,
    pub(super) directory: Option<String>,
    pub(super) env: BTreeMap<String, Word>,
    pub(super) headers: BTreeMap<String, Word>,
}

/// A text of the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// As it is.
    Plain(String),
    /// `{ sealed = … }`
    Sealed(String),
    /// `{ env = … }`
    Variable(String),
}

impl Moving {
    /// Takes the secrets out of a server; an error says why it cannot be moved.
    pub(super) fn new(name: ServerName, label: &str, how: How) -> Result<Self, String> {
        let mut moving = Self {
            name,
            label: label.to_owned(),
            section: Section::default(),
            secrets: Vec::new(),
            wanted: Vec::new(),
        };
        match how {
            How::Program { words, env, directory } => {
                moving.section.command = moving.words(words)?;
                for (key, value) in env {
                    // What the client asks a person for is looked for under the server's own name.
                    let asks = value.starts_with("${input:") && value.ends_with('}');
                    let value = if asks { format!("${{env:{key}}}") } else { value };
                    let word = moving.secret(&key, value)?;
                    moving.section.env.insert(key, word);
                }
                moving.section.directory = directory.map(filled).transpose()?;
            }
            How::Remote { url, headers } => {
                let holds = suspect::address_holds_one(&url);
                let text = url.as_str().to_owned();
                let word = if holds { moving.secret("upstream", text)? } else { moving.word(text)? };
                moving.section.upstream = Some(word);
                for (key, value) in headers {
                    let word = moving.secret(&format!("header-{}", key.to_ascii_lowercase()), value)?;
                    moving.section.headers.insert(key, word);
                }
            }
        }
        Ok(moving)
    }

    fn words(&mut self, words: Vec<String>) -> Result<Vec<Word>, String> {
        let mut announced = false;
        let mut out = Vec::with_capacity(words.len());
        for (place, word) in words.into_iter().enumerate() {
            let holds = place > 0 && (announced && !word.starts_with('-') || suspect::argument_holds_one(&word));
            announced = place > 0 && suspect::announces_one(&word);
            out.push(if holds { self.secret(&format!("arg-{place}"), word)? } else { self.word(word)? });
        }
        Ok(out)
    }

    /// A text that is a secret, unless it only asks for one.
    fn secret(&mut self, what: &str, text: String) -> Result<Word, String> {
        if text.is_empty() {
            return Ok(Word::Plain(text));
        }
        match self.word(text)? {
            Word::Plain(text) => {
                let name = format!("{}/{what}", self.name);
                self.secrets.push(Taken { name: name.clone(), value: Zeroizing::new(text) });
                Ok(Word::Sealed(name))
            }
            word @ (Word::Sealed(_) | Word::Variable(_)) => Ok(word),
        }
    }

    /// A text in which the client would put a value: `${env:NAME}`, `${input:name}`, `${NAME}`.
    fn word(&mut self, text: String) -> Result<Word, String> {
        let text = filled(text)?;
        let Some(asked) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            return Ok(Word::Plain(text));
        };
        let name = asked.strip_prefix("env:").or_else(|| asked.strip_prefix("input:")).unwrap_or(asked);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
            return Ok(Word::Plain(text));
        }
        let asks_a_person = asked.starts_with("input:");
        let variable = if asks_a_person { name.replace('-', "_").to_ascii_uppercase() } else { name.to_owned() };
        if !self.wanted.contains(&variable) {
            self.wanted.push(variable.clone());
        }
        Ok(Word::Variable(variable))
    }
}

/// A text without what only the client could fill in.
fn filled(text: String) -> Result<String, String> {
    if !text.contains("${") {
        return Ok(text);
    }
    let home = crate::wire::environment("HOME").unwrap_or_default();
    let text = text.replace("${userHome}", &home).replace("${pathSeparator}", "/").replace("${/}", "/");
    let whole = text.starts_with("${") && text.find('}').is_some_and(|end| end + 1 == text.len());
    let asks = |what: &&str| text.contains(&format!("${{{what}")) && !(whole && ["env:", "input:"].contains(what));
    match ["workspaceFolder", "file", "config:", "command:", "env:", "input:"].into_iter().find(asks) {
        None => Ok(text),
        Some(what) => Err(format!(
            "it uses ${{{what}…}}, which only the client could fill in: write the value there, then import again"
        )),
    }
}

/// A name for the gateway, made of what the person calls the server: `[a-z0-9-]+`.
pub(super) fn name_of(label: &str) -> String {
    let mut name = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() == 60 {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "server".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(words: &[&str], env: &[(&str, &str)]) -> Result<Moving, String> {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Moving::new(ServerName::parse("notes").unwrap(), "Notes", How::Program { words, env, directory: None })
    }

    #[test]
    fn secrets_leave_arguments_and_environment() {
        let moving = moved(&["npx", "-y", "notes", "--token", "abc", "--key=def"], &[("MODE", "fast")]).unwrap();

        let kept: Vec<_> = moving.secrets.iter().map(|taken| (taken.name.as_str(), taken.value.as_str())).collect();
        assert_eq!(kept, [("notes/arg-4", "abc"), ("notes/arg-5", "--key=def"), ("notes/MODE", "fast")]);
        assert_eq!(moving.section.command[3], Word::Plain("--token".to_owned()));
        assert_eq!(moving.section.command[4], Word::Sealed("notes/arg-4".to_owned()));
        assert!(!format!("{moving:?}").contains("abc"), "secrets are not shown");
    }

    #[test]
    fn what_the_client_asks_for_becomes_a_variable() {
        let moving = moved(
            &["notes", "${input:notes-mode}"],
            &[("TOKEN", "${input:notes-token}"), ("HOST", "${env:NOTES_HOST}")],
        )
        .unwrap();

        assert_eq!(moving.section.env["TOKEN"], Word::Variable("TOKEN".to_owned()));
        assert_eq!(moving.section.command[1], Word::Variable("NOTES_MODE".to_owned()));
        assert_eq!(moving.section.env["HOST"], Word::Variable("NOTES_HOST".to_owned()));
        assert_eq!(moving.wanted, ["NOTES_MODE", "NOTES_HOST", "TOKEN"]);
        assert!(moving.secrets.is_empty());
        for text in ["${workspaceFolder}/notes", "Bearer ${input:token}"] {
            assert!(moved(&["notes", text], &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn any_name_is_made_to_fit() {
        for (label, name) in
            [("GitHub", "github"), ("My Server (2)", "my-server-2"), ("@scope/x_y", "scope-x-y"), ("日本", "server")]
        {
            assert_eq!(name_of(label), name);
        }
    }
}
