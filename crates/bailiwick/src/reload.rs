//! Live reload: a changed configuration file takes effect in the running process; a bad one is refused whole, and the
//! one before stays in force.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::time::Clock as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::args;
use crate::config::InForce;
use crate::house::{HouseError, Plan, Reins};
use crate::metrics;
use crate::wire::SystemClock;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps the running process true to its file, until it is dropped. SIGHUP reads the file, and the secrets it names,
/// also when it looks the same.
pub(crate) async fn follow(args: args::Serve, reins: Reins, in_force: Arc<ArcSwap<InForce>>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::warn!(%error, "the configuration is not reloaded");
            return;
        }
    };
    let mut seen = args.config.as_deref().and_then(look);
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let Some(file) = args.config.as_deref() else {
            if asked {
                tracing::info!("there is no configuration file to read again; `serve --config FILE` names one");
            }
            continue;
        };
        let now = look(file);
        // A file that is gone for a moment is being replaced.
        if asked || (now.is_some() && now != seen) {
            seen = now;
            again(&args, file, &reins, &in_force).await;
        }
    }
}

/// What changes when the file does: it, or what its name leads to.
fn look(file: &Path) -> Option<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

async fn again(args: &args::Serve, file: &Path, reins: &Reins, in_force: &ArcSwap<InForce>) {
    match apply(args, file, reins, in_force).await {
        Ok(Some(says)) => {
            tracing::info!(file = %file.display(), "configuration reloaded: {says}");
            let event = AuditEvent::new(AuditKind::ConfigChanged, SystemClock.now()).says(says);
            reins.store.record_later(event);
            metrics::reloaded("applied");
        }
        Ok(None) => tracing::info!(file = %file.display(), "configuration read again: nothing changed"),
        Err(error) => {
            tracing::error!(%error, "the changed configuration is refused; the one before stays in force");
            metrics::reloaded("refused");
        }
    }
}

/// Checks everything, then changes everything; says what.
async fn apply(
    args: &args::Serve,
    file: &Path,
    reins: &Reins,
    in_force: &ArcSwap<InForce>,
) -> Result<Option<String>, HouseError> {
    let new = InForce::read(Some(file));
    let plan = Plan::make(args).await?;
    reins.check(&plan)?;
    let new = new?;
    let fixed = in_force.load().needs_restart(&new);
    if !fixed.is_empty() {
        tracing::warn!(
            settings = fixed.join(", "),
            "these settings changed in the file but cannot change live; restart to apply them"
        );
    }
    let staleness = in_force.load().staleness_differs(&new);
    let epoch = reins.directory.load().epoch.clone();
    let (servers, clients) = reins.take(plan).await?;
    in_force.store(Arc::new(new));
    let clients: Vec<String> = clients.iter().map(ClientId::to_string).collect();
    let mut says = Vec::new();
    for (what, names) in [
        ("servers added", &servers.added),
        ("servers removed", &servers.removed),
        ("servers changed", &servers.changed),
        ("clients changed", &clients),
    ] {
        if !names.is_empty() {
            says.push(format!("{what}: {}", names.join(", ")));
        }
    }
    let now = reins.directory.load().epoch.clone();
    if now != epoch {
        says.push(format!("policy {epoch} is now {now}"));
    }
    if staleness {
        says.push("staleness".to_owned());
    }
    Ok((!says.is_empty()).then(|| says.join("; ")))
}
