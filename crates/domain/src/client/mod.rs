//! Clients (RFC 6749 §2): the operator's own, from the configuration, those that registered themselves, and those that
//! describe themselves in a document.

mod assertion;
mod credentials;
mod document;
mod domains;
mod registration;
mod sealed;
mod secret;
mod spiffe;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chain::Assurance;
use crate::control::{self, Control};
use crate::ids::ClientId;
use crate::opaque::{ClientSecret, Digest};
use crate::scope::ScopeSet;
use crate::text;
use crate::time::Timestamp;
use crate::uri::{DocumentUrl, RedirectUri};

pub use assertion::{Assertion, AssertionError, AssertionTrust, AssertionType, Claimed, Once, Place};
pub use credentials::{CredentialError, Presented, Sent, presented};
pub use document::{ClientDocument, DocumentError, MOST_DOCUMENT};
pub use domains::{Domain, Domains};
pub use registration::{Registration, RegistrationError};
pub use sealed::open_client;
pub use secret::{derived_secret, secret_digest};
pub use spiffe::SpiffeId;

/// How a client proves who it is (`token_endpoint_auth_method`, RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// An assertion signed with a key of its own (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// The JWT-SVID of its workload (OAuth SPIFFE client authentication).
    SpiffeJwt,
    /// The Kubernetes service-account token of its workload: our own name, which metadata does not list.
    KubernetesToken,
}

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::SpiffeJwt,
        Self::KubernetesToken,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::SpiffeJwt => "spiffe_jwt",
            Self::KubernetesToken => "kubernetes_token",
        }
    }

    /// True for a method that others know by its name, so that metadata lists it.
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::KubernetesToken)
    }

    /// True when it rests on an assertion, and so on keys that only the operator can vouch for.
    pub const fn is_assertion(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SpiffeJwt | Self::KubernetesToken)
    }

    /// How surely a client is known that used it.
    pub const fn assurance(self) -> Assurance {
        match self {
            Self::None => Assurance::None,
            Self::ClientSecretBasic | Self::ClientSecretPost => Assurance::ClientSecret,
            Self::SpiffeJwt | Self::KubernetesToken => Assurance::JwtSvid,
            Self::PrivateKeyJwt => Assurance::PrivateKeyJwt,
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a client may bring to the token endpoint (`grant_types`, RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// Itself.
    ClientCredentials,
    /// A token it was handed, for the next step (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// What an issuer elsewhere says of a person (RFC 7522). The issuer's section names the clients, not the client its
    /// grant types.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:saml2-bearer")]
    SamlBearer,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 5] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::TokenExchange, Self::SamlBearer];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::SamlBearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
        }
    }

    /// The grant type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who vouches for a client's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientSource {
    /// The operator, in the configuration.
    Static,
    /// Nobody: it registered itself.
    Registered,
    /// Whoever holds the host of the document its `client_id` leads to.
    Document,
    /// The operator, as an agent.
    Agent,
}

/// A client as the authority knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// Its name, fit to be shown.
    pub name: String,
    /// Who vouches for it.
    pub source: ClientSource,
    /// Where answers may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may bring to the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// How it proves who it is.
    pub auth: AuthMethod,
    /// The most it may hold by its own authority; only the operator's clients have one.
    pub scope: Option<ScopeSet>,
    /// Its home page.
    pub uri: Option<String>,
    /// Digest of its secret, for the operator's clients; see [`secret_digest`].
    pub secret: Option<Digest<ClientSecret>>,
    /// Whose signature stands for it, for clients of the operator that show an assertion. It is read from the
    /// configuration only, never from a row.
    #[serde(skip)]
    pub assertion: Option<AssertionTrust>,
    /// When it registered.
    pub issued_at: Timestamp,
}

impl Client {
    /// The registered redirect URI that accepts `presented`.
    pub fn accepts_redirect(&self, presented: &str) -> Option<&RedirectUri> {
        if !control::holds(Control::RedirectUri) {
            return self.redirect_uris.first();
        }
        self.redirect_uris.iter().find(|uri| uri.accepts(presented))
    }

    /// True for a client that is its document.
    pub fn is_document(&self) -> bool {
        self.source == ClientSource::Document
    }

    /// The host whose holder describes it, for a client that is its document.
    pub fn vouching_host(&self) -> Option<String> {
        let url = DocumentUrl::parse(self.id.as_str()).ok().filter(|_| self.is_document())?;
        Some(url.authority().to_owned())
    }

    /// True when an assertion that says so would be by this client.
    pub fn is_claimed(&self, claimed: &Claimed) -> bool {
        self.assertion.as_ref().is_some_and(|trust| trust.is_claimed(&self.id, claimed))
    }

    /// True when it may bring that to the token endpoint.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Digest of everything a person judges it by: consent is given to this, and asked again when it changes.
    pub fn metadata_hash(&self) -> String {
        let shown = (&self.name, self.source, &self.redirect_uris, &self.grant_types, self.auth, &self.uri);
        // Text, enums and lists always serialise.
        text::encode(&text::sha256(&serde_json::to_vec(&shown).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
