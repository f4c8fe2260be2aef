//! The request of a call: each argument where its parameter goes, and what lets us in beside them, which no argument
//! can replace.

use bailiwick_domain::entropy::Entropy;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, USER_AGENT as AGENT};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::Full;
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::body::{Body, Kind};
use super::encode::{Spelling, Style, bare, component};
use super::multipart;
use super::operation::Operation;
use super::parameter::{At, Parameter};
use crate::upstream::http::USER_AGENT;

const ANY: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.8");

/// What lets us in.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Headers of ours, cookies among them.
    pub(crate) headers: HeaderMap,
    /// Names and values in the query.
    pub(crate) query: Vec<(String, Zeroizing<String>)>,
}

/// Why a call makes no request: for whoever called, who can do better.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unfit(String);

impl Operation {
    /// The request of a call with these arguments.
    pub(super) fn request(
        &self,
        given: &Map<String, Value>,
        shown: &Shown,
        entropy: &dyn Entropy,
    ) -> Result<Request<Full<Bytes>>, Unfit> {
        self.admit(given)?;
        let mut headers = HeaderMap::new();
        headers.insert(AGENT, USER_AGENT);
        headers.insert(ACCEPT, ANY);
        let (mut query, mut cookies) = (Vec::new(), Vec::new());
        for (parameter, value) in self.parameters.iter().filter_map(|one| Some((one, argument(given, one)?))) {
            let spelling = parameter.spelling();
            match &parameter.at {
                At::Path => {}
                At::Query => query.extend(spelling.pairs(&value)),
                At::Cookie => cookies.extend(spelling.pairs(&value)),
                At::Header(name) => {
                    headers.insert(name.clone(), header(&parameter.argument, &spelling.in_header(&value))?);
                }
            }
        }
        let body = match &self.body {
            Some(body) => body.write(given, &mut headers, entropy)?,
            None => Bytes::new(),
        };
        attach(&mut query, &shown.query);
        headers.extend(shown.headers.clone());
        if !cookies.is_empty() {
            let cookie = beside(headers.get(COOKIE), &cookies)?;
            headers.insert(COOKIE, cookie);
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri(given, &joined(&query, "&"))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Every argument is known, and each that is needed is there.
    fn admit(&self, given: &Map<String, Value>) -> Result<(), Unfit> {
        let own = self.parameters.iter().map(|one| (one.argument.as_str(), one.required));
        let known: Vec<_> = own.chain(self.body.iter().map(|body| (body.argument.as_str(), body.required))).collect();
        let unknown: Vec<&str> =
            given.keys().map(String::as_str).filter(|name| !known.iter().any(|(known, _)| known == name)).collect();
        if !unknown.is_empty() {
            let names = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            return Err(Unfit(format!("there is no argument {}; there are: {names}", unknown.join(", "))));
        }
        let missing = known.iter().find(|(name, required)| *required && !given.contains_key(*name));
        missing.map_or(Ok(()), |(name, _)| Err(Unfit(format!("the argument {name} is missing"))))
    }

    fn uri(&self, given: &Map<String, Value>, query: &str) -> Result<Uri, Unfit> {
        let value = |name: &str| {
            let parameter = self.parameters.iter().find(|one| one.at == At::Path && one.name == name)?;
            let value = argument(given, parameter)?;
            // What stands for nothing would lead to another operation, whatever is written around it.
            (!bare(&value).is_empty()).then(|| parameter.spelling().in_path(&value))
        };
        let path = self.path.fill(value).map_err(Unfit)?;
        let below = self.base.path().trim_end_matches('/');
        let mark = if query.is_empty() { "" } else { "?" };
        let uri = format!("{}{below}{path}{mark}{query}", origin(&self.base));
        uri.parse().map_err(|_| Unfit("the arguments make no URL; they may be too long".to_owned()))
    }
}

impl Body {
    fn write(
        &self,
        given: &Map<String, Value>,
        headers: &mut HeaderMap,
        entropy: &dyn Entropy,
    ) -> Result<Bytes, Unfit> {
        let Some(value) = given.get(&self.argument) else { return Ok(Bytes::new()) };
        let object = || value.as_object().ok_or_else(|| Unfit(format!("{} must be an object", self.argument)));
        let (body, media) = match self.kind {
            Kind::Json => (value.to_string().into(), self.media.clone()),
            Kind::Text => (bare(value).into(), self.media.clone()),
            Kind::Form => (form(object()?).into(), self.media.clone()),
            Kind::Multipart => multipart::body(object()?, entropy)
                .ok_or_else(|| Unfit("a part of the body holds the boundary between parts; try again".to_owned()))?,
        };
        headers.insert(CONTENT_TYPE, header("the media type", &media)?);
        Ok(body)
    }
}

fn form(members: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| match value {
        Value::Object(_) => vec![(component(name), component(&value.to_string()))],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Spelling { name, style: Style::Form, explode: true }.pairs(value)
        }
    };
    joined(&members.iter().flat_map(pair).collect::<Vec<_>>(), "&")
}

/// The value of an argument; one that is null is as good as absent.
fn argument(given: &Map<String, Value>, parameter: &Parameter) -> Option<Value> {
    let value = given.get(&parameter.argument).filter(|value| !value.is_null())?;
    Some(if parameter.json { Value::String(value.to_string()) } else { value.clone() })
}

/// Puts our pairs in; what the arguments said under the same names goes, however they spelled it.
fn attach(pairs: &mut Vec<(String, String)>, ours: &[(String, Zeroizing<String>)]) {
    pairs.retain(|(name, _)| !ours.iter().any(|(own, _)| component(own) == *name));
    pairs.extend(ours.iter().map(|(name, value)| (component(name), component(value))));
}

/// The cookies of the arguments behind ours, which come first: of two of one name, most servers take that. None of
/// the arguments' has a name of ours, in whichever case.
fn beside(ours: Option<&HeaderValue>, cookies: &[(String, String)]) -> Result<HeaderValue, Unfit> {
    let ours = ours.map_or(&[][..], HeaderValue::as_bytes);
    let names: Vec<String> = ours
        .split(|byte| *byte == b';')
        .map(|pair| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii())
        .map(|name| component(&String::from_utf8_lossy(name)))
        .collect();
    let theirs = cookies.iter().filter(|(name, _)| !names.iter().any(|own| own.eq_ignore_ascii_case(name)));
    let theirs = theirs.map(|(name, value)| format!("{name}={value}").into_bytes());
    let own = (!ours.is_empty()).then(|| ours.to_vec());
    let whole = Zeroizing::new(own.into_iter().chain(theirs).collect::<Vec<_>>().join(&b"; "[..]));
    let mut cookie = HeaderValue::from_bytes(&whole).map_err(|_| Unfit("the cookies cannot be sent".to_owned()))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

fn joined(pairs: &[(String, String)], between: &str) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(between)
}

fn header(what: &str, text: &str) -> Result<HeaderValue, Unfit> {
    HeaderValue::from_str(text).map_err(|_| Unfit(format!("{what} has characters that cannot stand in a header")))
}

/// Scheme, host and port as they go on the wire.
fn origin(base: &Url) -> String {
    base.origin().ascii_serialization()
}
