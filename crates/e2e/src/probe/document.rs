//! Attacks through the document that a client means to be.

use bailiwick_domain::control::Control;
use serde_json::{Value, json};

use super::{Verdict, beaten};
use crate::documents::{Canary, DocumentHost};
use crate::visitor::Seen;
use crate::{App, Setup, Visitor, World};

/// What `/authorize` makes of the client `id` under this configuration.
async fn asked(config: String, off: &[Control], id: &str) -> Seen {
    let world = Setup::config(config).approving("alice").without(off).start();
    authorize(&world, id).await
}

/// What `/authorize` makes of the client `id`.
async fn authorize(world: &World, id: &str) -> Seen {
    let mut app = App::register(&world.base).await;
    id.clone_into(&mut app.client_id);
    Visitor::new(&world.base).open(&app.authorize_url("mcp:read")).await
}

async fn refused(host: &DocumentHost, off: &[Control]) -> Verdict {
    let seen = asked(host.config(), off, &host.url()).await;
    beaten(seen.location.is_none(), format!("answered {} {:?}", seen.status, seen.location))
}

/// A stranger sends the house to a port of its own machine, in every spelling.
pub async fn document_from_a_private_address(off: &[Control]) -> Verdict {
    let canary = Canary::start().await;
    let port = canary.address.port();
    let world = Setup::config(format!("[cimd]\nports = [{port}]\n")).approving("alice").without(off).start();
    for origin in canary.spellings() {
        authorize(&world, &format!("{origin}/client.json")).await;
        beaten(canary.touched() == 0, format!("the house knocked at its own machine as {origin}"))?;
    }
    Ok(())
}

/// The page that says that something was not found happens to look like a document.
pub async fn document_that_is_an_error(off: &[Control]) -> Verdict {
    let host = DocumentHost::start().await;
    host.status(404, &host.good());
    refused(&host, off).await
}

/// A document that goes on and on.
pub async fn huge_document(off: &[Control]) -> Verdict {
    let host = DocumentHost::start().await;
    let mut document = host.good();
    document["logo_uri"] = Value::from("x".repeat(6 * 1024));
    host.document(&document);
    refused(&host, off).await
}

/// Somebody's document, served under another URL.
pub async fn document_of_another(off: &[Control]) -> Verdict {
    let host = DocumentHost::start().await;
    let mut document = host.good();
    document["client_id"] = json!("https://claude.ai/oauth/claude-code-client-metadata");
    host.document(&document);
    refused(&host, off).await
}

/// A document that would have codes sent to somebody else's host.
pub async fn document_with_a_foreign_redirect(off: &[Control]) -> Verdict {
    let host = DocumentHost::start().await;
    let mut document = host.good();
    document["redirect_uris"] = json!(["http://127.0.0.1/callback", "https://evil.example/callback"]);
    host.document(&document);
    refused(&host, off).await
}

/// A good document of a domain that the operator did not list.
pub async fn document_of_an_unlisted_domain(off: &[Control]) -> Verdict {
    let host = DocumentHost::start().await;
    let config = format!("{}policy = \"listed\"\ndomains = [\"example.com\"]\n", host.config());
    let seen = asked(config, off, &host.url()).await;
    beaten(seen.location.is_none() && host.asked() == 0, format!("answered {} {:?}", seen.status, seen.location))
}
