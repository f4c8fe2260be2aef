//! What the configuration says of credentials.

use bailiwick_client::Secret;
use bailiwick_domain::policy::Named;
use bailiwick_domain::scope::ScopeSet;
use url::Url;

use crate::obtained::{BrokerError, Wanted};
use crate::prepared::Prepared;

/// The credentials of a server or a tool, lowest privilege first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials(pub Vec<Tier>);

impl Default for Credentials {
    /// Nothing is shown, to nobody.
    fn default() -> Self {
        Self::only(Credential::None)
    }
}

impl Credentials {
    /// One credential for everything.
    pub fn only(credential: Credential) -> Self {
        Self(vec![Tier { scopes: None, credential }])
    }

    /// The audiences of tokens of ours that they send away.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|tier| match &tier.credential {
            Credential::SignedJwt(settings) => Some(settings.audience.as_str()),
            Credential::Exchange(settings) => Some(settings.audience_of_ours()),
            Credential::None
            | Credential::ApiKey(_)
            | Credential::Basic(_)
            | Credential::UserOauth(_)
            | Credential::ClientCredentials(_)
            | Credential::JwtBearer(_)
            | Credential::SamlBearer(_)
            | Credential::EntraObo(_)
            | Credential::Mtls(_) => None,
        })
    }

    /// Whether they can work at all.
    ///
    /// # Errors
    /// [`BrokerError::Unfit`] with what is wrong.
    pub fn check(&self) -> Result<(), BrokerError> {
        Prepared::new("", self).map(drop)
    }
}

/// One step of privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The scopes it is for; none means all.
    pub scopes: Option<ScopeSet>,
    /// What is shown.
    pub credential: Credential,
}

/// What a tool is shown to let us in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    #[default]
    None,
    /// A short token that we sign for it and that it can check with our published keys.
    SignedJwt(SignedJwt),
    /// A fixed key.
    ApiKey(ApiKey),
    /// A name and a password (RFC 7617).
    Basic(Login),
    /// A token of each person's own (RFC 6749 §4.1).
    UserOauth(Box<UserOauth>),
    /// A token of the gateway's own as a client (RFC 6749 §4.4).
    ClientCredentials(ClientCredentials),
    /// A token that another authorization server gives for ours (RFC 8693).
    Exchange(Exchange),
    /// A token for an assertion that we sign (RFC 7523 §2.1).
    JwtBearer(JwtBearer),
    /// A token for a SAML assertion that we mint (RFC 7522 §2.1).
    SamlBearer(Box<SamlBearer>),
    /// A token that Entra gives for one of the person's own (on-behalf-of).
    EntraObo(Box<EntraObo>),
    /// A client certificate.
    Mtls(Mtls),
}

impl Credential {
    /// Its name in the configuration and in the record.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SignedJwt(_) => "signed_jwt",
            Self::ApiKey(_) => "api_key",
            Self::Basic(_) => "basic",
            Self::UserOauth(_) => "user_oauth",
            Self::ClientCredentials(_) => "client_credentials",
            Self::Exchange(_) => "exchange",
            Self::JwtBearer(_) => "jwt_bearer",
            Self::SamlBearer(_) => "saml_bearer",
            Self::EntraObo(_) => "entra_obo",
            Self::Mtls(_) => "mtls",
        }
    }
}

/// A token of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedJwt {
    /// The audience the server knows itself by.
    pub audience: String,
}

/// A fixed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Where it goes.
    pub place: Place,
    /// Whose it is.
    pub key: Key,
}

/// Where a key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into a header, after `prefix`.
    Header {
        /// The header's name, in lower case.
        name: String,
        /// What stands before the key, such as `Token `.
        prefix: String,
    },
    /// Into the query.
    Query(String),
    /// Into a cookie.
    Cookie(String),
    /// Into the environment of a child.
    Variable(String),
}

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Everybody's: the gateway alone decides who may use it for what.
    Shared(Secret),
    /// A team's or a person's each: the first whose name fits.
    Named(Vec<(Named, Secret)>),
    /// Each person's own, who connects it under this name.
    Personal(String),
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Everybody's.
    Shared {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Each person's own, who connects it under this name.
    Personal(String),
}

