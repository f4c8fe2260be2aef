//! Where in a configuration file something stands.

use toml::de::{DeTable, DeValue};

/// Line and column of a byte offset, both from 1.
pub(super) fn of_offset(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// Where a complaint points to: it begins with the path of what it is about (`server.notes.env.KEY: …`), or quotes what
/// it found. The deepest part of the path that is in the file counts.
pub(super) fn of_complaint(text: &str, says: &str) -> Option<(usize, usize)> {
    let by_path = says.split_once(':').and_then(|(path, _)| of_path(text, path));
    let by_quote = || text.find(says.split('"').nth(1).filter(|quoted| !quoted.is_empty())?);
    by_path.or_else(by_quote).map(|offset| of_offset(text, offset))
}

fn of_path(text: &str, path: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let (mut table, mut found) = (root.get_ref(), None);
    for word in path.split('.') {
        let Some((key, value)) = table.iter().find(|(key, _)| *key.get_ref() == word) else { break };
        found = Some(key.span().start);
        let DeValue::Table(below) = value.get_ref() else { break };
        table = below;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_finds_its_place() {
        let text = "listen = \"localhost:1\"\n\n[server.notes]\ntitle = \"x\"\nenv = { KEY = \"v\" }\n[server.Foo]\n";
        for (says, place) in [
            ("server.notes: give either `upstream` or `command`", Some((3, 9))),
            ("server.notes.env.KEY: cannot read", Some((5, 9))),
            ("listen: no", Some((1, 1))),
            ("\"Foo\" is not a server's name: use a-z", Some((6, 9))),
            ("the clock is wrong", None),
        ] {
            assert_eq!(of_complaint(text, says), place, "{says}");
        }
    }
}
