//! The gateway speaks MCP for an API: it answers the handshake and the listing itself, and a call with what the API
//! answers.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use bailiwick_broker::Obtained;
use bailiwick_domain::ids::{Id as Drawn, Session};
use bailiwick_domain::mcp::{Envelope, Id, Message, Method, Revision, reply};
use bailiwick_net::HttpError;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::request::{Shown, Unfit};
use super::{Api, answer};
use crate::call::{Aim, Call, SESSION, Said};
use crate::credential;
use crate::gateway::Gateway;
use crate::listing::Lens;
use crate::permit::Permit;
use crate::refuse::{Refusal, Trail};
use crate::upstream::Trouble;

/// The longest answer, in bytes.
const MOST_ANSWER: usize = 4 * 1024 * 1024;
/// How long a page of a listing grows, in bytes.
const MOST_PAGE: usize = 1024 * 1024;
/// How long a listing may be believed, in milliseconds.
const FRESH: u64 = 60_000;
/// Names a server since 2026-07-28.
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// Answers a permitted call.
pub(crate) async fn forward(
    gateway: &Arc<Gateway>,
    api: &Arc<Api>,
    permit: Permit,
    trail: &Trail,
) -> Result<Response, Refusal> {
    let call = permit.call();
    let said = match &call.aim {
        Aim::Leave => return Ok(empty(StatusCode::NO_CONTENT)),
        // It never says anything unasked.
        Aim::Listen => return Err(Refusal::Method),
        Aim::Say(said) => said,
    };
    let Some(id) = &said.id else { return Ok(empty(StatusCode::ACCEPTED)) };
    let envelope = Envelope::parse(&said.body)?;
    let params = match envelope.message() {
        Message::Request { params, .. } | Message::Notification { params, .. } => *params,
        Message::Response { .. } => None,
    };
    let modern = call.revision.is_some_and(Revision::is_modern);
    let exchange = Exchange { gateway, api, permit: &permit, call, said, id, modern, trail };
    exchange.answer(params, envelope.params().arguments).await
}

/// Why there is no answer.
enum Unanswered {
    /// The arguments make no request.
    Unfit(Unfit),
    /// The API did not answer.
    Http(HttpError),
}

/// A request in the making.
struct Exchange<'a> {
    gateway: &'a Arc<Gateway>,
    api: &'a Arc<Api>,
    permit: &'a Permit,
    call: &'a Call,
    said: &'a Said,
    id: &'a Id,
    modern: bool,
    trail: &'a Trail,
}