/// Tokens of each person's own, who lets us act for them at another authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserOauth {
    /// The name under which people connect.
    pub connection: String,
    /// The server the tokens are for: where discovery begins (RFC 9728) when nothing below says where to go, and the
    /// `resource` (RFC 8707) unless another is written.
    pub upstream: Option<Url>,
    /// The authorization server.
    pub issuer: Option<String>,
    /// Its authorization endpoint, where it has no metadata.
    pub authorization_url: Option<Url>,
    /// Its token endpoint, where it has no metadata.
    pub token_url: Option<Url>,
    /// Its revocation endpoint, where it has one and no metadata.
    pub revocation_url: Option<Url>,
    /// Our `client_id` there; without one we describe ourselves, or register.
    pub client_id: Option<String>,
    /// Our secret there.
    pub client_secret: Option<Secret>,
    /// The scopes that are asked for.
    pub scopes: ScopeSet,
    /// The `resource` parameter, where it is not the server's URL; empty for none at all.
    pub resource: Option<String>,
    /// False only where the operator knows that a refresh token may be used again.
    pub rotates: bool,
}

/// The token endpoint of another authorization server, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// Its URL.
    pub url: Url,
    /// Our `client_id` there.
    pub client_id: Option<String>,
    /// How we prove it.
    pub auth: ClientAuth,
    /// The scopes that are asked for, and the most that is taken.
    pub scopes: ScopeSet,
}

/// How we prove who we are at a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Not at all.
    None,
    /// A secret in the `Authorization` header (RFC 6749 §2.3.1).
    Basic(Secret),
    /// A secret in the form.
    Post(Secret),
    /// An assertion signed with the key that is published at `/jwks.json` (RFC 7523 §2.2).
    SignedJwt,
}

/// A token of the gateway's own as a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// Where it is asked for.
    pub endpoint: TokenEndpoint,
    /// The `audience` parameter that some servers want.
    pub audience: Option<String>,
    /// The `resource` parameter (RFC 8707).
    pub resource: Option<String>,
}

/// A token for a token of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Where it is asked for.
    pub endpoint: TokenEndpoint,
    /// The audience of the token that is wanted.
    pub audience: String,
    /// The audience of the token of ours that is given for it; by default the token endpoint.
    pub subject_audience: Option<String>,
}

impl Exchange {
    /// The audience of the token of ours.
    pub(crate) fn audience_of_ours(&self) -> &str {
        self.subject_audience.as_deref().unwrap_or(self.endpoint.url.as_str())
    }
}

/// A token for an assertion that we sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtBearer {
    /// Where it is asked for.
    pub endpoint: TokenEndpoint,
    /// The audience of the assertion; by default the token endpoint.
    pub audience: Option<String>,
    /// What the person is called there.
    pub subject: NameFrom,
}

/// A token for a SAML assertion that we mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlBearer {
    /// Where it is asked for.
    pub endpoint: TokenEndpoint,
    /// The audience of the assertion.
    pub audience: String,
    /// Where it is to be presented; by default the token endpoint.
    pub recipient: Option<String>,
    /// Who we are to the reader; by default our issuer.
    pub issuer: Option<String>,
    /// What the person is called there.
    pub name_id: NameFrom,
    /// Where each person agrees first: under which name their word is kept.
    pub agreed: Option<String>,
    /// Our key at this reader, PEM (PKCS#8, RSA).
    pub key: Secret,
}

/// A token that Entra gives for one of the person's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraObo {
    /// Where it is asked for; its scopes are those of the tool.
    pub endpoint: TokenEndpoint,
    /// The person's own account, whose tokens are for us.
    pub account: UserOauth,
}

/// What a person is called elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameFrom {
    /// By the `sub` of their tokens, which never changes.
    #[default]
    Subject,
    /// By the name of their account.
    Name,
    /// By their e-mail address.
    Email,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mtls {
    /// The certificate and what vouches for it, PEM.
    pub certificates: Vec<u8>,
    /// The private key, PEM.
    pub key: Secret,
    /// Who vouches for the server, PEM; without any, whoever this machine trusts.
    pub trust: Option<Vec<u8>>,
}

impl NameFrom {
    /// What the person of this call is called.
    pub(crate) fn of(self, wanted: &Wanted<'_>) -> Result<String, BrokerError> {
        let (user, person) = wanted.person()?;
        match self {
            Self::Subject => Ok(user.as_str().to_owned()),
            Self::Name => Ok(person.name.clone()),
            Self::Email => person.email.clone().ok_or_else(|| {
                BrokerError::Nothing(
                    "the account has no e-mail address, and the tool knows people by theirs".to_owned(),
                )
            }),
        }
    }
}
