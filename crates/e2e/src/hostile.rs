//! A hosted server that is an enemy, and what it is sent against.

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use bailiwick_domain::control::Control;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{App, Mcp, Setup, World};

/// A house with the enemy in it, and bait laid out.
pub struct Hostile {
    pub world: World,
    bait: Bait,
    token: String,
}

struct Bait {
    /// The home of whoever runs the gateway.
    home: TempDir,
    /// Where the enemy's program lies: given for reading.
    program: TempDir,
    tcp: TcpListener,
    path: PathBuf,
    abstract_name: String,
    _held: (UnixListener, UnixListener),
}

impl Bait {
    fn lay() -> Self {
        let home = TempDir::new_in("/var/tmp").unwrap();
        std::fs::create_dir(home.path().join(".ssh")).unwrap();
        std::fs::write(home.path().join(".ssh/id_ed25519"), "a private key").unwrap();
        let program = TempDir::new_in("/var/tmp").unwrap();
        std::fs::write(program.path().join("hostile.py"), include_str!("hostile.py")).unwrap();
        let path = home.path().join("agent.sock");
        let abstract_name = format!("bailiwick-e2e-{}", program.path().display());
        let named = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let held = (UnixListener::bind(&path).unwrap(), UnixListener::bind_addr(&named).unwrap());
        Self { home, program, tcp: TcpListener::bind("127.0.0.1:0").unwrap(), path, abstract_name, _held: held }
    }

    fn script(&self) -> PathBuf {
        self.program.path().join("hostile.py")
    }
}

impl Hostile {
    /// Starts the house with these controls off, and more of the enemy's configuration.
    pub async fn start(off: &[Control], more: &str) -> Self {
        Self::start_in(Setup::config, off, more).await
    }

    async fn start_in(setup: impl Fn(String) -> Setup, off: &[Control], more: &str) -> Self {
        let bait = Bait::lay();
        let script = bait.script();
        let config = format!("[server.hostile]\ncommand = [\"/usr/bin/python3\", \"{}\"]\n{more}\n", script.display());
        let setup = setup(config).approving("alice").without(off);
        let home = bait.home.path().to_str().unwrap();
        let world = setup.env("HOME", home).env("OPERATOR_SECRET", "keep").start();
        let resource = world.url("/mcp/hostile");
        let token = App::register_for(&world.base, &resource).await.tokens("hostile:read").await.access;
        Self { world, bait, token }
    }

    /// A new session with it.
    pub async fn session(&self) -> Mcp {
        let mut client = Mcp::new(&self.world.url("/mcp/hostile"), Some(&self.token));
        let begun = client.begin().await;
        assert!(begun.is_result(), "{} {}\n{}", begun.status, begun.text, self.world.log());
        client
    }

    /// What one of its tools answers.
    pub async fn ask(&self, client: &Mcp, tool: &str, arguments: Value) -> Value {
        let answer = client.call(tool, arguments).await;
        assert!(answer.is_result(), "{} {}", answer.status, answer.text);
        serde_json::from_str(answer.body["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
    }

    /// Sends it against everything; what it reached, by kind.
    pub async fn attack(&self) -> Value {
        let client = self.session().await;
        let data = self.world.data();
        let file = |name: &str| data.join(name).to_str().unwrap().to_owned();
        let port: u16 = self.world.base.rsplit(':').next().unwrap().parse().unwrap();
        let home = self.bait.home.path();
        let told = json!({
            "files": [file("master.key"), file("bailiwick.db"), file("admin.token"), file("bailiwick.toml"),
                      home.join(".ssh/id_ed25519")],
            "directories": [data, home, self.bait.program.path()],
            "paths": [file("admin.sock"), self.bait.path],
            "gateway": self.world.process(),
            "ports": [port, self.bait.tcp.local_addr().unwrap().port()],
            "hosts": ["127.0.0.1", address_of_this_machine()],
            "abstract": [self.bait.abstract_name],
        });
        let mut reached = self.ask(&client, "attack", told).await;
        for place in [data, home, self.bait.program.path()].map(|place| place.join("hostile")) {
            if place.exists() {
                reached["files"] = json!([reached["files"], format!("wrote {}", place.display())]);
            }
        }
        reached
    }

    /// Where its program lies.
    pub fn program(&self) -> &Path {
        self.bait.program.path()
    }
}

/// An address of this machine that is not loopback, where it has one; asking the kernel for a route sends nothing.
fn address_of_this_machine() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    own.map_or("127.0.0.2".to_owned(), |address| address.ip().to_string())
}
