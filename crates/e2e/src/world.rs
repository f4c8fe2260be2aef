//! One running `bailiwick serve` on a data directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bailiwick_domain::control::Control;
use std::io::{BufRead as _, BufReader};
use tempfile::TempDir;

/// How to start it.
#[derive(Clone, Default)]
pub struct Setup {
    args: Vec<String>,
    config: Option<String>,
    mutants: Vec<Control>,
    port: u16,
    data: Option<Arc<TempDir>>,
    listens_itself: bool,
    small_disk: bool,
    env: Vec<(String, String)>,
}

impl Setup {
    /// The sample server, nobody signed in.
    pub fn sample() -> Self {
        Self::default()
    }

    /// In front of a server that speaks HTTP.
    pub fn upstream(url: &str) -> Self {
        Self::default().arg(url)
    }

    /// With this configuration file.
    pub fn config(text: impl Into<String>) -> Self {
        Self { config: Some(text.into()), ..Self::default() }
    }

    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// On a disk of a few megabytes, of this process's own; see [`World::fill_disk`].
    #[must_use]
    pub fn on_a_small_disk(mut self) -> Self {
        self.small_disk = true;
        self
    }

    /// Everything is approved for `user` at once.
    #[must_use]
    pub fn approving(self, user: &str) -> Self {
        self.arg("--dev-approve").arg(user)
    }

