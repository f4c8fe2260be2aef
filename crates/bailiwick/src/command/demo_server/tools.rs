//! The tools: what they are called, what they say of themselves, what they want and what they do.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::notes::{Note, Notes};

/// One of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// Shows every note's id and title.
    List,
    /// Shows one note.
    Read,
    /// Finds notes.
    Search,
    /// Writes a new note.
    Add,
    /// Adds to a note.
    Append,
    /// Deletes a note.
    Delete,
}

/// An argument: its name, what it means, and how long it may be.
type Argument = (&'static str, &'static str, usize);

const ID: Argument = ("id", "The note's id, as list_notes shows it", 200);
const TITLE: Argument = ("title", "The headline", 200);
const TEXT: Argument = ("text", "The words to write", 10_000);
const WORDS: Argument = ("text", "The words to look for", 200);

impl Tool {
    const ALL: [Self; 6] = [Self::List, Self::Read, Self::Search, Self::Add, Self::Append, Self::Delete];

    /// The tool of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::List => "list_notes",
            Self::Read => "read_note",
            Self::Search => "search_notes",
            Self::Add => "add_note",
            Self::Append => "append_note",
            Self::Delete => "delete_note",
        }
    }

    /// Its title and what it says of itself.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::List => ("List notes", "Shows the id and title of every note."),
            Self::Read => ("Read a note", "Shows one note in full."),
            Self::Search => ("Search notes", "Finds the notes that hold some words."),
            Self::Add => ("Add a note", "Writes a new note and says its id."),
            Self::Append => ("Append to a note", "Adds a line at the end of a note."),
            Self::Delete => ("Delete a note", "Deletes a note. It cannot be brought back."),
        }
    }

    fn arguments(self) -> &'static [Argument] {
        match self {
            Self::List => &[],
            Self::Read | Self::Delete => &[ID],
            Self::Search => &[WORDS],
            Self::Add => &[TITLE, TEXT],
            Self::Append => &[ID, TEXT],
        }
    }

    fn annotations(self) -> Value {
        match self {
            Self::List | Self::Read | Self::Search => json!({ "readOnlyHint": true, "openWorldHint": false }),
            Self::Add | Self::Append => {
                json!({ "readOnlyHint": false, "destructiveHint": false, "openWorldHint": false })
            }
            Self::Delete => json!({ "readOnlyHint": false, "destructiveHint": true, "openWorldHint": false }),
        }
    }

    fn describe(self) -> Value {
        let (title, description) = self.words();
        let property = |(name, says, most): &Argument| {
            let schema = json!({ "type": "string", "description": says, "minLength": 1, "maxLength": most });
            ((*name).to_owned(), schema)
        };
        let required: Vec<&str> = self.arguments().iter().map(|(name, ..)| *name).collect();
        json!({
            "name": self.name(),
            "title": title,
            "description": description,
            "inputSchema": {
                "type": "object",
                "properties": self.arguments().iter().map(property).collect::<Map<_, _>>(),
                "required": required,
                "additionalProperties": false,
            },
            "annotations": self.annotations(),
        })
    }

    /// Does it; a complaint is for the model to read and try again.
    pub(super) fn run(self, notes: &mut Notes, arguments: Option<&RawValue>) -> Result<String, String> {
        let given = self.check(arguments)?;
        let get = |(name, ..): Argument| given.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(match self {
            Self::List => lines(notes.iter(), "There are no notes."),
            Self::Read => notes.find(get(ID)).map(|note| format!("# {}\n\n{}", note.title, note.text))?,
            Self::Search => lines(notes.search(get(WORDS)), "No note holds these words."),
            Self::Add => notes.add(get(TITLE), get(TEXT)).map(|note| format!("Added the note {}.", note.id))?,
            Self::Append => notes.append(get(ID), get(TEXT)).map(|note| format!("Added a line to {}.", note.id))?,
            Self::Delete => notes.delete(get(ID)).map(|note| format!("Deleted “{}” for good.", note.title))?,
        })
    }

    /// Checks arguments against the schema that [`Tool::describe`] shows.
    fn check(self, arguments: Option<&RawValue>) -> Result<Map<String, Value>, String> {
        let given = arguments.map_or("{}", RawValue::get);
        let Ok(given) = serde_json::from_str::<Map<String, Value>>(given) else {
            return Err("the arguments must be an object".to_owned());
        };
        let known = |name: &&String| self.arguments().iter().any(|(known, ..)| known == name);
        if let Some(stranger) = given.keys().find(|name| !known(name)) {
            return Err(format!("{} has no argument {stranger:?}", self.name()));
        }
        for (name, _, most) in self.arguments() {
            let value = given.get(*name).ok_or_else(|| format!("the argument {name} is missing"))?;
            let text = value.as_str().ok_or_else(|| format!("the argument {name} must be a string"))?;
            if text.is_empty() || text.chars().count() > *most {
                return Err(format!("the argument {name} must have 1 to {most} characters"));
            }
        }
        Ok(given)
    }
}

/// What `tools/list` shows.
pub(super) fn listing() -> Vec<Value> {
    Tool::ALL.into_iter().map(Tool::describe).collect()
}

fn lines<'a>(notes: impl Iterator<Item = &'a Note>, none: &str) -> String {
    let lines: Vec<String> = notes.map(|note| format!("{}: {}", note.id, note.title)).collect();
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}
