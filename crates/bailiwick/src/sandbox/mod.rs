//! Hosted servers are not trusted: what starts as `COMMAND` here starts as `bailiwick launch`, which builds walls around
//! it first. This side decides what each one gets and finds out what the kernel can build.

mod given;
mod npm;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bailiwick_domain::control::{Control, holds};
use bailiwick_gateway::{PersonalVariable, ServerSettings, Upstream};

use crate::config::{ConfigError, SandboxEntry};
use crate::launch::{Spec, Walls};

use given::Given;

/// Decides what hosted servers get.
pub(crate) struct Hosting {
    /// This program, which is also the launcher.
    program: PathBuf,
    data: PathBuf,
    /// What no server may see.
    hidden: Vec<PathBuf>,
    /// `--no-sandbox`.
    open: bool,
    /// What the kernel can build, once somebody asked: all of it, or less and why.
    able: OnceCell<Result<(), String>>,
}

impl Hosting {
    /// For servers whose homes lie under this data directory; `secrets` are files that none of them may see either.
    pub(crate) fn new(data: &Path, secrets: &[Option<&Path>], open: bool) -> Result<Self, ConfigError> {
        let program = std::env::current_exe().map_err(|error| {
            ConfigError::Value(format!("cannot find this program to start hosted servers with: {error}"))
        })?;
        let data = std::fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
        let secrets = secrets.iter().flatten().filter_map(|path| std::fs::canonicalize(path).ok());
        let hidden = std::iter::once(data.clone()).chain(secrets).collect();
        Ok(Self { program, data, hidden, open, able: OnceCell::new() })
    }

    /// The home of the server of that name: the one place of its own that it finds again.
    pub(crate) fn home(&self, place: &str) -> PathBuf {
        self.data.join("children").join(place).join("home")
    }

    /// Puts walls around a server that runs as a child; one that is reached over HTTP stays as it is.
    pub(crate) fn host(
        &self,
        mut settings: ServerSettings,
        entry: &SandboxEntry,
    ) -> Result<ServerSettings, ConfigError> {
        let place = settings.name.as_ref().map_or("_unnamed".to_owned(), ToString::to_string);
        self.host_at(&mut settings, entry, &place)?;
        Ok(settings)
    }

    /// The same, at a home of that name.
    pub(crate) fn host_at(
        &self,
        settings: &mut ServerSettings,
        entry: &SandboxEntry,
        place: &str,
    ) -> Result<(), ConfigError> {
        let title = &settings.title;
        let Upstream::Stdio { program, args, env, personal, cwd, .. } = &mut settings.upstream else { return Ok(()) };
        let files = files(title, personal)?;
        if self.open {
            in_memory(title, &files, Walls::NONE)?;
            eprintln!(
                "bailiwick: !! --no-sandbox: {title} can read and change whatever this process can, keys included"
            );
            return Ok(());
        }
        let walls = self.walls(title, entry)?;
        in_memory(title, &files, walls)?;
        let command: Vec<String> = std::iter::once(&*program).chain(&*args).cloned().collect();
        let mut given = Given::to(&command, cwd.as_deref(), &self.hidden);
        given.grant(title, entry, walls)?;
        if entry.network {
            npm::configure(env, &mut given.read);
        }
        let home = self.home(place);
        let spec = Spec {
            command,
            cwd: given.cwd,
            root: home.with_file_name("root"),
            home,
            read: given.read,
            write: given.write,
            files,
            hide: self.hidden.clone(),
            network: entry.network,
            walls,
            off: off(),
        };
        *args = vec!["launch".to_owned(), text(&spec)?];
        *program = self.program.to_string_lossy().into_owned();
        *cwd = None;
        Ok(())
    }

    /// The walls for one server: all of them, or those there are where the operator said that these will do.
    fn walls(&self, title: &str, entry: &SandboxEntry) -> Result<Walls, ConfigError> {
        let able = self.able.get_or_init(|| self.try_out(Walls::ALL));
        let Err(reason) = able else { return Ok(Walls::ALL) };
        if !entry.weak {
            return Err(ConfigError::Value(format!(
                "{title} would run without walls around it: {reason}; allow that in the kernel, or go on without by \
                 `sandbox = {{ weak = true }}` or --no-sandbox"
            )));
        }
        let landlock = Walls { landlock: true, ..Walls::NONE };
        let (walls, left) = if self.try_out(landlock).is_ok() {
            (landlock, "it shares processes and network with this one")
        } else {
            (Walls::NONE, "it can read and change whatever this process can, keys included")
        };
        eprintln!("bailiwick: !! weak sandbox: {title} runs without all its walls ({reason}); {left}");
        Ok(walls)
    }

    /// Lets this program start itself behind such walls.
    fn try_out(&self, walls: Walls) -> Result<(), String> {
        let program = self.program.to_string_lossy().into_owned();
        let home = self.home("_trial");
        let spec = Spec {
            command: vec![program, "--version".to_owned()],
            cwd: None,
            root: home.with_file_name("root"),
            home,
            read: vec![self.program.clone()],
            write: Vec::new(),
            files: Vec::new(),
            hide: self.hidden.clone(),
            network: false,
            walls,
            off: off(),
        };
        let spec = text(&spec).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        let output =
            command.arg("launch").arg(spec).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
        Err(said.trim_start_matches("bailiwick: cannot start the server: ").to_owned())
    }
}

/// The variables whose secrets the server finds in files.
fn files(title: &str, personal: &[PersonalVariable]) -> Result<Vec<String>, ConfigError> {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let files: Vec<_> = personal.iter().filter(|own| own.file).map(|own| own.name.clone()).collect();
    match files.iter().find(|name| name.is_empty() || !plain(name)) {
        Some(name) => Err(ConfigError::Value(format!("{title}: env: {name:?} cannot be the name of a file"))),
        None => Ok(files),
    }
}

/// A secret that lies in a file lies in memory that the walls give to one server alone: without them it would be on a disk.
fn in_memory(title: &str, files: &[String], walls: Walls) -> Result<(), ConfigError> {
    match files.first() {
        Some(name) if !walls.namespaces => Err(ConfigError::Value(format!(
            "{title}: env.{name}: `as = \"file\"` needs the walls of the sandbox, in whose memory the file lies; \
             without them leave `as` out and let the server read the variable itself"
        ))),
        _ => Ok(()),
    }
}

fn text(spec: &Spec) -> Result<String, ConfigError> {
    // Paths that are no text cannot travel as JSON.
    serde_json::to_string(spec).map_err(|error| ConfigError::Value(format!("what a hosted server is given: {error}")))
}

/// The controls that the mutation run has switched off.
fn off() -> Vec<String> {
    Control::ALL.into_iter().filter(|control| !holds(*control)).map(Control::name).collect()
}
