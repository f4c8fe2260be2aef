//! What a child of one person's finds in its environment: secrets of that person's, which they connected.

use std::fmt;

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
        Self { env: env.collect(), mark: "-".repeat(program.personal.len()) }
    }

    /// The secrets of whoever calls.
    ///
    /// # Errors
    /// [`Refusal`] for a call of a tool whose person has not connected one; it holds the link.
    pub(crate) async fn of(gateway: &Gateway, program: &Program, call: &Call) -> Result<Self, Refusal> {
        let mut own = Self::default();
        let directory = gateway.directory.load_full();
        let wanted = credential::wanted(call, &directory.epoch);
        for variable in &program.personal {
            match gateway.broker.secret(&wanted, &variable.connection).await {
                Ok((secret, generation)) => {
                    own.env.push((variable.name.clone(), secret));
                    own.mark.extend([generation.to_string().as_str(), ","]);
                }
                Err(error) => {
                    connect::instead(gateway, call, error).await?;
                    return Ok(Self::placeholders(program));
                }
            }
        }
        Ok(own)
    }
}
