//! One child: a process that speaks JSON-RPC by lines, and who is to hear it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_domain::time::Timestamp;
use bailiwick_net::scrub::Scrubber;
use bailiwick_resource::Caller;
use tokio::io::BufReader;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::process::{self, LastWords, Process};
use super::switchboard::{Heard, Listening, Placed, Switchboard};
use super::{Hung, Own, Program};
use crate::session::Owner;
use crate::settings::Isolate;

/// How many lines may wait to be written.
const MOST_LINES: usize = 64;
/// How long a child may leave its standard input unread.
const DEAF: Duration = Duration::from_secs(30);

/// A running child. It ends when it is told to, or when its process does.
#[derive(Debug)]
pub(crate) struct Child {
    /// What its session calls it.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Whether several sessions of one person use it, so that no one of them may end it.
    pub(crate) shared: bool,
    /// Which secrets of theirs it was started with.
    pub(crate) mark: String,
    /// Clears what it says of the secrets it was given.
    scrubber: Scrubber,
    /// Who used it last; absent for one of our own.
    caller: Mutex<Option<Caller>>,
    board: Mutex<Switchboard>,
    lines: mpsc::Sender<String>,
    used: AtomicI64,
    end: CancellationToken,
    gone: CancellationToken,
    last_words: LastWords,
    changed: Arc<Notify>,
}

/// For whom a child is started.
pub(crate) struct Birth {
    /// What its session will call it.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Who asks for it; absent for one of our own.
    pub(crate) caller: Option<Caller>,
    /// Secrets of theirs.
    pub(crate) own: Own,
    /// The present moment.
    pub(crate) now: Timestamp,
    /// Woken when its list of tools changes.
    pub(crate) changed: Arc<Notify>,
}

impl Child {
    /// Starts a child and the tasks that attend to it.
    pub(crate) fn start(program: &Program, birth: Birth) -> std::io::Result<Arc<Self>> {
        let (remains, stdin, stdout, stderr) = Process::start(program, &birth.owner.subject, &birth.own)?.split();
        let (lines, written) = mpsc::channel(MOST_LINES);
        let child = Arc::new(Self {
            id: birth.id,
            owner: birth.owner,
            scrubber: Scrubber::new(birth.own.env.iter().map(|(_, secret)| secret).chain(&program.secrets)),
            mark: birth.own.mark,
            shared: program.isolate == Isolate::User,
            caller: Mutex::new(birth.caller),
            board: Mutex::default(),
            lines,
            used: AtomicI64::new(birth.now.millis()),
            end: CancellationToken::new(),
            gone: CancellationToken::new(),
            last_words: LastWords::default(),
            changed: birth.changed,
        });
        let attended = Arc::clone(&child);
        tokio::spawn(async move {
            let errors = tokio::spawn(Self::overhear(Arc::clone(&attended), stderr));
            tokio::select! {
                () = attended.end.cancelled() => {}
                () = attended.hear(stdout) => {}
                // It closed its standard input, but may still have something to say.
                () = async { process::write(stdin, written).await; std::future::pending().await } => {}
            }
            attended.end.cancel();
            attended.board().end();
            remains.end().await;
            errors.abort();
            attended.gone.cancel();
        });
        Ok(child)
    }

    /// Writes a line to it.
    pub(crate) async fn write(&self, line: String) -> Result<(), Hung> {
        match tokio::time::timeout(DEAF, self.lines.send(line)).await {
            Ok(Ok(())) if !self.end.is_cancelled() => Ok(()),
            Ok(_) => Err(Hung::Ended),
            Err(_) => Err(Hung::Silent(DEAF)),
        }
    }

    /// Sends a request; `streaming` when its caller can hear messages before the answer.
    pub(crate) async fn ask(&self, text: &str, streaming: bool) -> Result<Placed, Hung> {
        let mut placed = self.board().place(text, streaming).ok_or(Hung::Ended)?;
        let sent = self.write(std::mem::take(&mut placed.line)).await;
        if sent.is_err() {
            self.board().forget(placed.number);
        }
        sent.map(|()| placed)
    }

    /// Passes a notification or an answer of its caller's on.
    pub(crate) async fn pass(&self, text: &str) -> Result<(), Hung> {
        let line = self.board().pass(text).map(std::borrow::Cow::into_owned);
        match line {
            Some(line) => self.write(line).await,
            None => Ok(()),
        }
    }

    /// Listens to what belongs to no request.
    pub(crate) fn listen(&self) -> Option<Listening> {
        self.board().listen()
    }

    /// Ends that listening.
    pub(crate) fn hush(&self, number: u64) {
        self.board().hush(number);
    }

    /// Gives a request up, and tells the child so when `tell` says it should know.
    pub(crate) fn forget(&self, number: u64, tell: bool) {
        self.board().forget(number);
        if tell {
            let params = format!(r#"{{"requestId":{number},"reason":"the caller is gone"}}"#);
            // A child too busy to read this will see that nobody listens.
            drop(
                self.lines
                    .try_send(format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#)),
            );
        }
    }

    /// Notes who uses it, and when.
    pub(crate) fn touch(&self, caller: &Caller, now: Timestamp) {
        self.used.store(now.millis(), Ordering::Relaxed);
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller.clone());
    }

    /// Who used it last.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For how long nobody has used it; nothing while somebody waits or listens.
    pub(crate) fn idle(&self, now: Timestamp) -> Option<Duration> {
        let used = Timestamp::from_millis(self.used.load(Ordering::Relaxed));
        self.board().is_quiet().then(|| now.since(used))
    }

    /// Tells it to end.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// True once it has ended or was told to.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// Waits until its process is gone.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// The last lines of its standard error.
    pub(crate) fn last_words(&self) -> String {
        self.last_words.say()
    }

    async fn hear(&self, mut stdout: BufReader<ChildStdout>) {
        while let Some(line) = process::line(&mut stdout).await {
            let line = self.scrubber.text(&line);
            let heard = self.board().hear(&line);
            match heard {
                Heard::Routed => {}
                Heard::ToolsChanged => self.changed.notify_one(),
                Heard::Noise => tracing::debug!(child = self.id, %line, "a child said something that is no message"),
            }
        }
    }

    async fn overhear(self: Arc<Self>, mut stderr: BufReader<ChildStderr>) {
        while let Some(line) = process::line(&mut stderr).await {
            let line = self.scrubber.text(&line);
            tracing::debug!(child = self.id, %line, "a child's standard error");
            self.last_words.hear(line.into_owned());
        }
    }

    fn board(&self) -> MutexGuard<'_, Switchboard> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
