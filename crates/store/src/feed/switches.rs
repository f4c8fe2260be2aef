//! Switches in memory.

use std::collections::HashMap;

use bailiwick_domain::time::Timestamp;

/// What can be switched off and on again: the latest change counts, in whatever order they are heard. What is off is
/// remembered until it is on again.
#[derive(Debug, Default)]
pub(super) struct Switches(HashMap<String, (Timestamp, bool)>);

impl Switches {
    /// True when nothing was ever switched.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True for what is off.
    pub(super) fn is_off(&self, subject: &str) -> bool {
        self.0.get(subject).is_some_and(|(_, off)| *off)
    }

    /// True for what is off, and for what was issued before it went on again. A token's `iat` is whole seconds, so what
    /// was issued within the second of that moment counts as issued before it.
    pub(super) fn shuts_out(&self, subject: &str, issued_at: Timestamp) -> bool {
        self.0.get(subject).is_some_and(|(at, off)| *off || issued_at <= *at)
    }

    /// Takes in a change; `true` when it says something new.
    pub(super) fn turn(&mut self, subject: &str, at: Timestamp, off: bool) -> bool {
        match self.0.get(subject) {
            Some((known, _)) if *known >= at => false,
            before => {
                let was_off = before.is_some_and(|(_, off)| *off);
                self.0.insert(subject.to_owned(), (at, off));
                was_off != off
            }
        }
    }

    /// Forgets what has been on for long.
    pub(super) fn forget(&mut self, oldest: Timestamp) {
        self.0.retain(|_, (at, off)| *off || *at > oldest);
    }
}
