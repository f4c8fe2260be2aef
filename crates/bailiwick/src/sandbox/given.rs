//! What one server is given: what its command names, where it begins, and what the operator adds.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::{ConfigError, SandboxEntry};
use crate::launch::Walls;

/// Directories that hold what belongs to many: never given because something in them was named.
const OF_MANY: [&str; 13] =
    ["/", "/boot", "/dev", "/home", "/media", "/mnt", "/proc", "/root", "/run", "/srv", "/sys", "/var", "/var/lib"];

/// What one server is given.
pub(super) struct Given {
    pub(super) cwd: Option<PathBuf>,
    pub(super) read: Vec<PathBuf>,
    pub(super) write: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
    /// The home of whoever runs this process.
    home: Option<PathBuf>,
}

impl Given {
    /// What the command names and where it begins.
    pub(super) fn to(command: &[String], directory: Option<&Path>, hidden: &[PathBuf]) -> Self {
        let home = directories::BaseDirs::new().and_then(|dirs| std::fs::canonicalize(dirs.home_dir()).ok());
        let mut given = Self { cwd: None, read: Vec::new(), write: Vec::new(), hidden: hidden.to_vec(), home };
        let here = std::env::current_dir().unwrap_or_default();
        // A directory that the operator names is meant; the one this process happens to be in may be anybody's.
        given.cwd = match directory {
            Some(directory) => Some(here.join(directory)),
            None => std::fs::canonicalize(&here).ok().filter(|here| given.is_narrow(here)),
        };
        if let Some(cwd) = given.cwd.clone() {
            given.read(&cwd);
        }
        let mut words = command.iter();
        if let Some(program) = words.next() {
            given.program(program, &here);
        }
        let named = words.filter(|word| !word.starts_with('-')).map(|word| here.join(word));
        named.filter(|path| path.exists()).for_each(|path| given.named(&path));
        given
    }

    /// Adds what the operator gives.
    pub(super) fn grant(&mut self, title: &str, entry: &SandboxEntry, walls: Walls) -> Result<(), ConfigError> {
        for path in entry.read.iter().chain(&entry.write) {
            self.check(title, path, walls)?;
        }
        entry.read.iter().for_each(|path| self.read(path));
        self.write.extend(entry.write.iter().filter_map(|path| std::fs::canonicalize(path).ok()));
        if !walls.namespaces {
            // Nothing can be hidden inside of what is given.
            let hidden = &self.hidden;
            self.read.retain(|path| !hidden.iter().any(|hidden| hidden.starts_with(path)));
        }
        Ok(())
    }

    fn check(&self, title: &str, path: &Path, walls: Walls) -> Result<(), ConfigError> {
        let refused = |says: &str| Err(ConfigError::Value(format!("{title}: sandbox: {} {says}", path.display())));
        let Ok(real) = std::fs::canonicalize(path) else { return refused("does not exist") };
        if real == Path::new("/") {
            return refused("is everything; name what the server needs");
        }
        if !path.is_absolute() {
            return refused("must be an absolute path");
        }
        if self.hidden.iter().any(|hidden| real.starts_with(hidden)) {
            return refused("holds keys of this process, which no server may see");
        }
        if !walls.namespaces && self.hidden.iter().any(|hidden| hidden.starts_with(&real)) {
            return refused("holds keys of this process, which a weak sandbox cannot hide");
        }
        Ok(())
    }

    /// Gives a path, as it is spelt and as it really is.
    fn read(&mut self, path: &Path) {
        if let Ok(real) = std::fs::canonicalize(path) {
            self.read.extend([path.to_owned(), real]);
            self.read.dedup();
        }
    }

    /// A program: itself and, where it belongs to an installation of Node or a Python environment, that.
    fn program(&mut self, program: &str, here: &Path) {
        let path = crate::wire::environment("PATH").unwrap_or_default();
        // A shim needs the manager behind it, which lies in a home; the program it stands for may be there as well.
        let places =
            || std::env::split_paths(&path).filter(|place| !place.ends_with("shims")).map(|place| here.join(place));
        let found = if program.contains('/') {
            Some(here.join(program))
        } else {
            places().map(|place| place.join(program)).find(|path| path.is_file())
        };
        if let Some(found) = found {
            self.read(&found);
            let prefix = found.parent().and_then(Path::parent);
            if let Some(prefix) = prefix.filter(|prefix| prefix.join("pyvenv.cfg").is_file()) {
                self.read(prefix);
            }
            if let Some(packages) = std::fs::canonicalize(&found).ok().as_deref().and_then(packages) {
                self.read(packages);
            }
        }
        let Some(node) = places().find(|place| place.join("node").is_file()) else { return };
        self.read(&node.join("node"));
        let library = node.with_file_name("lib");
        if library.join("node_modules").is_dir() {
            self.read(&node);
            self.read(&library);
        }
    }

    /// Something the command names: a directory, a script with what lies beside it, a package with those it uses.
    fn named(&mut self, path: &Path) {
        let Ok(real) = std::fs::canonicalize(path) else { return };
        if self.hidden.iter().any(|hidden| real.starts_with(hidden)) {
            return;
        }
        let beside = if real.is_dir() { Some(real.as_path()) } else { packages(&real).or(real.parent()) };
        match beside.filter(|beside| self.is_narrow(beside)) {
            Some(beside) => {
                let beside = beside.to_owned();
                self.read(&beside);
                self.read(path);
            }
            None if real.is_file() => self.read(path),
            None => {}
        }
    }

    /// True for a directory that does not hold what belongs to others: not a home or above one, not a shared one.
    fn is_narrow(&self, path: &Path) -> bool {
        let open_to_all = path.metadata().is_ok_and(|facts| facts.permissions().mode() & 0o002 != 0);
        let of_many = OF_MANY.iter().any(|many| path == Path::new(many));
        let homely = self.home.as_deref().is_some_and(|home| home.starts_with(path));
        let secret = self.hidden.iter().any(|hidden| path.starts_with(hidden));
        !(open_to_all || of_many || homely || secret)
    }
}

/// The outermost `node_modules` a path lies in.
fn packages(path: &Path) -> Option<&Path> {
    path.ancestors().filter(|path| path.ends_with("node_modules")).last()
}
