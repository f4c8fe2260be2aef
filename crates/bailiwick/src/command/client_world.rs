//! What the client commands need from this machine, and how they speak to whoever runs them: results on standard
//! output, everything else on standard error.

pub(crate) mod words;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_client::{Approach, Client, Keep, Parts};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::time::Clock;
use bailiwick_net::Http;

use crate::wire;

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may think before its answer begins: a tool that answers in one piece answers when it is done.
const ANSWER: Duration = Duration::from_mins(5);

/// What the client commands need from this machine.
pub(crate) struct ClientWorld {
    pub(crate) keep_dir: PathBuf,
    pub(crate) http: Http,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) open_browser: fn(&str) -> bool,
}

/// How a command reaches the person when it needs a login.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Log in by following redirects, where a login is needed
    #[arg(long)]
    headless: bool,
    /// Fail instead of logging in
    #[arg(long)]
    no_login: bool,
}

impl Reach {
    /// The approach for a login; `None` when none is to be tried.
    pub(crate) fn login(self, world: &ClientWorld) -> Option<Approach> {
        world.approach(self.headless).filter(|_| !self.no_login)
    }
}

impl ClientWorld {
    /// This machine as it is; `BAILIWICK_CLIENT_DIR` says where logins are kept.
    pub(crate) fn new() -> Self {
        Self {
            keep_dir: wire::environment("BAILIWICK_CLIENT_DIR").map_or_else(keep_dir, PathBuf::from),
            http: Http::with_patience(CONNECT, ANSWER),
            entropy: Arc::new(wire::SystemEntropy),
            clock: Arc::new(wire::SystemClock),
            open_browser,
        }
    }

    /// A client that tells its progress on standard error.
    pub(crate) fn client(&self) -> Client {
        Client::new(Parts {
            http: self.http.clone(),
            entropy: Arc::clone(&self.entropy),
            clock: Arc::clone(&self.clock),
            keep: Keep::at(&self.keep_dir),
            tell: Arc::new(words::progress),
        })
    }

    /// How a person can be reached: not at all, when nobody sits at a terminal.
    pub(crate) fn approach(&self, headless: bool) -> Option<Approach> {
        if headless {
            Some(Approach::Headless)
        } else {
            std::io::stderr().is_terminal().then_some(Approach::Browser(self.open_browser))
        }
    }
}

fn keep_dir() -> PathBuf {
    directories::ProjectDirs::from("", "", "bailiwick")
        .map_or_else(|| Path::new(".bailiwick").to_owned(), |dirs| dirs.data_dir().join("client"))
}

/// Starts the desktop's browser. Without a desktop nothing is tried: what would start then is a text browser, in the
/// very terminal the person is reading.
fn open_browser(url: &str) -> bool {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"];
    if cfg!(target_os = "linux") && desktop.into_iter().all(|name| wire::environment(name).is_none()) {
        return false;
    }
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options).is_ok()
}