    /// On this port.
    #[must_use]
    pub fn at(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// With one control switched off.
    #[must_use]
    pub fn without(mut self, controls: &[Control]) -> Self {
        self.mutants = controls.to_vec();
        self
    }

    /// On the data directory and port of a world that ended.
    #[must_use]
    pub fn after(mut self, world: &Ended) -> Self {
        self.data = Some(Arc::clone(&world.data));
        self.port = world.port;
        self
    }

    pub fn command(&self, data: &Path) -> Command {
        let mut command = if self.small_disk { small_disk(data) } else { Command::new(binary()) };
        command.arg("serve").arg("--data").arg(data);
        if !self.listens_itself {
            command.arg("--listen").arg(format!("localhost:{}", self.port));
        }
        if let Some(text) = &self.config {
            let file = data.join("bailiwick.toml");
            std::fs::write(&file, text).unwrap();
            command.arg("--config").arg(file);
        }
        let off: Vec<String> = self.mutants.iter().map(|control| control.name()).collect();
        command.args(&self.args).env("BAILIWICK_MUTANTS", off.join(",")).env("BAILIWICK_LOG", "warn");
        command.env("BAILIWICK_METRICS", "off");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> World {
        let data = self.data.clone().unwrap_or_else(|| Arc::new(TempDir::new().unwrap()));
        let mut child = self.command(data.path()).spawn().expect("the binary is built: cargo build --workspace");
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, wait) = mpsc::channel();
        follow(child.stdout.take().unwrap(), Arc::clone(&log), Some(ready));
        follow(child.stderr.take().unwrap(), Arc::clone(&log), None);
        let Ok(base) = wait.recv_timeout(Duration::from_mins(1)) else {
            let _ = child.kill();
            panic!("it did not get ready:\n{}", log.lock().unwrap());
        };
        let port = base.rsplit(':').next().unwrap().parse().unwrap();
        let mutant = self.mutants.is_empty() || log.lock().unwrap().contains("MUTANT");
        assert!(mutant, "this binary has no switches: build it with --all-features");
        World { child, base, port, data, log }
    }

    /// On this data directory and port.
    #[must_use]
    pub fn on(mut self, data: Arc<TempDir>, port: u16) -> Self {
        self.data = Some(data);
        self.port = port;
        self
    }

    /// On the data directory of a world that still runs, on another port.
    #[must_use]
    pub fn beside(mut self, world: &World) -> Self {
        self.data = Some(Arc::clone(&world.data));
        self
    }

    /// As [`Setup::refused`], where the arguments say themselves where to listen.
    pub fn refused_anywhere(mut self) -> String {
        self.listens_itself = true;
        self.refused()
    }

    /// Starts it, expecting that it refuses; returns what it said.
    pub fn refused(self) -> String {
        let data = self.data.clone().unwrap_or_else(|| Arc::new(TempDir::new().unwrap()));
        let output = self.command(data.path()).output().unwrap();
        assert!(!output.status.success(), "it should have refused to start");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The running process.
pub struct World {
    child: Child,
    pub base: String,
    port: u16,
    data: Arc<TempDir>,
    log: Arc<Mutex<String>>,
}

/// What is left of a process that ended.
pub struct Ended {
    data: Arc<TempDir>,
    port: u16,
}

impl Ended {
    /// The port it listened on.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }
}

impl World {
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The data directory as the process on a small disk sees it.
    pub fn inside(&self) -> PathBuf {
        let rest = self.data.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.child.id().to_string()).join("root").join(rest)
    }

    /// Leaves no room on the small disk.
    pub fn fill_disk(&self) {
        use std::io::Write as _;
        let mut filler = std::fs::File::create(self.inside().join("filler")).unwrap();
        let full = loop {
            if let Err(error) = filler.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    /// Makes room again.
    pub fn free_disk(&self) {
        std::fs::remove_file(self.inside().join("filler")).unwrap();
    }

    /// The id of the process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The resource of the unnamed server.
    pub fn mcp(&self) -> String {
        self.url("/mcp")
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything printed and logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The one-time link that makes the first account.
    pub fn setup_link(&self) -> String {
        let log = self.log();
        log.split_whitespace().find(|word| word.contains("/setup?link=")).expect("a set-up link").to_owned()
    }

    /// Everything printed and logged until it ended, by SIGTERM.
    pub fn log_after_stop(mut self) -> String {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        self.child.wait().unwrap();
        self.log()
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        let _ = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Ended { data: Arc::clone(&self.data), port: self.port }
    }

    /// SIGTERM, and wait.
    pub fn stop(mut self) -> Ended {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        self.child.wait().unwrap();
        Ended { data: Arc::clone(&self.data), port: self.port }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary in a mount namespace of its own, where the data directory is a small file system in memory.
fn small_disk(data: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=8m,mode=700 tmpfs \"$0\" && exec \"$@\"").arg(data).arg(binary());
    command
}

fn follow(stream: impl std::io::Read + Send + 'static, log: Arc<Mutex<String>>, ready: Option<mpsc::Sender<String>>) {
    std::thread::spawn(move || {
        let mut base = None;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
            if let Some((_, url)) = line.split_once(" is ready at ") {
                base = Some(url.trim().to_owned());
            }
            // The welcome ends with the command to try; by then the set-up link stands in the log.
            if let (Some(ready), Some(base), true) = (&ready, &base, line.contains("Try it from another terminal")) {
                let _ = ready.send(base.clone());
            }
        }
    });
}

/// A port nobody listens on, in neither family.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("[::]:0").or_else(|_| std::net::TcpListener::bind("0.0.0.0:0")).unwrap();
    listener.local_addr().unwrap().port()
}

/// The binary under test: built beside this test.
pub fn binary() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let profile = exe.ancestors().find(|path| path.join("bailiwick").is_file()).expect("a built bailiwick");
    profile.join("bailiwick")
}

/// True in a run that installed everything a test may need: what is missing there is a failure.
#[expect(clippy::disallowed_methods, reason = "the test run says so in the environment")]
pub fn everything_is_there() -> bool {
    std::env::var("CI_REQUIRES_POSTGRES").is_ok()
}

/// A new PostgreSQL database on the cluster of this test run; `None` where there is none.
///
/// # Panics
/// In CI, where a missing engine is a failure.
#[expect(clippy::disallowed_methods, reason = "the test run names its cluster in the environment")]
pub async fn fresh_database() -> Option<String> {
    use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
    static LAST: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let Ok(base) = std::env::var("BAILIWICK_TEST_POSTGRES") else {
        assert!(!everything_is_there(), "PostgreSQL is missing");
        return None;
    };
    let number = LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("bw_e2e_{}_{number}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&base).await.expect("the cluster of this test run");
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = base.rsplit_once('/').expect("a database URL");
    Some(format!("{server}/{name}"))
}
