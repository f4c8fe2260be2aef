//! How a client of the operator proves who it is: `authenticate = { … }` of an agent or a client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_domain::chain::Assurance;
use bailiwick_domain::client::{AssertionTrust, AuthMethod, SpiffeId, secret_digest};
use bailiwick_domain::jose::{JwkError, JwkSet};
use bailiwick_domain::opaque::{ClientSecret, Digest};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};

/// One of: a secret, a key of its own, a workload of a SPIFFE trust domain, a workload of a Kubernetes cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuthenticateEntry {
    /// A secret both sides know.
    pub(crate) client_secret: Option<Secret>,
    /// How the secret is sent: `client_secret_basic` (default) or `client_secret_post`.
    pub(crate) token_endpoint_auth_method: Option<String>,
    /// A JSON Web Key Set with its public keys: it signs assertions (`private_key_jwt`).
    pub(crate) jwks_file: Option<PathBuf>,
    /// The SPIFFE ID of its workload, whose JWT-SVID it shows.
    pub(crate) spiffe_id: Option<String>,
    /// The bundle of the SPIFFE ID's trust domain.
    pub(crate) bundle_file: Option<PathBuf>,
    /// The service account of its pod, whose token it shows.
    pub(crate) kubernetes: Option<KubernetesEntry>,
}

/// A service account of a Kubernetes cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KubernetesEntry {
    /// The cluster's issuer, exactly as its tokens say it.
    pub(crate) issuer: String,
    /// What the cluster signs tokens with: `kubectl get --raw /openid/v1/jwks`.
    pub(crate) jwks_file: PathBuf,
    /// The service account's namespace.
    pub(crate) namespace: String,
    /// The service account's name.
    pub(crate) service_account: String,
}

/// What a [`bailiwick_domain::client::Client`] needs of it.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    /// The method.
    pub(crate) auth: AuthMethod,
    /// The digest of the secret, where it has one.
    pub(crate) secret: Option<Digest<ClientSecret>>,
    /// Whose signature stands for it, where one does.
    pub(crate) assertion: Option<AssertionTrust>,
}

impl Proof {
    /// The proof of a public client: none.
    pub(crate) const fn none() -> Self {
        Self { auth: AuthMethod::None, secret: None, assertion: None }
    }
}

impl AuthenticateEntry {
    /// How surely whoever proves it is known. Nothing is fetched or read for that: a command that tells a secret runs when
    /// the secret is wanted.
    pub(crate) const fn assurance(&self) -> Assurance {
        let method = match (&self.client_secret, &self.jwks_file, &self.spiffe_id, &self.kubernetes) {
            (Some(_), ..) => AuthMethod::ClientSecretBasic,
            (None, Some(_), ..) => AuthMethod::PrivateKeyJwt,
            (None, None, Some(_), _) => AuthMethod::SpiffeJwt,
            (None, None, None, Some(_)) => AuthMethod::KubernetesToken,
            (None, None, None, None) => AuthMethod::None,
        };
        method.assurance()
    }

    /// Fetches the secret or reads the keys. `label` is where the entry stands, such as `agent.researcher.authenticate`.
    pub(crate) fn proof(&self, label: &str) -> Result<Proof, ConfigError> {
        let wrong = |says: &str| ConfigError::Value(format!("{label}: {says}"));
        if self.token_endpoint_auth_method.is_some() && self.client_secret.is_none() {
            return Err(wrong("token_endpoint_auth_method goes with client_secret"));
        }
        let trust = match (&self.client_secret, &self.jwks_file, (&self.spiffe_id, &self.bundle_file), &self.kubernetes)
        {
            (Some(secret), None, (None, None), None) => return self.shared(secret, label),
            (None, Some(file), (None, None), None) => {
                AssertionTrust::PrivateKey(keys(&format!("{label}.jwks_file"), file, JwkSet::parse)?)
            }
            (None, None, (Some(id), Some(file)), None) => spiffe(label, id, file)?,
            (None, None, (Some(_), None), None) => {
                return Err(wrong("spiffe_id needs the bundle_file of its trust domain"));
            }
            (None, None, (None, Some(_)), None) => {
                return Err(wrong("bundle_file needs the spiffe_id of the workload"));
            }
            (None, None, (None, None), Some(entry)) => entry.trust(&format!("{label}.kubernetes"))?,
            _ => {
                return Err(wrong("give one of client_secret, jwks_file, spiffe_id with bundle_file, and kubernetes"));
            }
        };
        Ok(Proof { auth: trust.method(), secret: None, assertion: Some(trust) })
    }

