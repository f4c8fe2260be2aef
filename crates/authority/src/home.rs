//! `/`: what runs here and how to connect; nothing that a stranger may not know. And the stylesheet and the script.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::policy::Server;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use crate::authority::Authority;
use crate::connect;
use crate::page::home::{HomePage, Place};
use crate::page::{FormsLead, show};
use crate::visit::Visit;

/// `GET /`.
pub(crate) async fn view(State(authority): State<Arc<Authority>>, visit: Visit) -> Response {
    let newcomer = match authority.store.any_user().await {
        Ok(any) => !any && authority.dev_approve.is_none(),
        Err(error) => return authority.refuse(&visit, &error.into()),
    };
    let servers = authority.catalogue.load().servers.iter().map(place).collect();
    show(StatusCode::OK, &HomePage { newcomer, servers }, &FormsLead::Here)
}

fn place(server: &Server) -> Place {
    let name = server.name.as_ref().map_or("bailiwick", |name| name.as_str());
    Place {
        title: server.title.clone(),
        resource: server.resource.to_string(),
        lines: connect::lines(name, server.resource.as_str()),
    }
}

/// `GET /assets/style.css`.
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../assets/style.css"))
}

/// `GET /assets/live.js`.
pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../assets/live.js"))
}

/// `GET /assets/icon.svg`.
pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}
