//! Self-contained client ids: the registration itself, sealed, so that nobody can fill our disk by registering.

use serde::{Deserialize, Serialize};

use super::{AuthMethod, Client, ClientSource, GrantType, Registration};
use crate::entropy::Entropy;
use crate::ids::ClientId;
use crate::seal::Sealer;
use crate::time::Timestamp;
use crate::uri::RedirectUri;

/// Begins every such id; never `https://`, which is what a client metadata document's begins with.
const PREFIX: &str = "bwc_";
const CONTEXT: &str = "client_id";
/// Nonce and tag of AES-256-GCM.
const OVERHEAD: usize = 28;

/// What is sealed. One letter per member: the id travels in every URL.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "r")]
    redirect_uris: Vec<RedirectUri>,
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    refresh: bool,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    auth: Option<AuthMethod>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(rename = "t")]
    issued_at: i64,
}

impl Sealed {
    fn plain(registration: &Registration, now: Timestamp) -> Vec<u8> {
        let sealed = Self {
            name: registration.name.clone(),
            redirect_uris: registration.redirect_uris.clone(),
            refresh: registration.grant_types.contains(&GrantType::RefreshToken),
            auth: Some(registration.auth).filter(|auth| *auth != AuthMethod::None),
            uri: registration.uri.clone(),
            issued_at: now.seconds(),
        };
        // Text, enums and lists always serialise.
        serde_json::to_vec(&sealed).unwrap_or_default()
    }
}

/// True when the id of `registration` would not be longer than an id may be.
pub(super) fn fits(registration: &Registration) -> bool {
    // The length of a date in this century; the rest of the length does not change.
    let plain = Sealed::plain(registration, Timestamp::from_seconds(4_000_000_000));
    PREFIX.len() + (plain.len() + OVERHEAD).div_ceil(3) * 4 <= ClientId::MOST
}

/// Seals a registration; `None` when it does not fit.
pub(super) fn seal(
    registration: &Registration,
    sealer: &Sealer,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Option<ClientId> {
    let plain = Sealed::plain(registration, now);
    ClientId::parse(&format!("{PREFIX}{}", sealer.seal(entropy, CONTEXT, &plain)))
}

/// Opens a self-contained `client_id`; `None` for one that we did not make.
pub fn open_client(sealer: &Sealer, id: &ClientId) -> Option<Client> {
    let plain = sealer.open(CONTEXT, id.as_str().strip_prefix(PREFIX)?)?;
    let known: Sealed = serde_json::from_slice(&plain).ok()?;
    let fallback = known.redirect_uris.first().map_or("", RedirectUri::host);
    Some(Client {
        id: id.clone(),
        name: known.name.unwrap_or_else(|| fallback.to_owned()),
        source: ClientSource::Registered,
        grant_types: grants(known.refresh),
        auth: known.auth.unwrap_or(AuthMethod::None),
        scope: None,
        uri: known.uri,
        secret: None,
        assertion: None,
        issued_at: Timestamp::from_seconds(known.issued_at),
        redirect_uris: known.redirect_uris,
    })
}

fn grants(refresh: bool) -> Vec<GrantType> {
    if refresh {
        vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
    } else {
        vec![GrantType::AuthorizationCode]
    }
}