    fn shared(&self, secret: &Secret, label: &str) -> Result<Proof, ConfigError> {
        let auth = match self.token_endpoint_auth_method.as_deref() {
            None | Some("client_secret_basic") => AuthMethod::ClientSecretBasic,
            Some("client_secret_post") => AuthMethod::ClientSecretPost,
            Some(method) => {
                let says = "is not a way to send a client_secret; use client_secret_basic or client_secret_post";
                return Err(ConfigError::Value(format!("{label}.token_endpoint_auth_method: {method:?} {says}")));
            }
        };
        let secret = secret.fetch(&format!("{label}.client_secret"))?;
        Ok(Proof { auth, secret: Some(secret_digest(&secret)), assertion: None })
    }
}

impl KubernetesEntry {
    fn trust(&self, label: &str) -> Result<AssertionTrust, ConfigError> {
        let url = url::Url::parse(&self.issuer).is_ok_and(|url| url.scheme() == "https" && url.host().is_some());
        if !url {
            return Err(ConfigError::Value(format!("{label}.issuer: {:?} is not an https URL", self.issuer)));
        }
        for (field, name) in [("namespace", &self.namespace), ("service_account", &self.service_account)] {
            if !is_kubernetes_name(name) {
                return Err(ConfigError::Value(format!(
                    "{label}.{field}: {name:?} is not a name that Kubernetes gives"
                )));
            }
        }
        Ok(AssertionTrust::Kubernetes {
            issuer: self.issuer.clone(),
            subject: format!("system:serviceaccount:{}:{}", self.namespace, self.service_account),
            keys: keys(&format!("{label}.jwks_file"), &self.jwks_file, JwkSet::parse)?,
        })
    }
}

fn spiffe(label: &str, id: &str, file: &Path) -> Result<AssertionTrust, ConfigError> {
    let id = SpiffeId::parse(id).ok_or_else(|| {
        ConfigError::Value(format!(
            "{label}.spiffe_id: {id:?} is not the SPIFFE ID of a workload, such as spiffe://corp/x"
        ))
    })?;
    let bundle = keys(&format!("{label}.bundle_file"), file, JwkSet::parse_spiffe_bundle)?;
    Ok(AssertionTrust::Spiffe { id, bundle })
}

/// Reads keys; a file without one that can verify here would let nobody in, and is refused.
fn keys(
    what: &str,
    file: &Path,
    parse: impl FnOnce(&[u8]) -> Result<JwkSet, JwkError>,
) -> Result<Arc<JwkSet>, ConfigError> {
    let wrong = |says: String| ConfigError::Value(format!("{what}: {}: {says}", file.display()));
    let json = std::fs::read(file)
        .map_err(|error| ConfigError::Value(format!("{what}: cannot read {}: {error}", file.display())))?;
    let keys = parse(&json).map_err(|error| match error {
        JwkError::Private => wrong("holds a private key; write only the public ones here".to_owned()),
        JwkError::Malformed | JwkError::Unsupported | JwkError::Weak => {
            wrong("not a JSON Web Key Set, such as { \"keys\": [ … ] }".to_owned())
        }
    })?;
    if keys.keys().is_empty() {
        return Err(wrong("no key in it can verify ES256, RS256, PS256 or EdDSA signatures".to_owned()));
    }
    Ok(Arc::new(keys))
}

/// A label or labels with dots (RFC 1123), as namespaces and service accounts are named.
fn is_kubernetes_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    (1..=253).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests;
