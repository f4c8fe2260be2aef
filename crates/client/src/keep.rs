//! What is kept between runs: one file per server, readable by its owner alone, replaced as a whole. Everything in it
//! hangs below the issuer it came from, so that nothing of one authorization server is ever shown to another.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bailiwick_domain::entropy::{Entropy, draw};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::text;
use serde::{Deserialize, Serialize};

use crate::register::Registration;
use crate::server_url::ServerUrl;
use crate::token::Tokens;

/// Everything kept for one server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The server's URL.
    pub server: String,
    /// Its resource identifier, for `resource` parameters.
    pub resource: String,
    /// Its name for people.
    pub name: Option<String>,
    /// The issuer of the last login.
    pub issuer: String,
    /// What is kept per issuer.
    pub accounts: BTreeMap<String, Account>,
}

/// What is kept of one issuer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Account {
    /// Who we are there.
    pub registration: Registration,
    /// Where tokens are renewed.
    pub token_endpoint: String,
    /// Where they are revoked.
    pub revocation_endpoint: Option<String>,
    /// Every scope asked for so far.
    pub requested: ScopeSet,
    /// The tokens, until they are refused.
    pub tokens: Option<Tokens>,
}

/// Why keeping failed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The disk said no.
    #[error("cannot use {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("{0} is damaged: delete it and log in again")]
    Damaged(PathBuf),
}

/// The directory of kept files.
#[derive(Clone, Debug)]
pub struct Keep {
    dir: PathBuf,
}

/// Held while one process renews the tokens of a server; let go when dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "open means locked")] File);

impl Kept {
    /// The account of the last login.
    pub fn account(&self) -> Option<&Account> {
        self.accounts.get(&self.issuer)
    }

    /// The tokens of the last login.
    pub fn tokens(&self) -> Option<&Tokens> {
        self.account().and_then(|account| account.tokens.as_ref())
    }
}

impl Keep {
    /// Keeps below `dir`, in `tokens/`.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.join("tokens") }
    }

    /// Reads what is kept for `server`.
    pub fn read(&self, server: &ServerUrl) -> Result<Option<Kept>, KeepError> {
        let path = self.path(server, "json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeepError::Io { path, source }),
        };
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| KeepError::Damaged(path.clone()))?;
        if kept.server == server.as_str() { Ok(Some(kept)) } else { Err(KeepError::Damaged(path)) }
    }

    /// Replaces what is kept for `server`: a reader sees the old file or the new one, never half of either.
    pub(crate) fn write(&self, server: &ServerUrl, kept: &Kept, entropy: &dyn Entropy) -> Result<(), KeepError> {
        let path = self.path(server, "json");
        let beside = self.path(server, &format!("{}.new", text::encode(&draw::<6>(entropy))));
        let written = self.ready().and_then(|()| {
            let mut file = private().create_new(true).open(&beside)?;
            serde_json::to_writer_pretty(&mut file, kept)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        });
        written.map_err(|source| {
            // Best effort: the error that counts is the first one.
            let _ = fs::remove_file(&beside);
            KeepError::Io { path, source }
        })
    }

    /// Forgets `server`.
    pub(crate) fn forget(&self, server: &ServerUrl) -> Result<(), KeepError> {
        let path = self.path(server, "json");
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(KeepError::Io { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Waits until no other process renews the tokens of `server`. The lock is on a file of its own, because the kept
    /// one is replaced and a lock on it would be a lock on its past.
    pub(crate) async fn turn(&self, server: &ServerUrl) -> Result<Turn, KeepError> {
        let path = self.path(server, "lock");
        let failed = |source| KeepError::Io { path: path.clone(), source };
        self.ready().map_err(failed)?;
        let file = private().create(true).open(&path).map_err(failed)?;
        let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
        locked.map_err(io::Error::other).and_then(|locked| locked).map(Turn).map_err(failed)
    }

    fn ready(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir)
    }

    /// Host first, for the person who looks; a digest of the whole URL, for the machine that must not mix two up.
    fn path(&self, server: &ServerUrl, ending: &str) -> PathBuf {
        let digest = text::encode(&text::sha256(server.as_str().as_bytes()));
        let short: String = digest.chars().take(22).collect();
        let host: String = server.url().host_str().unwrap_or_default().chars().map(tame).take(80).collect();
        self.dir.join(format!("{host}-{short}.{ending}"))
    }
}

fn tame(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests;
