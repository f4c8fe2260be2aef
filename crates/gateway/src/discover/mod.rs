//! Discovery: the catalogue of tools is kept true by asking each server what it has, again and again.

mod http;
mod stdio;
mod survey;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::policy::{Catalogue, Server, ToolFacts};
use bailiwick_net::scrub::Scrubber;
use tokio::time::{Instant, sleep, timeout};

use self::survey::{Mute, survey};
pub use self::trial::Tried;
use crate::credential;
use crate::gateway::Gateway;
use crate::hosted::{Hosted, Reach};

/// How long a listing is believed.
const AGAIN: Duration = Duration::from_mins(1);
/// The same where asking means to start a process.
const AGAIN_STDIO: Duration = Duration::from_mins(10);
/// How soon a server that failed is asked again, each time later.
const BACKOFF: [u64; 5] = [1, 2, 5, 10, 30];
/// How often callers may make us ask.
const FORCED: Duration = Duration::from_secs(5);
/// The same where asking means to start a process.
const FORCED_STDIO: Duration = Duration::from_secs(30);
/// How long a caller waits for that.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps what the catalogue says of one server true until another takes its place.
pub(crate) async fn until_retired(gateway: &Gateway, server: Arc<Hosted>) {
    tokio::select! {
        () = server.retired.cancelled() => {}
        () = keep_true(gateway, &server) => {}
    }
}

/// Keeps what the catalogue says of one server true, for ever.
async fn keep_true(gateway: &Gateway, server: &Arc<Hosted>) {
    let mut failures = 0;
    loop {
        let mut surveyed = server.surveyed.lock().await;
        let succeeded = look(gateway, server).await;
        *surveyed = Some(Instant::now());
        drop(surveyed);
        failures = if succeeded { 0 } else { failures + 1 };
        let wait = match failures {
            0 if is_child(server) => AGAIN_STDIO,
            0 => AGAIN,
            failures => Duration::from_secs(*BACKOFF.get(failures - 1).unwrap_or(&30)),
        };
        let nudged = async {
            server.changed.notified().await;
            // A server may say so with every session; it is not asked each time.
            sleep(if is_child(server) { FORCED_STDIO } else { FORCED }).await;
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = nudged => {}
        }
    }
}

/// Looks at once, unless somebody did just now. True when it was looked since the call began.
pub(crate) async fn refresh(gateway: &Gateway, server: &Hosted) -> bool {
    timeout(PATIENCE, look_again(gateway, server)).await.unwrap_or(false)
}

async fn look_again(gateway: &Gateway, server: &Hosted) -> bool {
    let asked = Instant::now();
    let rarely = if is_child(server) { FORCED_STDIO } else { FORCED };
    let mut surveyed = server.surveyed.lock().await;
    match *surveyed {
        // Others asked the same and waited for the same answer.
        Some(at) if at >= asked => return true,
        Some(at) if at.elapsed() < rarely => return false,
        Some(_) | None => {}
    }
    look(gateway, server).await;
    *surveyed = Some(Instant::now());
    true
}

/// Asks a server for its tools and puts them into the catalogue.
async fn look(gateway: &Gateway, server: &Hosted) -> bool {
    let found = match server.reach.as_ref() {
        Reach::Http(uri) => match credential::own(gateway, server).await {
            Ok(own) => {
                let scrubber = credential::scrubber(server, &own);
                survey(&mut http::Talk::to(gateway, server, (uri, &own)), &scrubber).await
            }
            Err(error) => Err(Mute::Unreachable(error.to_string())),
        },
        Reach::OpenApi(api) => Ok(api.facts()),
        Reach::Stdio(children) => match stdio::Talk::to(children.program(), gateway.clock.now()) {
            // A child is cleared of its secrets line by line.
            Ok(mut talk) => survey(&mut talk, &Scrubber::default()).await,
            Err(mute) => Err(mute),
        },
        Reach::Nowhere(says) => Err(Mute::Unreachable(says.clone())),
    };
    match found {
        Ok(tools) => {
            note(gateway, server, |known| learn(server, known, tools));
            true
        }
        Err(mute) => {
            note(gateway, server, |known| {
                if known.reachable || known.tools.is_empty() {
                    tracing::warn!(server = server.label(), reason = %mute, "cannot list the tools of this server; trying again");
                }
                known.reachable = false;
            });
            false
        }
    }
}

fn is_child(server: &Hosted) -> bool {
    matches!(*server.reach, Reach::Stdio(_))
}

fn learn(server: &Hosted, known: &mut Server, tools: Vec<ToolFacts>) {
    let tools: Vec<_> = tools.into_iter().map(|facts| known.classify(facts)).collect();
    if !known.reachable || known.tools != tools {
        tracing::info!(server = server.label(), tools = tools.len(), "the tools of this server are known");
    }
    known.tools = tools;
    known.reachable = true;
}

/// Changes what the catalogue says of one server, unless another took its place meanwhile. Whoever calls holds that
/// server's `surveyed`; others may change theirs.
fn note(gateway: &Gateway, server: &Hosted, change: impl FnOnce(&mut Server)) {
    let mut known = gateway.known(server, Clone::clone);
    if let Some(known) = &mut known {
        change(known);
    }
    gateway.catalogue.rcu(|catalogue| {
        if server.retired.is_cancelled() {
            return Arc::clone(catalogue);
        }
        let swapped = |old: &Server| match &known {
            // The rest is the operator's, who may have changed it meanwhile.
            Some(known) if old.resource == known.resource => {
                Server { tools: known.tools.clone(), reachable: known.reachable, ..old.clone() }
            }
            Some(_) | None => old.clone(),
        };
        Arc::new(Catalogue { servers: catalogue.servers.iter().map(swapped).collect() })
    });
}
