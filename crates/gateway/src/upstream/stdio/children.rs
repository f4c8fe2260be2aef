//! The children of one server: one per session, or one per person where they are shared;
//! one per owner for requests without a session; and never too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use bailiwick_resource::Caller;
use tokio::sync::Notify;

use super::child::{Birth, Child};
use super::{Own, Program, Start};
use crate::session::Owner;
use crate::settings::Isolate;

/// How many children one server may have.
const MOST_CHILDREN: usize = 64;
/// How long a child may go unused.
const MOST_IDLE: Duration = Duration::from_mins(30);
/// From when on an unused child may be ended to make room for another.
const SPARE: Duration = Duration::from_mins(1);

/// For whom a child is wanted.
pub(crate) struct Asks {
    /// Whose sessions it may serve.
    pub(crate) owner: Owner,
    /// Who asks.
    pub(crate) caller: Caller,
    /// Secrets of theirs.
    pub(crate) own: Own,
}

/// True for one that lives and has these secrets.
fn serves(child: &Child, own: &Own) -> bool {
    !child.has_ended() && child.mark == own.mark
}

/// The children of one server.
#[derive(Debug)]
pub(crate) struct Children {
    program: Program,
    living: Mutex<HashMap<String, Arc<Child>>>,
    changed: Arc<Notify>,
}

impl Children {
    /// No children yet; `changed` is woken when one says that its tools are others now.
    pub(crate) fn new(program: Program, changed: Arc<Notify>) -> Self {
        Self { program, living: Mutex::default(), changed }
    }

    /// What they run.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Starts the child of a new session, or finds the one that all sessions of its person share.
    pub(crate) fn start(&self, id: String, asks: Asks, now: Timestamp) -> Result<Arc<Child>, Start> {
        if self.program.isolate == Isolate::User {
            return self.of_owner(asks, now);
        }
        let mut living = self.living();
        self.start_in(&mut living, id, asks, now)
    }

    /// The child of that session, while it has the secrets that its person has.
    pub(crate) fn of_session(&self, id: &str, own: &Own) -> Option<Arc<Child>> {
        self.living().get(id).filter(|child| serves(child, own)).cloned()
    }

    /// The child that serves this owner's requests without a session.
    pub(crate) fn of_owner(&self, asks: Asks, now: Timestamp) -> Result<Arc<Child>, Start> {
        let owner = &asks.owner;
        let mut living = self.living();
        // A session's child has a drawn id, which never looks like these.
        let (id, owner) = match self.program.isolate {
            Isolate::Session => (format!("owner {} {}", owner.subject, owner.client), owner.clone()),
            Isolate::User => {
                (format!("user {}", owner.subject), Owner { subject: owner.subject.clone(), client: String::new() })
            }
        };
        match living.get(&id).filter(|child| serves(child, &asks.own)) {
            Some(child) => Ok(Arc::clone(child)),
            None => self.start_in(&mut living, id, Asks { owner, ..asks }, now),
        }
    }

    /// How many live.
    pub(crate) fn count(&self) -> usize {
        self.living().values().filter(|child| !child.has_ended()).count()
    }

    /// Those that live: that person's, or everybody's.
    pub(crate) fn living_of(&self, person: Option<&str>) -> Vec<Arc<Child>> {
        let theirs = |child: &&Arc<Child>| person.is_none_or(|person| child.owner.subject == person);
        self.living().values().filter(|child| !child.has_ended()).filter(theirs).cloned().collect()
    }

    /// Ends those that went unused for long, and those `ends` says must.
    pub(crate) fn sweep(&self, now: Timestamp, ends: impl Fn(&Caller) -> bool) {
        self.living().retain(|_, child| {
            let stale = child.idle(now).is_some_and(|idle| idle >= MOST_IDLE);
            if stale || child.caller().is_some_and(|caller| ends(&caller)) {
                child.end();
            }
            !child.has_ended()
        });
    }

    /// Ends all and waits until their processes are gone.
    pub(crate) async fn close(&self) {
        let all: Vec<_> = self.living().drain().map(|(_, child)| child).collect();
        for child in &all {
            child.end();
        }
        for child in all {
            child.gone().await;
        }
    }

    fn start_in(
        &self,
        living: &mut HashMap<String, Arc<Child>>,
        id: String,
        asks: Asks,
        now: Timestamp,
    ) -> Result<Arc<Child>, Start> {
        let Asks { owner, caller, own } = asks;
        make_room(living, &owner, now)?;
        let changed = Arc::clone(&self.changed);
        let birth = Birth { id: id.clone(), owner, caller: Some(caller), own, now, changed };
        let child = Child::start(&self.program, birth)
            .map_err(|error| Start::Failed(format!("cannot start {}: {error}", self.program.executable)))?;
        if let Some(former) = living.insert(id, Arc::clone(&child)) {
            former.end();
        }
        Ok(child)
    }

    fn living(&self) -> MutexGuard<'_, HashMap<String, Arc<Child>>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the house is full, the child that went unused longest gives way: the same owner's before anybody's.
fn make_room(living: &mut HashMap<String, Arc<Child>>, owner: &Owner, now: Timestamp) -> Result<(), Start> {
    living.retain(|_, child| !child.has_ended());
    if living.len() < MOST_CHILDREN {
        return Ok(());
    }
    let spare = |child: &&Arc<Child>| child.owner == *owner || child.idle(now).is_some_and(|idle| idle >= SPARE);
    let unused =
        living.values().filter(spare).filter_map(|child| Some((child.owner == *owner, child.idle(now)?, child)));
    let (_, _, child) = unused.max_by_key(|(own, idle, _)| (*own, *idle)).ok_or(Start::Crowded)?;
    child.end();
    Ok(())
}
