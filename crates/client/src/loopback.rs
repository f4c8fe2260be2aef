//! The address a browser comes back to (RFC 8252 §7.3): a listener on 127.0.0.1 that takes one answer, shows one page
//! and is gone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::authorize::{AnswerError, Pending};
use crate::secret::Secret;

const PATH: &str = "/callback";
const PAGE: &str = include_str!("loopback/page.html");

type Answer = Result<Secret, AnswerError>;

/// A bound loopback address.
#[derive(Debug)]
pub(crate) struct Loopback {
    listener: TcpListener,
    redirect_uri: String,
}

impl Loopback {
    /// Binds the port of an earlier login when it is still free, else any.
    pub(crate) async fn bind(earlier: Option<u16>) -> std::io::Result<Self> {
        let listener = match earlier {
            Some(port) => match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
            },
            None => TcpListener::bind(("127.0.0.1", 0)).await?,
        };
        let redirect_uri = format!("http://127.0.0.1:{}{PATH}", listener.local_addr()?.port());
        Ok(Self { listener, redirect_uri })
    }

    /// The redirect URI to register and to ask for.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the one answer to `pending`; strangers get a short page and are forgotten.
    pub(crate) async fn answer(&self, pending: Arc<Pending>) -> Answer {
        let (tell, mut told) = mpsc::channel(1);
        loop {
            tokio::select! {
                answer = told.recv() => return answer.unwrap_or(Err(AnswerError::NoCode)),
                accepted = self.listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        tokio::spawn(serve(stream, Arc::clone(&pending), tell.clone()));
                    }
                }
            }
        }
    }
}

/// Serves one connection; the answer is passed on only after its page has left, because the process may end with it.
async fn serve(stream: TcpStream, pending: Arc<Pending>, tell: mpsc::Sender<Answer>) {
    let (found, mut finding) = mpsc::channel(1);
    let service = service_fn(move |request| {
        let (status, words, answer) = look(&request, &pending);
        if let Some(answer) = answer {
            // Full: this connection has brought the answer already.
            let _ = found.try_send(answer);
        }
        async move { Ok::<_, Infallible>(page(status, words)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if timeout(Duration::from_secs(15), connection).await.is_err() {
        tracing::debug!("a visitor of the callback address took too long");
    }
    if let Ok(answer) = finding.try_recv() {
        // Closed: another connection was faster.
        let _ = tell.send(answer).await;
    }
}

type Words = (&'static str, &'static str);

fn look(request: &Request<Incoming>, pending: &Pending) -> (StatusCode, Words, Option<Answer>) {
    if request.uri().path() != PATH || request.method() != Method::GET {
        return (StatusCode::NOT_FOUND, ("Nothing here", "This address only waits for a login to come back."), None);
    }
    match pending.judge(request.uri().query().unwrap_or_default()) {
        Err(AnswerError::NotOurs) => {
            let words = ("Not this login", "The answer belongs to another login. The one under way still waits.");
            (StatusCode::BAD_REQUEST, words, None)
        }
        Ok(code) => (
            StatusCode::OK,
            ("You are logged in", "You can close this window and go back to the terminal."),
            Some(Ok(code)),
        ),
        Err(error) => {
            let words = ("Not logged in", "You can close this window; the terminal says why.");
            (StatusCode::OK, words, Some(Err(error)))
        }
    }
}

fn page(status: StatusCode, (title, text): Words) -> Response<Full<Bytes>> {
    let body = PAGE.replace("{title}", title).replace("{text}", text);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 6] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (CONNECTION, "close"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
