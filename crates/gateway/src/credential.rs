//! What a server behind is shown for a call: which credential that is, and the credential itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_broker::{Broker, BrokerError, Choice, Credential, Credentials, Obtained, Prepared, Wanted};
use bailiwick_net::scrub::{Scrubber, shown_in};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::call::{Call, Said};
use crate::ceiling::Ceiling;
use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::settings::{ServerSettings, Upstream};
use crate::upstream::openapi::chosen;

/// The credentials of one server.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    whole: Prepared,
    tools: BTreeMap<String, Prepared>,
    discovery: Option<Prepared>,
}

impl Shown {
    pub(crate) fn prepare(broker: &Broker, settings: &ServerSettings) -> Result<Self, BrokerError> {
        let label = settings.label();
        // The operator has written what it is shown.
        let written = settings.headers.contains_key(AUTHORIZATION);
        let ours = settings.credential.0.iter().all(|tier| matches!(tier.credential, Credential::SignedJwt(_)));
        let whole = if written && ours { Credentials::only(Credential::None) } else { settings.credential.clone() };
        let part = |(name, credentials): (&String, &Credentials)| {
            Ok((name.clone(), broker.prepare(&format!("{label}/{name}"), credentials)?))
        };
        let mut tools: BTreeMap<_, _> = settings.tools.iter().map(part).collect::<Result<_, BrokerError>>()?;
        if let Upstream::OpenApi(api) = &settings.upstream {
            let schemes: BTreeMap<_, _> = settings.security.iter().map(part).collect::<Result<_, BrokerError>>()?;
            let own = api.tools().filter(|tool| !settings.tools.contains_key(*tool));
            let wanted = own.filter_map(|tool| {
                let set = chosen(api.needs(tool), |scheme| schemes.contains_key(scheme))?;
                let all = Prepared::together(set.iter().filter_map(|need| schemes.get(&need.scheme)));
                // Nobody has to connect an account for what is open to everybody.
                let open = api.needs(tool).iter().any(Vec::is_empty) && all.is_personal();
                (!open).then(|| (tool.to_owned(), all))
            });
            tools.extend(wanted);
        }
        Ok(Self {
            whole: broker.prepare(label, &whole)?,
            tools,
            discovery: settings.discovery.as_ref().map(|shown| broker.prepare(label, shown)).transpose()?,
        })
    }

    /// The credentials for a tool, or for what names none.
    fn of(&self, tool: Option<&str>) -> &Prepared {
        tool.and_then(|tool| self.tools.get(tool)).unwrap_or(&self.whole)
    }
}

/// The credential that this call gets; none where none is for the scopes that open it.
pub(crate) fn choose(gateway: &Gateway, call: &Call) -> Option<Choice> {
    let tool = call.said().and_then(Said::tool);
    let opening = gateway.known(&call.server, |server| {
        let held = Ceiling::of(gateway, &call.caller, &call.holder, server);
        let held = held.held(&call.caller);
        let held = held.scope.meet(held.ceiling);
        match tool.and_then(|tool| server.tool(tool)) {
            Some(tool) => tool.scopes.iter().filter(|scope| held.contains(scope)).cloned().collect(),
            None => held,
        }
    });
    call.server.credentials.of(tool).choose(&opening.unwrap_or_default())
}

/// For whom a credential is wanted, and to be shown where.
pub(crate) fn wanted<'a>(call: &'a Call, epoch: &'a str) -> Wanted<'a> {
    let claims = call.caller.token().claims();
    Wanted { claims, holder: &call.holder, epoch, destination: &call.server.destination }
}

/// The credential itself.
pub(crate) async fn obtain(gateway: &Gateway, choice: &Choice, call: &Call) -> Result<Arc<Obtained>, BrokerError> {
    let directory = gateway.directory.load();
    let wanted = wanted(call, &directory.epoch);
    choice.obtain(&gateway.broker, Some(&wanted)).await
}

/// What to show in place of what the server behind did not accept; none where there is nothing else.
pub(crate) async fn another(
    gateway: &Gateway,
    choice: &Choice,
    call: &Call,
    refused: &Arc<Obtained>,
) -> Result<Option<Arc<Obtained>>, BrokerError> {
    let directory = gateway.directory.load();
    let wanted = wanted(call, &directory.epoch);
    choice.another(&gateway.broker, &wanted, refused).await
}

/// What a server is shown when the gateway asks for itself: never what is somebody's own.
pub(crate) async fn own(gateway: &Gateway, server: &Hosted) -> Result<Arc<Obtained>, BrokerError> {
    let shown = &server.credentials;
    let whole = Some(&shown.whole).filter(|whole| !whole.is_personal());
    match shown.discovery.as_ref().or(whole).and_then(Prepared::lowest) {
        Some(choice) => choice.obtain(&gateway.broker, None).await,
        None => Ok(Arc::default()),
    }
}

/// Headers of ours: what the configuration writes has the last word.
pub(crate) fn headers(server: &Hosted, obtained: &Obtained) -> HeaderMap {
    let mut headers = obtained.headers.clone();
    if !obtained.cookies.is_empty() {
        let pairs: Vec<String> =
            obtained.cookies.iter().map(|(name, value)| format!("{name}={}", value.as_str())).collect();
        let cookie = Zeroizing::new(pairs.join("; "));
        headers.extend(HeaderValue::from_str(&cookie).ok().map(|value| (COOKIE, value)));
    }
    headers.extend(server.settings.headers.clone());
    headers
}

/// Finds what a server is shown, wherever it comes back.
pub(crate) fn scrubber(server: &Hosted, obtained: &Obtained) -> Scrubber {
    let pairs = obtained.query.iter().chain(&obtained.cookies);
    let written: Vec<_> = pairs.flat_map(|(_, value)| in_a_query(value)).collect();
    Scrubber::new(obtained.secrets.iter().chain(&written).chain(&server.secrets))
}

/// A value as it is, and as a query spells it: who tells of a query tells of that.
fn in_a_query(value: &str) -> [Zeroizing<String>; 3] {
    let form = Zeroizing::new(byte_serialize(value.as_bytes()).collect::<String>());
    let percent = Zeroizing::new(form.replace('+', "%20"));
    [Zeroizing::new(value.to_owned()), form, percent]
}

/// What the headers of the configuration say that nobody else may know.
pub(crate) fn secrets(headers: &HeaderMap) -> Vec<Zeroizing<String>> {
    headers.values().filter(|value| value.is_sensitive()).flat_map(shown_in).collect()
}
