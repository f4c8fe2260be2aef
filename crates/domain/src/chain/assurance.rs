//! Assurance: how well an actor proves who it is. Along a chain it can only fall.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a party authenticates, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Not at all.
    #[default]
    None,
    /// By a shared secret.
    ClientSecret,
    /// By a token of its platform, which whoever holds it can show again (JWT-SVID, Kubernetes service account).
    JwtSvid,
    /// By signing with a key of its own (RFC 7523).
    PrivateKeyJwt,
}

impl Assurance {
    /// Every level, weakest first.
    pub const ALL: [Self; 4] = [Self::None, Self::ClientSecret, Self::JwtSvid, Self::PrivateKeyJwt];

    /// Its name in tokens and in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecret => "client_secret",
            Self::JwtSvid => "jwt_svid",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The level of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
