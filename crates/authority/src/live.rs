//! Pages that follow what happens: the piece of a page that shows grants is sent again over a stream of events (HTML
//! §9.2) whenever something below them changed. A viewer costs one cheap reading a second, and a session that ended ends
//! its streams.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template as _;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::opaque::{Digest, SessionCookie};
use bailiwick_domain::time::Timestamp;
use bailiwick_store::Stir;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::account::Looking;
use crate::authority::Authority;

/// How often a viewer's grants are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many looks there are between two at the session, and between two signs of life.
const SESSION_EVERY: u32 = 5;
/// How many looks a stream lasts; a browser asks for the next by itself.
const LOOKS: u32 = 600;
/// The most streams of one session, and of all.
const MOST_OF_ONE: u32 = 6;
const MOST_OF_ALL: u32 = 512;
/// Tells a proxy not to keep the stream back.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who has streams open.
#[derive(Default)]
pub(crate) struct Viewers(Mutex<HashMap<String, u32>>);

/// A place among the viewers; given back when it is dropped.
struct Seat {
    authority: Arc<Authority>,
    session: String,
}

impl Seat {
    fn take(authority: &Arc<Authority>, session: &Digest<SessionCookie>) -> Option<Self> {
        let mut open = authority.viewers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<u32>() >= MOST_OF_ALL {
            return None;
        }
        let own = open.entry(session.as_str().to_owned()).or_default();
        if *own >= MOST_OF_ONE {
            return None;
        }
        *own += 1;
        Some(Self { authority: Arc::clone(authority), session: session.as_str().to_owned() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.authority.viewers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.session) {
            *own = own.saturating_sub(1);
        }
        open.retain(|_, own| *own > 0);
    }
}

/// True when a page of ours asks, as far as the browser says.
pub(crate) fn from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
    matches!(site, None | Some("same-origin"))
}

/// The stream for this session.
pub(crate) fn stream(
    authority: &Arc<Authority>,
    session: Digest<SessionCookie>,
    looking: Looking,
    form_token: String,
) -> Response {
    let Some(seat) = Seat::take(authority, &session) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let viewer = Viewer { seat, session, looking, form_token, seen: None, next_end: None, looks: 0 };
    let events = futures_util::stream::unfold(viewer, |viewer| async { viewer.next().await });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}

/// One open stream.
struct Viewer {
    seat: Seat,
    session: Digest<SessionCookie>,
    looking: Looking,
    form_token: String,
    /// How everything stood when it was last shown.
    seen: Option<Vec<Stir>>,
    /// When the first token shown is over.
    next_end: Option<Timestamp>,
    looks: u32,
}

type Sent = Result<String, Infallible>;

impl Viewer {
    /// What is sent next; `None` ends the stream.
    async fn next(mut self) -> Option<(Sent, Self)> {
        loop {
            if self.looks >= LOOKS {
                return None;
            }
            if self.looks > 0 {
                tokio::time::sleep(EVERY).await;
            }
            self.looks += 1;
            let now = self.seat.authority.clock.now();
            let due = self.looks.is_multiple_of(SESSION_EVERY);
            if due && !self.is_signed_in(now).await {
                self.looks = LOOKS;
                return Some((Ok("event: over\ndata:\n\n".to_owned()), self));
            }
            if let Some(html) = self.news(now).await {
                return Some((Ok(event(&html)), self));
            }
            if due {
                return Some((Ok(":\n\n".to_owned()), self));
            }
        }
    }

    async fn is_signed_in(&self, now: Timestamp) -> bool {
        // A store that does not answer is no reason to send anybody away.
        !matches!(self.seat.authority.store.session(&self.session, now).await, Ok(None))
    }

    /// The piece, where anything is other than it was.
    async fn news(&mut self, now: Timestamp) -> Option<String> {
        let authority = &self.seat.authority;
        let stirs = authority.store.stir(&self.looking.looked(), now).await.ok()?;
        let ended = self.next_end.is_some_and(|end| end <= now);
        if self.seen.as_ref() == Some(&stirs) && !ended {
            return None;
        }
        let (piece, next_end) = authority.grants_piece(&self.looking, &self.form_token, now).await.ok()?;
        let html = piece.render().ok()?;
        (self.seen, self.next_end) = (Some(stirs), next_end);
        Some(html)
    }
}

fn event(html: &str) -> String {
    let data = html.lines().collect::<Vec<_>>().join("\ndata: ");
    format!("event: grants\ndata: {data}\n\n")
}
