//! The configuration in force, as written: to be shown, and to be compared with what the file says next.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use toml::Table;

use super::ConfigError;

/// What a running process can take over from a changed file; everything else needs a restart.
const LIVE: [&str; 11] =
    ["server", "client", "login", "issuer", "cimd", "staleness", "agent", "api", "tls", "trusted_proxies", "vault"];

/// A file and what it said.
#[derive(Clone, Debug, Default)]
pub(crate) struct InForce {
    file: Option<PathBuf>,
    table: Table,
}

impl InForce {
    /// Reads a file; without one, nothing is said.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = file else { return Ok(Self::default()) };
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: shown.clone(), error })?;
        let table = toml::from_str(&text).map_err(|error: toml::de::Error| ConfigError::Malformed {
            path: shown,
            says: error.message().to_owned(),
        })?;
        Ok(Self { file: Some(path.to_owned()), table })
    }

    /// The names of the sections of that kind.
    pub(crate) fn names(&self, section: &str) -> Vec<String> {
        self.table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(Table::keys).cloned().collect()
    }

    /// The files it names that others write: public keys, which are rotated, and descriptions of APIs.
    pub(crate) fn key_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        gather(&self.table, &mut files);
        files
    }

    /// A text in the section of that kind and name.
    pub(crate) fn text(&self, kind: &str, name: &str, field: &str) -> Option<String> {
        self.table.get(kind)?.get(name)?.get(field)?.as_str().map(str::to_owned)
    }

    /// A list of texts in the section of that kind and name.
    pub(crate) fn list(&self, kind: &str, name: &str, field: &str) -> Vec<String> {
        let list = self.table.get(kind).and_then(|kind| kind.get(name)).and_then(|entry| entry.get(field));
        let texts = list.and_then(toml::Value::as_array).into_iter().flatten();
        texts.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    }

    /// The top-level names under which `new` says something else and which only a restart applies.
    pub(crate) fn needs_restart(&self, new: &Self) -> Vec<String> {
        let names = self.table.keys().chain(new.table.keys());
        // A certificate for another name waits for that name.
        let waits = |name: &str| !LIVE.contains(&name) || (name == "tls" && self.differs(new, "public_url"));
        let mut names: Vec<String> =
            names.filter(|name| waits(name.as_str()) && self.differs(new, name.as_str())).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// True when `new` says something else under that top-level name.
    pub(crate) fn differs(&self, new: &Self, name: &str) -> bool {
        self.table.get(name) != new.table.get(name)
    }

    /// The same, but under these names what `former` says: it stays in force until a restart.
    pub(crate) fn keeping(mut self, former: &Self, names: &[String]) -> Self {
        for name in names {
            match former.table.get(name) {
                Some(said) => self.table.insert(name.clone(), said.clone()),
                None => self.table.remove(name),
            };
        }
        self
    }

    /// As people and machines are shown it: what may be a secret is left out.
    pub(crate) fn shown(&self) -> Value {
        let mut settings = json!(self.table);
        if let Some(database) = settings.get_mut("database") {
            *database = json!(without_password(database.as_str().unwrap_or_default()));
        }
        let servers = settings.get_mut("server").and_then(Value::as_object_mut);
        for server in servers.into_iter().flat_map(|servers| servers.values_mut()) {
            for part in ["env", "headers"] {
                let values = server.get_mut(part).and_then(Value::as_object_mut);
                for value in values.into_iter().flat_map(|values| values.values_mut()).filter(|value| value.is_string())
                {
                    *value = json!("(not shown)");
                }
            }
        }
        json!({ "file": self.file.as_ref().map(|file| file.display().to_string()), "settings": settings })
    }
}

fn gather(table: &Table, files: &mut Vec<PathBuf>) {
    for (name, value) in table {
        let path = value.as_str();
        let path = path.filter(|_| ["jwks_file", "bundle_file", "metadata", "openapi"].contains(&name.as_str()));
        files.extend(path.map(PathBuf::from));
        if let Some(below) = value.as_table() {
            gather(below, files);
        }
    }
}

fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // A URL that has a password can have another.
            parsed.set_password(Some("xxx")).ok();
            parsed.into()
        }
        Ok(_) | Err(_) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> InForce {
        InForce { file: None, table: toml::from_str(text).unwrap() }
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let before = said("listen = \"localhost:1\"\nstaleness = 5\n[server.a]\nupstream = \"http://a\"\n");
        let after = said("public_url = \"https://x\"\nlisten = \"localhost:2\"\nstaleness = 6\n");

        assert_eq!(before.needs_restart(&after), ["listen", "public_url"]);
        assert!(before.needs_restart(&before).is_empty());
        let kept = after.keeping(&before, &["listen".to_owned(), "public_url".to_owned()]);
        assert_eq!(kept.table, said("listen = \"localhost:1\"\nstaleness = 6\n").table);
    }

    #[test]
    fn a_certificate_changes_live_unless_the_name_changes_with_it() {
        let before = said("public_url = \"https://a\"\n[tls]\nacme = \"a@a\"\n");
        let renamed = said("public_url = \"https://b\"\n[tls]\nacme = \"b@b\"\n");

        assert!(before.needs_restart(&said("public_url = \"https://a\"\n")).is_empty());
        assert_eq!(before.needs_restart(&renamed), ["public_url", "tls"]);
    }

    #[test]
    fn files_with_keys_are_found_wherever_they_are_named() {
        let text = "key = { file = \"m\" }\n[client.a]\njwks_file = \"a\"\n[agent.b.authenticate]\nspiffe_id = \"s\"\nbundle_file = \"b\"\n[agent.c]\nauthenticate = { kubernetes = { jwks_file = \"c\" } }\n";

        let mut files = said(text).key_files();

        files.sort();
        assert_eq!(files, ["a", "b", "c"].map(PathBuf::from));
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let text =
            "database = \"postgres://u:hunter2@h/d\"\n[server.a.env]\nTOKEN = \"s3cret\"\nKEY = { env = \"K\" }\n";

        let shown = said(text).shown().to_string();

        assert!(!shown.contains("hunter2") && !shown.contains("s3cret") && shown.contains("\"env\":\"K\""), "{shown}");
    }
}
