//! Writing into `bailiwick.toml`: what is there stays as it is written, comments and all.

use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::moving::{Moving, Word};
use crate::config::Config;

/// What an import writes of a server; everything else in a section is for people.
const OURS: [&str; 5] = ["upstream", "headers", "command", "directory", "env"];

/// A configuration file on its way to another version.
pub(super) struct Draft {
    path: PathBuf,
    document: DocumentMut,
}

impl Draft {
    /// Reads the file; one that does not exist is empty.
    pub(super) fn read(path: &Path) -> Result<(Self, Config), String> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        let config = Config::parse(&text).map_err(|says| format!("{}: {says}", path.display()))?;
        let document = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((Self { path: path.to_owned(), document }, config))
    }

    /// Writes the section of a server, in place of what an earlier import wrote.
    pub(super) fn put(&mut self, moving: &Moving) -> Result<(), String> {
        let inline =
            || format!("{}: `server` is written in one line; write [server.NAME] sections", self.path.display());
        let servers = self.document.entry("server").or_insert_with(|| {
            let mut servers = Table::new();
            servers.set_implicit(true);
            Item::Table(servers)
        });
        let servers = servers.as_table_mut().ok_or_else(inline)?;
        let section = servers.entry(moving.name.as_str()).or_insert_with(|| Item::Table(Table::new()));
        let section = section.as_table_like_mut().ok_or_else(inline)?;
        for key in OURS {
            section.remove(key);
        }
        if moving.label != moving.name.as_str() && !section.contains_key("title") {
            section.insert("title", toml_edit::value(&moving.label));
        }
        write(section, moving);
        Ok(())
    }

    /// The text as it will be.
    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Writes the file in one step, once it is sure that it can be read again.
    pub(super) fn write(&self) -> Result<(), String> {
        let wrong = |says: String| format!("cannot write {}: {says}", self.path.display());
        let text = self.text();
        Config::parse(&text).map_err(wrong)?;
        // Through a link, so that a file that lives elsewhere is changed there.
        let place = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut name = place.as_os_str().to_owned();
        name.push(".draft");
        let draft = PathBuf::from(name);
        std::fs::write(&draft, text).map_err(|error| wrong(error.to_string()))?;
        if let Ok(meta) = std::fs::metadata(&place) {
            std::fs::set_permissions(&draft, meta.permissions()).map_err(|error| wrong(error.to_string()))?;
        }
        std::fs::rename(&draft, &place).map_err(|error| wrong(error.to_string()))
    }
}

fn write(section: &mut dyn TableLike, moving: &Moving) {
    let said = &moving.section;
    if let Some(upstream) = &said.upstream {
        section.insert("upstream", Item::Value(value(upstream)));
    }
    if !said.command.is_empty() {
        let words: Array = said.command.iter().map(value).collect();
        section.insert("command", Item::Value(Value::Array(words)));
        // What a desktop runs is most often fetched first, and then talks to somebody.
        if !section.contains_key("sandbox") {
            let network = InlineTable::from_iter([("network", true)]);
            section.insert("sandbox", Item::Value(Value::InlineTable(network)));
        }
    }
    if let Some(directory) = &said.directory {
        section.insert("directory", toml_edit::value(directory));
    }
    for (key, texts) in [("env", &said.env), ("headers", &said.headers)] {
        if !texts.is_empty() {
            let mut table = Table::new();
            table.extend(texts.iter().map(|(name, word)| (name.clone(), Item::Value(value(word)))));
            section.insert(key, Item::Table(table));
        }
    }
}

fn value(word: &Word) -> Value {
    let reference = |kind: &str, name: &String| {
        let mut table = InlineTable::new();
        table.insert(kind, Value::from(name));
        Value::InlineTable(table)
    };
    match word {
        Word::Plain(text) => Value::from(text),
        Word::Sealed(name) => reference("sealed", name),
        Word::Variable(name) => reference("env", name),
    }
}
