//! What is told of a SAML issuer, wherever it is told.

use std::path::Path;

use bailiwick_authority::{Attributes, SamlParty};
use bailiwick_saml::IdentityProvider;

use super::ConfigError;

/// The fields of an entry that are about SAML.
#[derive(Default)]
pub(super) struct SamlFields<'a> {
    pub(super) metadata: Option<&'a Path>,
    pub(super) subject: Option<&'a String>,
    pub(super) groups: Option<&'a String>,
    pub(super) email: Option<&'a String>,
    pub(super) name: Option<&'a String>,
}

/// The issuer that the metadata describes.
pub(super) fn party(label: &str, name: &str, fields: &SamlFields<'_>) -> Result<SamlParty, ConfigError> {
    let wrong = |says: String| ConfigError::Value(format!("{label}.metadata: {says}"));
    let path = fields.metadata.ok_or_else(|| wrong("name the file with the provider's metadata".to_owned()))?;
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read {shown}: {error}")))?;
    let provider = IdentityProvider::read(&text).map_err(|error| wrong(format!("{shown}: {error}")))?;
    let attributes = Attributes {
        subject: fields.subject.cloned(),
        groups: fields.groups.cloned().unwrap_or_else(|| "groups".to_owned()),
        email: fields.email.cloned(),
        name: fields.name.cloned(),
    };
    Ok(SamlParty { name: name.to_owned(), provider, attributes })
}
