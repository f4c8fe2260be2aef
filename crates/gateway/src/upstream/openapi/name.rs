//! What tools are called: letters, digits, `_` and `-`, which every client and model takes, and each name once.

use std::collections::HashSet;

/// The longest name.
const MOST: usize = 64;

/// Gives out names.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name for an operation: its own, made fit, or one told from method and path.
    pub(super) fn give(&mut self, id: Option<&str>, method: &str, path: &str) -> String {
        let wanted = id.map(fit).filter(|name| !name.is_empty());
        self.once(&wanted.unwrap_or_else(|| fit(&format!("{method}_{path}"))))
    }

    /// The same name, with a number behind it where it is taken. Two that differ only in case are one to some.
    pub(super) fn once(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(name.to_ascii_lowercase()) {
            let behind = format!("_{number}");
            let room = MOST.saturating_sub(behind.len());
            name = wanted.chars().take(room).chain(behind.chars()).collect();
            number += 1;
        }
        name
    }
}

/// A text with every stretch of other characters as one `_`, none at its ends.
pub(super) fn fit(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if name.len() == MOST {
            break;
        }
    }
    name.trim_matches('_').to_owned()
}
