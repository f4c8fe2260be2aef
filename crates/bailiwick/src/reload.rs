//! Live reload: a changed configuration file takes effect in the running process; a bad one is refused whole, and the
//! one before stays in force. Files with public keys that it names are followed as well.

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
use crate::front::Gate;
use crate::house::Reins;
use crate::metrics;
use crate::plan::{HouseError, Plan};
use crate::wire::SystemClock;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Keeps the running process true to its file, until it is dropped. SIGHUP reads the file, and the secrets it names,
/// also when it looks the same.
pub(crate) async fn follow(args: args::Serve, reins: Reins, gate: Gate, in_force: Arc<ArcSwap<InForce>>) {
    let running = Running { reins, gate, in_force };
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::warn!(%error, "the configuration is not reloaded");
            return;
        }
    };
    let mut seen = args.config.as_deref().and_then(|file| looks(file, &running.in_force.load()));
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
        let now = looks(file, &running.in_force.load());
        // A file that is gone for a moment is being replaced.
        if asked || (now.is_some() && now != seen) {
            seen = now;
            again(&args, file, &running).await;
        }
    }
}

/// What changes when a file does: it, or what its name leads to.
type Look = (SystemTime, u64, u64);

/// The configuration file, and the files with keys that it names: keys are rotated without anybody telling us.
fn looks(file: &Path, in_force: &InForce) -> Option<(Look, Vec<Option<Look>>)> {
    let keys = in_force.key_files().iter().map(|file| look(file)).collect();
    Some((look(file)?, keys))
}

fn look(file: &Path) -> Option<Look> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

/// What can change.
struct Running {
    reins: Reins,
    gate: Gate,
    in_force: Arc<ArcSwap<InForce>>,
}

async fn again(args: &args::Serve, file: &Path, running: &Running) {
    match apply(args, file, running).await {
        Ok(Some(says)) => {
            tracing::info!(file = %file.display(), "configuration reloaded: {says}");
            let event = AuditEvent::new(AuditKind::ConfigChanged, SystemClock.now()).says(says);
            running.reins.store.record_later(event);
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
async fn apply(args: &args::Serve, file: &Path, running: &Running) -> Result<Option<String>, HouseError> {
    let Running { reins, gate, in_force } = running;
    let new = InForce::read(Some(file));
    let plan = Plan::make(args).await?;
    let placed = |error: HouseError| error.placed(Some(file));
    reins.check(&plan).map_err(placed)?;
    let new = new?;
    let former = in_force.load_full();
    let fixed = former.needs_restart(&new);
    let tls = former.differs(&new, "tls") && !fixed.iter().any(|name| name == "tls");
    let front = gate.another(plan.front.clone(), tls).map_err(|error| placed(error.into()))?;
    if !fixed.is_empty() {
        tracing::warn!(
            settings = fixed.join(", "),
            "these settings changed in the file but cannot change live; restart to apply them"
        );
    }
    let new = new.keeping(&former, &fixed);
    let others =
        ["cimd", "staleness", "tls", "trusted_proxies", "vault"].into_iter().filter(|name| former.differs(&new, name));
    let others: Vec<String> = others.map(str::to_owned).collect();
    let epoch = reins.directory.load().epoch.clone();
    let taken = reins.take(plan).await?;
    in_force.store(Arc::new(new));
    gate.front.store(Arc::new(front));
    let clients: Vec<String> = taken.clients.iter().map(ClientId::to_string).collect();
    let mut says = Vec::new();
    for (what, names) in [
        ("servers added", &taken.servers.added),
        ("servers removed", &taken.servers.removed),
        ("servers changed", &taken.servers.changed),
        ("clients changed", &clients),
        ("logins changed", &taken.logins),
        ("issuers changed", &taken.issuers),
    ] {
        if !names.is_empty() {
            says.push(format!("{what}: {}", names.join(", ")));
        }
    }
    let now = reins.directory.load().epoch.clone();
    if now != epoch {
        says.push(format!("policy {epoch} is now {now}"));
    }
    says.extend(others);
    Ok((!says.is_empty()).then(|| says.join("; ")))
}
