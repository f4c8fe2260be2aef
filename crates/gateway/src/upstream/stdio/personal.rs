//! What a child of one person's finds in its environment: secrets of that person's, which they connected.

use std::fmt;

use bailiwick_domain::ids::UserId;
use bailiwick_store::{ConnectionState, ConnectionView, Store, StoreError};
use zeroize::Zeroizing;

use super::Program;
use crate::call::Call;
use crate::gateway::Gateway;
use crate::refuse::Refusal;
use crate::{connect, credential};

/// What stands in the place of a secret that is not there yet, so that a server can start and list its tools. No call of
/// a tool gets as far as a child that was started with it.
const PLACEHOLDER: &str = "not-connected-yet";

/// A variable that holds a secret of the person's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalVariable {
    /// Its name.
    pub name: String,
    /// The name under which people connect the secret.
    pub connection: String,
    /// Whether the server finds a file's path in it and the secret in that file. The gateway passes the secret in either
    /// case; whoever builds the walls around the child puts it into the file.
    pub file: bool,
}

/// The secrets of one person, for their child.
#[derive(Clone, Default)]
pub(crate) struct Own {
    /// Variables and their values.
    pub(crate) env: Vec<(String, Zeroizing<String>)>,
    /// Tells which secrets these are, without telling them: a child that was started with others is not used any more.
    pub(crate) mark: String,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("mark", &self.mark).finish_non_exhaustive()
    }
}

impl Own {
    /// Placeholders: for whoever asks which tools there are, and has connected nothing.
    pub(crate) fn placeholders(program: &Program) -> Self {
        let env = program.personal.iter().map(|own| (own.name.clone(), Zeroizing::new(PLACEHOLDER.to_owned())));
        Self { env: env.collect(), mark: mark(program.personal.iter().map(|_| None)) }
    }

    /// The secrets of whoever calls.
    ///
    /// # Errors
    /// [`Refusal`] for a call of a tool whose person has not connected one; it holds the link.
    pub(crate) async fn of(gateway: &Gateway, program: &Program, call: &Call) -> Result<Self, Refusal> {
        let (mut env, mut generations) = (Vec::new(), Vec::new());
        let directory = gateway.directory.load_full();
        let wanted = credential::wanted(call, &directory.epoch);
        for variable in &program.personal {
            match gateway.broker.secret(&wanted, &variable.connection).await {
                Ok((secret, generation)) => {
                    env.push((variable.name.clone(), secret));
                    generations.push(Some(generation));
                }
                Err(error) => {
                    connect::instead(gateway, call, error).await?;
                    return Ok(Self::placeholders(program));
                }
            }
        }
        Ok(Self { env, mark: mark(generations) })
    }

    /// True for the mark of placeholders.
    pub(crate) fn is_empty(mark: &str) -> bool {
        mark.starts_with('-')
    }

    /// What [`Self::mark`] is for that person's secrets as they are in the vault now.
    pub(crate) async fn mark_now(store: &Store, program: &Program, person: &str) -> Result<String, StoreError> {
        let held = store.connections(&UserId::from_stored(person)).await?;
        let usable = |view: &&ConnectionView| view.state != ConnectionState::NeedsReconnect;
        let generation = |variable: &PersonalVariable| {
            held.iter().filter(usable).find(|view| view.key.provider == variable.connection).map(|view| view.generation)
        };
        Ok(mark(program.personal.iter().map(generation)))
    }
}

/// The mark of secrets of these generations; where one is not there, no child is given any.
fn mark(generations: impl IntoIterator<Item = Option<i64>>) -> String {
    let generations: Vec<_> = generations.into_iter().collect();
    match generations.iter().copied().collect::<Option<Vec<i64>>>() {
        Some(all) => all.iter().map(i64::to_string).collect::<Vec<_>>().join(","),
        None => "-".repeat(generations.len()),
    }
}
