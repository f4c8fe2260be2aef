//! Who people are, in memory: read once, forgotten when the feed says that it changed, and read again when somebody
//! asks. So a call knows its person without a database, and a change counts at the next call.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bailiwick_domain::grant::is_machine;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::{Holder, Person};

use crate::error::StoreError;
use crate::store::Store;

/// What is known of people who acted lately; there is one entry an account at most.
#[derive(Debug, Default)]
pub(crate) struct People(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Counts what was forgotten: whatever was read before must not be kept after.
    forgotten: u64,
    people: HashMap<String, Arc<Person>>,
}

impl People {
    /// What is known of that person.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Person>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).people.get(id).map(Arc::clone)
    }

    /// Forgets a person.
    pub(crate) fn forget(&self, id: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.forgotten = known.forgotten.wrapping_add(1);
        known.people.remove(id);
    }

    /// A mark to take before reading.
    fn mark(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).forgotten
    }

    /// Keeps what was read after `mark`, unless anything was forgotten since.
    fn keep(&self, mark: u64, id: &str, person: &Arc<Person>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten == mark {
            known.people.insert(id.to_owned(), Arc::clone(person));
        }
    }
}

impl Store {
    /// Whose authority a token with that `sub` carries; `None` when the account is unknown or disabled.
    pub async fn holder(&self, subject: &str) -> Result<Option<Holder>, StoreError> {
        if let Some(known) = self.known_holder(subject) {
            return Ok(Some(known));
        }
        let people = self.core.revocations.people();
        let mark = people.mark();
        let user = self.user(&UserId::from_stored(subject)).await?.filter(|user| !user.disabled);
        let Some(person) = user.map(|user| Arc::new(user.person())) else { return Ok(None) };
        people.keep(mark, subject, &person);
        Ok(Some(Holder::Person(person)))
    }

    /// The same where it is known without asking.
    pub fn known_holder(&self, subject: &str) -> Option<Holder> {
        if is_machine(subject) {
            return Some(Holder::Machine);
        }
        self.core.revocations.people().find(subject).map(Holder::Person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let people = People::default();
        let person = Arc::new(Person::default());
        let mark = people.mark();

        people.forget("us_1");
        people.keep(mark, "us_1", &person);
        assert!(people.find("us_1").is_none());

        people.keep(people.mark(), "us_1", &person);
        assert!(people.find("us_1").is_some());
    }
}
