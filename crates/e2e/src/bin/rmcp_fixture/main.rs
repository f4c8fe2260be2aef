//! The server behind the official MCP suite: an `rmcp` streamable-HTTP server
//! that offers every tool, prompt and resource the suite asks a server for.
//!
//! The suite runs against it directly and then through the gateway; whatever
//! passes directly and fails through the gateway is the gateway's fault.
//! `rmcp_fixture [ADDR]` listens on `127.0.0.1:0` unless told otherwise and
//! prints its URL on a line of its own.

mod handler;
mod live;
mod suite;

use std::{error::Error, io::Write, sync::Arc};

use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService, streamable_http_server::session::local::LocalSessionManager,
};

use crate::{handler::Fixture, suite::Suite};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:0");
    let suite = Arc::new(Suite::load()?);
    let service = StreamableHttpService::new(
        move || Ok(Fixture::new(Arc::clone(&suite))),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );

    let listener = tokio::net::TcpListener::bind(address).await?;
    let mut out = std::io::stdout();
    writeln!(out, "http://{}/mcp", listener.local_addr()?)?;
    out.flush()?;
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
