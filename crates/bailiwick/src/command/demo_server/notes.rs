//! The notes: an ordered handful, each with an id a person can type.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// What it is called by.
    pub(super) id: String,
    /// Its headline.
    pub(super) title: String,
    /// Its words.
    pub(super) text: String,
}

/// All notes, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notes(Vec<Note>);

/// The most notes there can be, and the longest one may grow: memory stays flat whatever an agent writes.
const MOST_NOTES: usize = 500;
const MOST_TEXT: usize = 20_000;

const SEEDS: [(&str, &str, &str); 5] = [
    (
        "welcome",
        "Welcome to your bailiwick",
        "A bailiwick is one's sphere of authority. Whoever reads this note to you came with a token that says on whose \
         behalf it acts, what it may do here, and when that ends. You can end it sooner, on the account page.",
    ),
    (
        "locksmith",
        "The locksmith's rule",
        "Never cut a key for a door you were not shown. Never cut a key that opens more than the door you were shown. \
         And write down every key you cut.",
    ),
    (
        "plum-cake",
        "Grandmother's plum cake",
        "Two pounds of plums, halved. As much butter as you dare. When the neighbours begin to ask what smells so good, \
         it is done. She never told anyone about the cardamom.",
    ),
    ("shopping", "Shopping list", "Lemons. Oat milk. Birthday candles. Something to light the candles with."),
    (
        "delete-me",
        "The note that longs to be forgotten",
        "Go on, delete me. If you are refused, that is the point: deleting is a scope of its own, and nobody gave it to \
         you yet.",
    ),
];

impl Notes {
    /// The notes a fresh server begins with.
    pub(super) fn seeded() -> Self {
        let seed = |(id, title, text): (&str, &str, &str)| Note {
            id: id.to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
        };
        Self(SEEDS.into_iter().map(seed).collect())
    }

    /// The notes in a file, if there are any.
    pub(super) fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }

    /// Writes all of them in one step.
    pub(super) fn write(&self, file: &Path) -> std::io::Result<()> {
        crate::keep::write_private(file, &serde_json::to_vec_pretty(self)?)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Note> {
        self.0.iter()
    }

    /// The note of that id.
    pub(super) fn find(&self, id: &str) -> Result<&Note, String> {
        self.0.iter().find(|note| note.id == id).ok_or_else(|| unknown(id))
    }

    /// Those whose title or text holds `words`, in whatever case.
    pub(super) fn search(&self, words: &str) -> impl Iterator<Item = &Note> {
        let wanted = words.to_lowercase();
        let holds = move |text: &str| text.to_lowercase().contains(&wanted);
        self.0.iter().filter(move |note| holds(&note.title) || holds(&note.text))
    }

    /// Adds a note under an id made from its title.
    pub(super) fn add(&mut self, title: &str, text: &str) -> Result<&Note, String> {
        if self.0.len() >= MOST_NOTES {
            return Err(format!("there are {MOST_NOTES} notes already: delete one first"));
        }
        let slug = slug(title);
        let free = |id: &String| self.find(id).is_err();
        let numbered = (2..).map(|n: u32| format!("{slug}-{n}"));
        let id = std::iter::once(slug.clone()).chain(numbered).find(free).unwrap_or_default();
        self.0.push(Note { id, title: title.to_owned(), text: text.to_owned() });
        self.0.last().ok_or_else(|| unknown(title))
    }

    /// Adds a line to a note.
    pub(super) fn append(&mut self, id: &str, text: &str) -> Result<&Note, String> {
        let note = self.0.iter_mut().find(|note| note.id == id).ok_or_else(|| unknown(id))?;
        if note.text.len() + text.len() >= MOST_TEXT {
            return Err(format!("the note {id} is full: {MOST_TEXT} bytes are enough"));
        }
        note.text.push('\n');
        note.text.push_str(text);
        Ok(note)
    }

    /// Deletes a note.
    pub(super) fn delete(&mut self, id: &str) -> Result<Note, String> {
        let at = self.0.iter().position(|note| note.id == id).ok_or_else(|| unknown(id))?;
        Ok(self.0.remove(at))
    }
}

fn unknown(id: &str) -> String {
    format!("there is no note {id:?}; list_notes shows the ids")
}

/// `My 2nd Note!` becomes `my-2nd-note`.
fn slug(title: &str) -> String {
    let words: Vec<String> =
        title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let slug: String = words.join("-").chars().take(40).collect();
    match slug.trim_end_matches('-') {
        "" => "note".to_owned(),
        slug => slug.to_owned(),
    }
}
