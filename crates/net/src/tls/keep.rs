//! Where the ACME account and certificate are kept: files that only their owner may read, there whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rustls_acme::{AccountCache, CertCache};

/// A directory with one account and one certificate for each authority.
pub(super) struct Keep(pub(super) PathBuf);

impl Keep {
    /// The file for `what` at `authority`, of which only letters and digits are kept.
    fn file(&self, what: &str, names: &[String], authority: &str) -> PathBuf {
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect()
        };
        self.0.join(format!("{what}-{}-{}.pem", plain(&names.join("-")), plain(authority)))
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[async_trait]
impl CertCache for Keep {
    type EC = io::Error;

    async fn load_cert(&self, domains: &[String], directory: &str) -> Result<Option<Vec<u8>>, io::Error> {
        read(&self.file("certificate", domains, directory))
    }

    async fn store_cert(&self, domains: &[String], directory: &str, cert: &[u8]) -> Result<(), io::Error> {
        write(&self.file("certificate", domains, directory), cert)
    }
}

#[async_trait]
impl AccountCache for Keep {
    type EA = io::Error;

    async fn load_account(&self, contact: &[String], directory: &str) -> Result<Option<Vec<u8>>, io::Error> {
        read(&self.file("account", contact, directory))
    }

    async fn store_account(&self, contact: &[String], directory: &str, account: &[u8]) -> Result<(), io::Error> {
        write(&self.file("account", contact, directory), account)
    }
}
