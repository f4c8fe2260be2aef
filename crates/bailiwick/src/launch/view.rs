//! What a server sees of the file system: the system's own directories, what it was given, a home, and nothing else.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bailiwick_domain::control::{Control, holds};
use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, mount_remount, unmount,
};
use rustix::process::{chdir, pivot_root};

use super::{Spec, Trouble, failed, secrets};

/// The system's own directories.
pub(super) const SYSTEM: [&str; 9] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"];
/// Devices everybody may have.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Where the name of a name server may lie, beside `/etc`.
const NAMES: &str = "/etc/resolv.conf";

/// Builds the view and enters it.
pub(super) fn build(spec: &Spec) -> Result<(), Trouble> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(failed("its own mounts"))?;
    if !holds(Control::ChildView) {
        return if holds(Control::ChildProcesses) { processes(Path::new("/proc")) } else { Ok(()) };
    }
    let root = Root(&spec.root);
    root.empty(Path::new("/"), "mode=0755,size=1m")?;
    for path in SYSTEM {
        root.system(Path::new(path))?;
    }
    root.devices()?;
    root.processes()?;
    root.empty(Path::new("/tmp"), "mode=0700,size=512m")?;
    root.given(spec)?;
    for path in &spec.hide {
        root.hide(path)?;
    }
    root.secrets(&spec.files)?;
    root.bind(&spec.home)?;
    enter(&spec.root).map_err(failed("entering its own file system"))
}

/// Turns to the new root and forgets the old one.
fn enter(root: &Path) -> rustix::io::Result<()> {
    chdir(root)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    chdir("/")?;
    mount_remount("/", MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV, "")
}

/// A fresh `/proc`, which shows no process but those of this world.
fn processes(target: &Path) -> Result<(), Trouble> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", target, "proc", flags, None).map_err(failed("a /proc of its own"))
}

/// The root in the making.
struct Root<'a>(&'a Path);

impl Root<'_> {
    /// Where a path of the new world lies until it is entered.
    fn at(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn directory(&self, path: &Path) -> Result<PathBuf, Trouble> {
        let target = self.at(path);
        std::fs::create_dir_all(&target).map_err(failed(path.display().to_string()))?;
        Ok(target)
    }

    /// An empty file system.
    fn empty(&self, path: &Path, options: &str) -> Result<(), Trouble> {
        let target = self.directory(path)?;
        let options = std::ffi::CString::new(options).map_err(failed("its options"))?;
        mount("tmpfs", &target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
            .map_err(failed(format!("an empty {}", path.display())))
    }

    /// One of the system's own directories, or the link it has become.
    fn system(&self, path: &Path) -> Result<(), Trouble> {
        if let Ok(to) = std::fs::read_link(path) {
            return symlink(to, self.at(path)).map_err(failed(path.display().to_string()));
        }
        if path.is_dir() { self.read_only(path) } else { Ok(()) }
    }

    /// A file or directory where it is outside, to be changed as well.
    fn bind(&self, path: &Path) -> Result<(), Trouble> {
        let target = self.at(path);
        if path.is_dir() {
            self.directory(path)?;
        } else if !target.exists() {
            self.directory(path.parent().unwrap_or(Path::new("/")))?;
            std::fs::File::create(&target).map_err(failed(path.display().to_string()))?;
        }
        mount_bind_recursive(path, &target).map_err(failed(path.display().to_string()))
    }

    /// The same, to be read.
    fn read_only(&self, path: &Path) -> Result<(), Trouble> {
        self.bind(path)?;
        let target = self.at(path);
        let flags = statvfs(&target).map_err(failed(path.display().to_string()))?.f_flag;
        let kept = [
            (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
            (StatVfsMountFlags::NODEV, MountFlags::NODEV),
            (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
            (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
            (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
            (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
        ];
        let kept = kept.into_iter().filter(|(is, _)| flags.contains(*is));
        let flags = kept.fold(MountFlags::BIND | MountFlags::RDONLY, |flags, (_, kept)| flags | kept);
        mount_remount(&target, flags, "").map_err(failed(format!("{} for reading alone", path.display())))
    }

    fn devices(&self) -> Result<(), Trouble> {
        self.directory(Path::new("/dev"))?;
        for name in DEVICES {
            self.bind(&Path::new("/dev").join(name))?;
        }
        self.empty(Path::new("/dev/shm"), "mode=0700,size=256m")?;
        for (name, to) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
            symlink(Path::new("/proc/self").join(to), self.at(&Path::new("/dev").join(name)))
                .map_err(failed(format!("/dev/{name}")))?;
        }
        Ok(())
    }

    /// What it was left in files.
    fn secrets(&self, files: &[String]) -> Result<(), Trouble> {
        if files.is_empty() {
            return Ok(());
        }
        let place = Path::new(secrets::PLACE);
        self.empty(place, "mode=0700,size=1m")?;
        secrets::write(files, &self.at(place))
    }

    fn processes(&self) -> Result<(), Trouble> {
        let proc = Path::new("/proc");
        let target = self.directory(proc)?;
        if holds(Control::ChildProcesses) { processes(&target) } else { self.bind(proc) }
    }

    /// What it was given, outer directories first; what lies in one that is there already is there already.
    fn given(&self, spec: &Spec) -> Result<(), Trouble> {
        let mut there: Vec<&Path> = SYSTEM.iter().map(Path::new).collect();
        let names = std::fs::canonicalize(NAMES).ok().filter(|path| spec.network && !path.starts_with("/etc"));
        let mut read: Vec<&Path> = spec.read.iter().chain(&names).map(PathBuf::as_path).collect();
        read.sort();
        for path in read {
            if path.exists() && !there.iter().any(|above| path.starts_with(above)) {
                self.read_only(path)?;
                there.push(path);
            }
        }
        let mut write: Vec<&Path> = spec.write.iter().map(PathBuf::as_path).collect();
        write.sort();
        write.into_iter().filter(|path| path.exists()).try_for_each(|path| self.bind(path))
    }

    /// Puts something empty in the place of what must not be seen.
    fn hide(&self, path: &Path) -> Result<(), Trouble> {
        let target = self.at(path);
        if target.is_dir() {
            return self.empty(path, "mode=0755,size=64k");
        }
        if target.exists() {
            return mount_bind_recursive("/dev/null", &target).map_err(failed(path.display().to_string()));
        }
        Ok(())
    }
}
