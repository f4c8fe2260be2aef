//! `tls`: a certificate in files, or one from an ACME authority.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// What the file says: `{ cert, key }`, or `{ acme }` with where to ask.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsEntry {
    /// The certificate with those above it (PEM).
    pub(crate) cert: Option<PathBuf>,
    /// Its key (PEM).
    pub(crate) key: Option<PathBuf>,
    /// The mail address the ACME authority writes to when something is wrong.
    pub(crate) acme: Option<String>,
    /// The ACME directory; by default Let's Encrypt.
    pub(crate) directory: Option<String>,
    /// Certificates (PEM) the directory is checked with, where this machine does not trust it.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Two files, read again when they change.
    Files {
        /// The certificate.
        cert: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// An ACME authority.
    Acme {
        /// Whom it writes to.
        contact: String,
        /// Its directory.
        directory: Option<String>,
        /// What the directory is checked with.
        ca_file: Option<PathBuf>,
    },
}

impl TlsEntry {
    /// Decides between the two.
    pub(crate) fn certificate(&self) -> Result<Certificate, ConfigError> {
        let refused = |says: &str| Err(ConfigError::Value(format!("tls: {says}")));
        let asks = self.directory.is_some() || self.ca_file.is_some();
        match (&self.cert, &self.key, &self.acme) {
            (Some(_), Some(_), None) if asks => refused("`directory` and `ca_file` belong to `acme`"),
            (Some(cert), Some(key), None) => Ok(Certificate::Files { cert: cert.clone(), key: key.clone() }),
            (None, None, Some(mail)) if !mail.contains('@') || mail.contains(char::is_whitespace) => {
                refused("`acme` is the mail address the authority writes to, such as ops@example.com")
            }
            (None, None, Some(mail)) => Ok(Certificate::Acme {
                contact: mail.trim_start_matches("mailto:").to_owned(),
                directory: self.directory.clone(),
                ca_file: self.ca_file.clone(),
            }),
            _ => refused("give either `cert` and `key`, or `acme`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Certificate, ConfigError> {
        toml::from_str::<TlsEntry>(text).unwrap().certificate()
    }

    #[test]
    fn it_is_files_or_an_authority_and_never_half_of_either() {
        let files = Certificate::Files { cert: "c.pem".into(), key: "k.pem".into() };
        assert_eq!(read("cert = \"c.pem\"\nkey = \"k.pem\"").unwrap(), files);
        let acme = read("acme = \"ops@example.com\"\ndirectory = \"https://ca.internal/dir\"").unwrap();
        assert!(matches!(acme, Certificate::Acme { directory: Some(_), ca_file: None, .. }));

        for text in [
            "",
            "cert = \"c.pem\"",
            "key = \"k.pem\"",
            "cert = \"c.pem\"\nkey = \"k.pem\"\nacme = \"ops@example.com\"",
            "cert = \"c.pem\"\nkey = \"k.pem\"\ndirectory = \"https://ca.internal/dir\"",
            "acme = \"yes\"",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