impl Exchange<'_> {
    async fn answer(&self, params: Option<&RawValue>, arguments: Option<&RawValue>) -> Result<Response, Refusal> {
        match (self.said.known, self.modern) {
            (Method::Initialize, false) => self.welcome(params),
            (Method::Ping, false) => Ok(self.give(json!({}))),
            (Method::Discover, true) => Ok(self.give(self.described())),
            (Method::ToolsList, _) => self.listing(params).await,
            (Method::ToolsCall, _) => self.run(arguments).await,
            (
                Method::Initialize
                | Method::Ping
                | Method::Discover
                | Method::Initialized
                | Method::Cancelled
                | Method::PromptsList
                | Method::PromptsGet
                | Method::ResourcesList
                | Method::ResourceTemplatesList
                | Method::ResourcesRead
                | Method::ResourcesSubscribe
                | Method::ResourcesUnsubscribe
                | Method::Complete
                | Method::SetLevel
                | Method::Listen
                | Method::TasksGet
                | Method::TasksUpdate
                | Method::TasksCancel
                | Method::Other,
                _,
            ) => Ok(self.no_such_method()),
        }
    }

    /// The handshake, before 2026-07-28: it opens a session, though nothing is kept for it.
    fn welcome(&self, params: Option<&RawValue>) -> Result<Response, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Hello {
            protocol_version: String,
        }
        let hello = params.and_then(|params| serde_json::from_str::<Hello>(params.get()).ok());
        let hello = hello.ok_or(Refusal::Params("initialize names a protocolVersion"))?;
        let revision = Revision::parse(&hello.protocol_version).filter(|revision| !revision.is_modern());
        let mut result = json!({
            "protocolVersion": revision.unwrap_or(Revision::NEWEST_LEGACY).as_str(),
            "capabilities": { "tools": {} },
            "serverInfo": self.named(),
        });
        add(&mut result, self.api.description.clone().map(|text| ("instructions", text.into())));
        let drawn: Drawn<Session> = Drawn::draw(self.gateway.entropy.as_ref());
        let inner = (drawn.as_str(), self.said.opens_urls);
        let session = self.gateway.sessions.seal(&self.call.server.resource, &self.call.owner(), inner);
        let session = session.and_then(|id| HeaderValue::try_from(id).ok());
        let session = session.ok_or_else(|| Trouble::Nonsense("its session has no id".to_owned()))?;
        let mut response = self.give(result);
        response.headers_mut().insert(SESSION, session);
        Ok(response)
    }

    /// What stands in place of the handshake since 2026-07-28.
    fn described(&self) -> Value {
        let mut result = json!({
            "supportedVersions": Revision::SUPPORTED.map(Revision::as_str),
            "capabilities": { "tools": {} },
            "ttlMs": FRESH,
            "cacheScope": "private",
            "_meta": { META_SERVER: self.named() },
        });
        add(&mut result, self.api.description.clone().map(|text| ("instructions", text.into())));
        result
    }

    fn named(&self) -> Value {
        json!({ "name": self.call.server.label(), "title": self.api.title, "version": self.api.version })
    }

    /// A page of the tools, of which the caller sees its part.
    async fn listing(&self, params: Option<&RawValue>) -> Result<Response, Refusal> {
        #[derive(Default, Deserialize)]
        struct From {
            cursor: Option<String>,
        }
        let from = params.map(|params| serde_json::from_str::<From>(params.get())).transpose();
        let from = from.map_err(|_| Refusal::Params("the cursor is none of ours"))?.unwrap_or_default();
        let from = from.cursor.map_or(Ok(0), |cursor| cursor.parse::<usize>());
        let from = from.map_err(|_| Refusal::Params("the cursor is none of ours"))?;
        let (mut tools, mut size, mut next) = (Vec::new(), 0, None);
        for (number, operation) in self.api.operations.iter().enumerate().skip(from) {
            if size > MOST_PAGE {
                next = Some(number.to_string());
                break;
            }
            size += operation.listed.len();
            tools.extend(RawValue::from_string(operation.listed.clone()));
        }
        let mut result = json!({ "tools": tools });
        add(&mut result, next.map(|next| ("nextCursor", next.into())));
        if self.modern {
            add(&mut result, [("ttlMs", FRESH.into()), ("cacheScope", "private".into())]);
        }
        let answer = String::from_utf8(self.body(result)).unwrap_or_default();
        let lens = Lens {
            gateway: Arc::clone(self.gateway),
            server: Arc::clone(&self.call.server),
            caller: self.call.caller.clone(),
            holder: self.call.holder.clone(),
        };
        let seen = lens.show(answer).await;
        Ok(json_response(seen.ok_or_else(|| Trouble::Nonsense("its listing cannot be read".to_owned()))?.into()))
    }

    /// Calls the API. What the arguments cannot say, and what the API refuses, is a result that a model can read.
    async fn run(&self, arguments: Option<&RawValue>) -> Result<Response, Refusal> {
        let operation = self.said.tool().and_then(|tool| self.api.operation(tool));
        let operation = operation.ok_or(Refusal::Params("there is no such tool"))?;
        let given = arguments.map(|raw| serde_json::from_str::<Map<String, Value>>(raw.get())).transpose();
        let Ok(given) = given.map(Option::unwrap_or_default) else {
            return Ok(self.give(answer::error("the arguments must be an object")));
        };
        let obtained = self.permit.credential(self.gateway).await?;
        let mut scrubber = credential::scrubber(&self.call.server, &obtained);
        let mut answered = self.ask(operation, &given, &obtained).await;
        // Whoever is not let in has not been heard: the call may be made once more, with another credential.
        if matches!(&answered, Ok((parts, _)) if parts.status == StatusCode::UNAUTHORIZED)
            && let Some(another) = self.permit.another(self.gateway, &obtained).await?
        {
            // The one that was refused may come back as well.
            scrubber = scrubber.and(&credential::scrubber(&self.call.server, &another));
            answered = self.ask(operation, &given, &another).await;
        }
        let result = match answered {
            // What is cut short later must not end within a secret.
            Ok((parts, body)) => answer::result(operation, &parts, &scrubber.whole(&body)),
            Err(Unanswered::Unfit(unfit)) => answer::error(&unfit.to_string()),
            Err(Unanswered::Http(HttpError::TooBig { most, .. })) => {
                answer::error(&format!("the answer is longer than {} MiB; ask for less", most >> 20))
            }
            Err(Unanswered::Http(error)) => return Err(Trouble::from(error).scrubbed(&scrubber).into()),
        };
        Ok(json_response(scrubber.whole(&self.body(result)).into_owned()))
    }

    /// Asks the API, and is let in by that credential.
    async fn ask(
        &self,
        operation: &Operation,
        given: &Map<String, Value>,
        obtained: &Obtained,
    ) -> Result<(Parts, Bytes), Unanswered> {
        let shown = Shown { headers: credential::headers(&self.call.server, obtained), query: obtained.query.clone() };
        let request = operation.request(given, &shown, self.gateway.entropy.as_ref()).map_err(Unanswered::Unfit)?;
        let http = obtained.http.as_ref().unwrap_or(&self.gateway.http);
        http.fetch(request, MOST_ANSWER).await.map_err(Unanswered::Http)
    }

    fn give(&self, result: Value) -> Response {
        json_response(self.body(result))
    }

    fn body(&self, mut result: Value) -> Vec<u8> {
        if self.modern {
            add(&mut result, [("resultType", "complete".into())]);
        }
        reply::result_body(self.id, result)
    }

    fn no_such_method(&self) -> Response {
        tracing::debug!(correlation = %self.trail.correlation, method = self.said.method, "no such method");
        let mut response = json_response(reply::error_body(Some(self.id), -32601, "there is no such method here"));
        if self.modern {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }
}

fn add<'a>(result: &mut Value, members: impl IntoIterator<Item = (&'a str, Value)>) {
    if let Some(result) = result.as_object_mut() {
        result.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
}

fn json_response(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
