//! The second step: what is left of the walls, and then the server itself.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use bailiwick_domain::control::{Control, holds};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::set_no_new_privs;

use super::{OWNER, Spec, Trouble, failed, files, limits, loopback, rights, secrets, view};

/// Turns this process into the server; returns only when that is impossible.
pub(super) fn become_the_server(spec: &Spec) -> Trouble {
    match confine(spec) {
        Ok(mut command) => failed(command.get_program().to_string_lossy().into_owned())(command.exec()),
        Err(trouble) => trouble,
    }
}

fn confine(spec: &Spec) -> Result<Command, Trouble> {
    let own_tmp = spec.walls.namespaces && holds(Control::ChildView);
    if spec.walls.namespaces {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("its end with the gateway"))?;
        if !spec.network && holds(Control::ChildNetwork) {
            // A world with its own loopback: a server may talk to itself.
            loopback::bring_up().map_err(failed("its loopback"))?;
        }
        view::build(spec)?;
    }
    let tmp = if own_tmp { Path::new("/tmp").to_owned() } else { spec.home.join("tmp") };
    crate::keep::private_directory(&tmp).map_err(failed("its temporary directory"))?;
    limits::set(spec.walls.namespaces)?;
    if spec.walls.landlock && holds(Control::ChildFiles) {
        files::restrict(spec, own_tmp)?;
    }
    set_no_new_privs(true).map_err(failed("no new privileges"))?;
    if spec.walls.namespaces {
        rights::give_up().map_err(failed("giving up its powers"))?;
    }
    let mut command = command(spec, &tmp)?;
    command.envs(spec.files.iter().map(|name| (name, secrets::path(name))));
    Ok(command)
}

fn command(spec: &Spec, tmp: &Path) -> Result<Command, Trouble> {
    let (program, args) = spec.command.split_first().ok_or_else(|| failed("its command")("is empty"))?;
    let cwd = spec.cwd.as_deref().filter(|cwd| cwd.is_dir()).unwrap_or(&spec.home);
    std::env::set_current_dir(cwd).map_err(failed(cwd.display().to_string()))?;
    let mut command = Command::new(program);
    command.args(args).env_remove(OWNER).env("HOME", &spec.home).env("TMPDIR", tmp);
    Ok(command)
}
