//! `bailiwick launch`: builds the walls around a hosted server and becomes it.
//!
//! Namespaces want two steps. The first process enters them, starts this program again and stays outside to attend to it;
//! the second is the first process of its own world, builds the rest and turns into the server. Both end with the gateway.

#[cfg(target_os = "linux")]
mod attend;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod loopback;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod rights;
#[cfg(target_os = "linux")]
mod secrets;
mod spec;
#[cfg(target_os = "linux")]
mod view;

use std::process::ExitCode;

pub(crate) use spec::{Spec, Walls};

/// `bailiwick launch`.
#[derive(clap::Args, Debug)]
pub(crate) struct Launch {
    /// Already inside the namespaces
    #[arg(long)]
    inside: bool,
    /// What the server gets, as JSON
    spec: String,
}

/// Whose a child is, in the environment of the launcher, where each person has a child of their own.
pub(crate) const OWNER: &str = bailiwick_gateway::OWNER_VARIABLE;

/// A wall that could not be built.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
struct Trouble {
    what: String,
    error: String,
}

/// Says at what it failed.
#[cfg(target_os = "linux")]
fn failed<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Trouble {
    let what = what.into();
    move |error| Trouble { what, error: error.to_string() }
}

/// Becomes the server, or says why not.
pub(crate) fn run(launch: &Launch) -> ExitCode {
    match launched(launch) {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("bailiwick: cannot start the server: {trouble}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn launched(launch: &Launch) -> Result<ExitCode, Trouble> {
    let mut spec: Spec = serde_json::from_str(&launch.spec).map_err(failed("its specification"))?;
    switch_off(&spec.off);
    if let Some(owner) = crate::wire::environment(OWNER) {
        spec.home = owners(&spec.home, &owner)?;
    }
    if launch.inside {
        return Err(inside::become_the_server(&spec));
    }
    crate::keep::private_directory(&spec.home).map_err(failed(spec.home.display().to_string()))?;
    crate::keep::private_directory(&spec.root).map_err(failed(spec.root.display().to_string()))?;
    if !spec.walls.namespaces {
        return Err(inside::become_the_server(&spec));
    }
    let gateway = attend::gateway();
    namespaces::enter(&spec)?;
    attend::attend(&launch.spec, gateway)
}

#[cfg(not(target_os = "linux"))]
fn launched(_launch: &Launch) -> Result<ExitCode, Trouble> {
    Err(Trouble { what: "walls".to_owned(), error: "only Linux has what they are made of".to_owned() })
}

/// The home of one person's child. Ids of people are plain words; anything else is no path of ours.
#[cfg(target_os = "linux")]
fn owners(home: &std::path::Path, owner: &str) -> Result<std::path::PathBuf, Trouble> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if owner.is_empty() || owner.len() > 128 || !owner.chars().all(plain) {
        return Err(Trouble { what: "its owner".to_owned(), error: "is no plain word".to_owned() });
    }
    Ok(home.with_file_name(format!("home-{owner}")))
}

/// The mutation run's switches hold on this side as well.
#[cfg(target_os = "linux")]
fn switch_off(names: &[String]) {
    #[cfg(feature = "mutants")]
    for control in names.iter().filter_map(|name| bailiwick_domain::control::Control::named(name)) {
        bailiwick_domain::control::switch_off(control);
    }
    let _ = names;
}
