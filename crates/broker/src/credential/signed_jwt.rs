//! A token of ours for the tool's server alone, minted once for each token of a caller's.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::ids::TokenId;
use bailiwick_domain::token::{AccessClaims, ForUpstream, mint_for_upstream};

use crate::broker::Broker;
use crate::endpoint::bearing;
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::SignedJwt;

/// A token with less time left than this is replaced, if a new one would have more.
const SPARE: Duration = Duration::from_secs(30);

/// The tokens for one server behind, by the caller's token; none where the gateway asks for itself.
#[derive(Debug)]
pub(crate) struct Signed {
    settings: SignedJwt,
    kept: Kept<Option<TokenId>>,
}

impl Signed {
    pub(crate) fn new(settings: SignedJwt) -> Self {
        Self { settings, kept: Kept::new() }
    }

    pub(crate) async fn obtain(
        &self,
        broker: &Broker,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Arc<Obtained>, BrokerError> {
        let claims = wanted.map(|wanted| wanted.claims);
        let mint = async {
            let minted = mint(broker, &self.settings.audience, claims)?;
            let ends_with_caller = claims.is_some_and(|claims| claims.exp <= minted.expires_at.seconds());
            let until = if ends_with_caller { minted.expires_at } else { minted.expires_at.before(SPARE) };
            Ok((bearing(minted.raw)?, until))
        };
        self.kept.get(claims.map(|claims| claims.jti.clone()), broker.clock.as_ref(), mint).await
    }
}

/// A fresh token of ours for that audience.
pub(crate) fn mint(broker: &Broker, audience: &str, claims: Option<&AccessClaims>) -> Result<ForUpstream, BrokerError> {
    let drawn = (TokenId::draw(broker.entropy.as_ref()), broker.clock.now());
    mint_for_upstream(broker.signer.as_ref(), &broker.issuer, audience, claims, drawn)
        .map_err(|error| BrokerError::Later(error.to_string()))
}
