//! The process of a child: started with an empty environment, read by lines, ended with patience and then without.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Own, Program};
use crate::settings::{Isolate, OWNER_VARIABLE};

/// The longest line a child may say.
const MOST_LINE: u64 = 16 * 1024 * 1024;
/// How many lines of its standard error are kept for a message.
const LAST_LINES: usize = 5;
/// How long a child may take to end by itself, and then after it was told to.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a child sees of our own environment.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TERM"];

/// A running process and its three pipes.
pub(super) struct Process {
    child: tokio::process::Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: BufReader<ChildStdout>,
    pub(super) stderr: BufReader<ChildStderr>,
}

/// What is left of it to end, once its pipes were given away.
pub(super) struct Remains {
    child: tokio::process::Child,
    /// Its process group, which bears its id also when it is gone itself.
    group: Option<u32>,
}

impl Process {
    /// Starts it, for the person of that id.
    pub(super) fn start(program: &Program, subject: &str, own: &Own) -> std::io::Result<Self> {
        let mut command = Command::new(&program.executable);
        command.args(&program.args).env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own process group, so that what it starts itself can be ended with it.
        #[cfg(unix)]
        command.process_group(0);
        command.envs(PASSED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(program.env.iter().map(|(name, value)| (name, value)));
        command.envs(own.env.iter().map(|(name, value)| (name, value.as_str())));
        if program.isolate == Isolate::User {
            // The listing of tools is asked for by nobody.
            command.env(OWNER_VARIABLE, if subject.is_empty() { "nobody" } else { subject });
        }
        if let Some(cwd) = &program.cwd {
            command.current_dir(cwd);
        }
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let stderr = BufReader::new(child.stderr.take().ok_or_else(missing)?);
        Ok(Self { child, stdin, stdout, stderr })
    }

    /// Gives its pipes away.
    pub(super) fn split(self) -> (Remains, ChildStdin, BufReader<ChildStdout>, BufReader<ChildStderr>) {
        let group = self.child.id();
        (Remains { child: self.child, group }, self.stdin, self.stdout, self.stderr)
    }
}

impl Remains {
    /// Ends it: its standard input is closed by now, which a good server takes as a farewell; then it is told, then made.
    pub(super) async fn end(mut self) {
        if timeout(PATIENCE, self.child.wait()).await.is_ok() {
            // What it started may have stayed behind.
            return self.signal(false);
        }
        self.signal(true);
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.signal(false);
            drop(self.child.kill().await);
        }
    }

    /// Sends SIGTERM or SIGKILL to its whole group.
    #[cfg(unix)]
    fn signal(&self, gently: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = self.group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // Nobody left to hear it is as good.
            let _ = kill_process_group(group, if gently { Signal::TERM } else { Signal::KILL });
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _gently: bool) {}
}

/// Writes lines until there are no more or the child hears none.
pub(super) async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// The next line, without its end; nothing when there is none, or one so long that nothing after it can be trusted.
pub(super) async fn line<R: AsyncBufRead + Unpin>(from: &mut R) -> Option<String> {
    let mut bytes = Vec::new();
    from.take(MOST_LINE).read_until(b'\n', &mut bytes).await.ok()?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.is_empty() || u64::try_from(bytes.len()).is_ok_and(|length| length >= MOST_LINE) {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned())
}

/// The last lines a child said on its standard error.
#[derive(Debug, Default)]
pub(super) struct LastWords(Mutex<VecDeque<String>>);

impl LastWords {
    /// Takes a line in.
    pub(super) fn hear(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines, joined.
    pub(super) fn say(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Vec::from(lines.clone()).join(" | ")
    }
}
