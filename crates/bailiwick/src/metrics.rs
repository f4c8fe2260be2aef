//! Figures for operators, in the text format of Prometheus. Labels are bounded: routes, status classes, servers and
//! outcomes, never a client, a user or a tool.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use crate::house::Reins;

/// Counts an answer.
pub(crate) fn answered(route: &str, status: StatusCode) {
    let class = match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    counter!("bailiwick_http_requests_total", "route" => route.to_owned(), "class" => class).increment(1);
}

/// Counts a reload of the configuration.
pub(crate) fn reloaded(outcome: &'static str) {
    counter!("bailiwick_config_reloads_total", "outcome" => outcome).increment(1);
}

/// Opens the listener and begins to count; `None` where metrics are off or cannot be had, which is no reason not to
/// serve.
pub(crate) async fn open(address: &str) -> Result<Option<(TcpListener, PrometheusHandle)>, String> {
    if address == "off" {
        return Ok(None);
    }
    let parsed: SocketAddr = address
        .parse()
        .map_err(|_| format!("--metrics {address:?} is not an address, such as 127.0.0.1:8788; or give off"))?;
    let listener = match TcpListener::bind(parsed).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%address, %error, "no metrics: choose another address with --metrics, or off");
            return Ok(None);
        }
    };
    match PrometheusBuilder::new().install_recorder() {
        Ok(handle) => Ok(Some((listener, handle))),
        Err(error) => {
            tracing::warn!(%error, "no metrics");
            Ok(None)
        }
    }
}

/// `GET /metrics`.
pub(crate) fn routes(handle: PrometheusHandle, reins: Reins) -> Router {
    let render = move || {
        look(&reins);
        let text = handle.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response() }
    };
    Router::new().route("/metrics", get(render))
}

/// What is not counted but looked at when somebody asks.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
fn look(reins: &Reins) {
    let (busy, pulse) = (reins.gateway.busy(), reins.store.pulse());
    gauge!("bailiwick_open_streams").set(busy.streams as f64);
    gauge!("bailiwick_children").set(busy.children as f64);
    gauge!("bailiwick_feed_age_seconds").set(pulse.feed_age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
    for (lane, waiting) in pulse.waiting.iter().enumerate() {
        gauge!("bailiwick_lane_queue_depth", "lane" => lane.to_string()).set(*waiting as f64);
    }
    counter!("bailiwick_audit_dropped_total").absolute(pulse.audit_dropped);
}
