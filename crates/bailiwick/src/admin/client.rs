//! The asking side of the administration socket.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::{socket, token_file};

const MOST: usize = 64 * 1024 * 1024;

/// A running process, reached through its data directory.
pub(crate) struct AdminClient {
    data: std::path::PathBuf,
    token: Zeroizing<String>,
}

/// Why a running process cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// No process serves this data directory.
    #[error("nothing runs on this data directory")]
    NotRunning,
    /// The socket answered something unexpected.
    #[error("the running process refused: {0}")]
    Refused(StatusCode),
    /// The conversation broke.
    #[error("the running process did not answer: {0}")]
    Broken(String),
}

impl AdminClient {
    /// Finds the process that serves `data`.
    pub(crate) async fn find(data: &Path) -> Result<Self, AdminError> {
        let token = std::fs::read_to_string(token_file(data)).map_err(|_| AdminError::NotRunning)?;
        UnixStream::connect(socket(data)).await.map_err(|_| AdminError::NotRunning)?;
        Ok(Self { data: data.to_owned(), token: Zeroizing::new(token) })
    }

    /// Asks for `path` and reads the JSON answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Sends `body` to `path` and reads the JSON answer.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, AdminError> {
        let body = serde_json::to_vec(body).map_err(|error| broken(&error))?;
        self.ask(Method::POST, path, Bytes::from(body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, AdminError> {
        let stream = UnixStream::connect(socket(&self.data)).await.map_err(|_| AdminError::NotRunning)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, "admin")
            .header(http::header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        if response.status() != StatusCode::OK {
            return Err(AdminError::Refused(response.status()));
        }
        let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|error| broken(&*error))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| broken(&error))
    }
}

fn broken(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Broken(error.to_string())
}
