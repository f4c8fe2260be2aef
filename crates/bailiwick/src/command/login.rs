//! `bailiwick login`: a person's consent, in the browser, kept for later calls.

use std::process::ExitCode;

use bailiwick_client::{Approach, Given, Kept, LoginAsk, LoginError, Secret, ServerUrl, Wanted};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use serde_json::json;

use super::client_world::{ClientWorld, words};
use crate::wire;

/// `bailiwick login URL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Login {
    /// URL of the MCP server
    url: ServerUrl,
    /// Ask for these scopes, besides those asked for before; may be repeated [default: what the server suggests]
    #[arg(long, value_parser = scope)]
    scope: Vec<ScopeSet>,
    /// Use this client id instead of registering (its secret, if any: `BAILIWICK_CLIENT_SECRET`)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Follow redirects instead of opening a browser, where the server approves by itself
    #[arg(long)]
    headless: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Login, world: &ClientWorld) -> ExitCode {
    let asked = args.scope.iter().fold(ScopeSet::default(), |all, some| all.join(some));
    let secret = || wire::environment("BAILIWICK_CLIENT_SECRET").filter(|secret| !secret.is_empty()).map(Secret::new);
    let ask = LoginAsk {
        // Whoever types `login` wants one: without a terminal the address is still printed.
        approach: world.approach(args.headless).unwrap_or(Approach::Browser(world.open_browser)),
        wanted: if asked.is_empty() { Wanted::Suggested } else { Wanted::Besides(asked.clone()) },
        given: args.client_id.map(|id| Given { id, secret: secret() }),
        challenge: None,
    };
    match world.client().login(&args.url, ask).await {
        Ok(kept) if args.json => words::result(&as_json(&kept)),
        Ok(kept) => words::result(&in_words(&args.url, &kept, &asked)),
        Err(error @ LoginError::NotNeeded) => {
            words::note(&format!("bailiwick: {error}; try: {}", words::command("tools", &args.url)));
        }
        Err(error) => return words::login_failed(&error),
    }
    ExitCode::SUCCESS
}

fn in_words(server: &ServerUrl, kept: &Kept, asked: &ScopeSet) -> String {
    let name = kept.name.as_ref().map(|name| format!("{name} at ")).unwrap_or_default();
    let mut lines = vec![format!("Logged in to {name}{server}"), format!("  granted by  {}", kept.issuer)];
    if let Some(tokens) = kept.tokens() {
        let ends = tokens.expires_at.map(words::moment);
        let until = match (ends, tokens.renewable()) {
            (_, true) => "you log out or stop it; the token renews itself".to_owned(),
            (Some(ends), false) => ends,
            (None, false) => "the server ends it".to_owned(),
        };
        let scope =
            if tokens.scope.is_empty() { "whatever the server decides".into() } else { tokens.scope.to_string() };
        lines.extend([format!("  may         {scope}"), format!("  until       {until}")]);
        let missing = asked.minus(&tokens.scope);
        if !missing.is_empty() {
            lines.push(format!("  not granted {missing}"));
        }
    }
    lines.push(format!("Next: {}", words::command("tools", server)));
    lines.join("\n")
}

fn as_json(kept: &Kept) -> String {
    let tokens = kept.tokens();
    json!({
        "server": kept.server,
        "resource": kept.resource,
        "issuer": kept.issuer,
        "scope": tokens.map(|tokens| tokens.scope.to_string()),
        "expires_at": tokens.and_then(|tokens| tokens.expires_at).map(Timestamp::seconds),
        "renewable": tokens.is_some_and(bailiwick_client::Tokens::renewable),
    })
    .to_string()
}

fn scope(raw: &str) -> Result<ScopeSet, &'static str> {
    ScopeSet::parse(raw).filter(|set| !set.is_empty()).ok_or("not a scope, such as mcp:read")
}
