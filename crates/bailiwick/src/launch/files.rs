//! Rules over files, signals and abstract sockets (Landlock): what no rule names is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bailiwick_domain::control::{Control, holds};
use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Spec, Trouble, failed, secrets, view};

/// The newest rules that are asked for; an older kernel gives those it has.
const NEWEST: ABI = ABI::V6;
/// Devices that are no more than their names.
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// Where the system keeps its settings, and some of its secrets.
const SETTINGS: &str = "/etc";

/// Restricts this process and all it becomes or starts.
pub(super) fn restrict(spec: &Spec, own_tmp: bool) -> Result<(), Trouble> {
    let status = rules(spec, own_tmp).map_err(failed("Landlock"))?;
    if status == RulesetStatus::NotEnforced {
        return Err(failed("Landlock")("this kernel has none"));
    }
    Ok(())
}

fn rules(spec: &Spec, own_tmp: bool) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    ruleset = ruleset.scope(Scope::AbstractUnixSocket)?;
    if holds(Control::ChildProcesses) {
        ruleset = ruleset.scope(Scope::Signal)?;
    }
    let system = view::SYSTEM.iter().filter(|path| **path != SETTINGS).map(PathBuf::from);
    let given = system.chain(open_to_all(Path::new(SETTINGS))).chain(spec.read.iter().cloned());
    let given = given.chain((!spec.files.is_empty()).then(|| secrets::PLACE.into()));
    let mut own = spec.write.clone();
    own.push(spec.home.clone());
    if own_tmp {
        own.extend(["/tmp", "/dev/shm"].map(PathBuf::from));
    }
    ruleset
        .create()?
        .add_rules(path_beneath_rules(given, read))?
        .add_rules(path_beneath_rules(["/proc"], AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(own, all))?
        .restrict_self()
        .map(|status| status.ruleset)
}

/// What everyone may read under `path`, in as few names as say it: a key of the machine or a password of a service lies
/// beside the settings, and a server that runs as their owner could read it.
fn open_to_all(path: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    if gather(path, &mut open) {
        open = vec![path.to_owned()];
    }
    open
}

/// Adds what everyone may read under `path`; true, and nothing added, when that is all of it.
fn gather(path: &Path, open: &mut Vec<PathBuf>) -> bool {
    let Ok(facts) = path.symlink_metadata() else { return false };
    let mode = facts.permissions().mode();
    if facts.is_symlink() {
        // Whoever follows it needs a rule for where it leads.
        return true;
    }
    if !facts.is_dir() {
        return mode & 0o004 != 0;
    }
    if mode & 0o005 != 0o005 {
        return false;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let before = open.len();
    let (mut whole, mut closed) = (Vec::new(), false);
    for entry in entries.flatten() {
        let child = entry.path();
        if gather(&child, open) { whole.push(child) } else { closed = true }
    }
    if closed || open.len() > before {
        open.extend(whole);
        return false;
    }
    true
}
