//! Two processes on one PostgreSQL, four agents in a row, and a river at the end of every one of them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agents::{self, Agent};
use crate::river::{Flow, River};
use crate::{App, Mcp, Setup, Tokens, World, admin};

/// The agents, in the order in which they hand on.
pub const ROW: [&str; 4] = ["ada", "bea", "cyd", "dot"];
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

/// The house in two processes.
pub struct Relay {
    pub base: String,
    pub worlds: Vec<World>,
    pub ports: [u16; 2],
    pub app: App,
    setups: [Setup; 2],
    _river: River,
}

/// One user's authority, handed on from agent to agent.
pub struct Chain {
    /// What the app was given, for the first agent.
    pub front: Tokens,
    /// What each agent was handed.
    pub handed: Vec<String>,
    /// What each agent obtained for the server.
    pub leaves: Vec<String>,
}

/// What a token calls itself.
pub fn jti(token: &str) -> String {
    crate::oauth::claims(token)["jti"].as_str().unwrap().to_owned()
}

/// Two ports that no connection of this machine is given by chance while the process that had one starts again.
fn free_ports() -> [u16; 2] {
    let first = 20_000 + 2 * u16::try_from(std::process::id() % 5_000).unwrap();
    let free = |port: u16| ["127.0.0.1", "::1"].iter().all(|at| std::net::TcpListener::bind((*at, port)).is_ok());
    // Tests that run side by side have neighbouring process ids.
    let mut pairs = (first..30_000).step_by(2).chain((20_000..first).step_by(2)).map(|port| [port, port + 1]);
    pairs.find(|pair| pair.iter().all(|port| free(*port))).expect("two free ports")
}

fn config(river: &River, database: &str, staleness: u64) -> String {
    let mut text = format!(
        "database = \"{database}\"\nkey = {{ env = \"BW_KEY\" }}\nstaleness = {staleness}\n[server.notes]\nupstream = \"{}\"\n",
        river.url
    );
    for (n, name) in ROW.iter().enumerate() {
        let next = ROW.get(n + 1).map_or_else(String::new, |next| format!("\"{next}\", "));
        text.push_str(&agents::section(name, &format!("may_call = [{next}\"notes\"]")));
    }
    text
}

impl Relay {
    /// Both on one database; `None` where there is none.
    pub async fn start() -> Option<Self> {
        let database = crate::world::fresh_database().await?;
        Some(Self::on([&database, &database], 5).await)
    }

    /// Each with its own way to the database.
    pub async fn on(databases: [&str; 2], staleness: u64) -> Self {
        let river = River::start().await;
        let ports = free_ports();
        let base = format!("http://localhost:{}", ports[0]);
        let setups = databases.map(|database| {
            let setup = Setup::config(config(&river, database, staleness)).env("BW_KEY", KEY).approving("alice");
            let setup = setup.arg("--public-url").arg(&base);
            ROW.iter().fold(setup, |setup, name| setup.env(&agents::variable(name), &agents::secret(name)))
        });
        let worlds = (0..2).map(|n| setups[n].clone().on(Arc::new(TempDir::new().unwrap()), ports[n]).start());
        let worlds: Vec<World> = worlds.collect();
        let app = App::register_for(&base, &format!("{base}/agent/{}", ROW[0])).await;
        Self { base, worlds, ports, app, setups, _river: river }
    }

    /// Ends a process and starts it again.
    pub async fn restart(&mut self, which: usize) {
        let former = self.worlds.remove(which);
        let (setup, port) = (self.setups[which].clone(), self.ports[which]);
        let again = move || {
            let ended = former.stop();
            setup.after(&ended).at(port).start()
        };
        self.worlds.insert(which, tokio::task::spawn_blocking(again).await.unwrap());
    }

    /// Has an order carried out by one of them.
    pub async fn order(&self, which: usize, order: &Value) -> Result<Value, String> {
        admin::order(self.worlds[which].data(), order).await
    }

    fn url(&self, which: usize) -> String {
        format!("http://127.0.0.1:{}/mcp/notes", self.ports[which])
    }

    fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The server, asked at one of them.
    pub fn at(&self, which: usize, token: &str) -> Mcp {
        Mcp::new(&self.url(which), Some(token)).header("host", self.host())
    }

    /// An open stream at one of them.
    pub async fn flow(&self, which: usize, token: &str) -> Flow {
        Flow::open(&self.url(which), self.host(), token).await
    }

    /// The status of one call.
    pub async fn look(&self, which: usize, token: &str) -> u16 {
        self.at(which, token).call("look", json!({})).await.status.as_u16()
    }

    /// The agent of that name.
    pub fn agent(&self, name: &str) -> Agent {
        Agent::new(&self.base, name)
    }

    /// A new chain of four hops. Within the second in which an agent was started again nothing is issued to it.
    pub async fn chain(&self) -> Chain {
        let mut last = Value::Null;
        for _ in 0..40 {
            match self.try_chain().await {
                Ok(chain) => return chain,
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no chain: {last}");
    }

    async fn try_chain(&self) -> Result<Chain, Value> {
        let front = self.app.tokens("notes:read").await;
        let (mut handed, mut leaves) = (vec![front.access.clone()], Vec::new());
        for (n, name) in ROW.iter().enumerate() {
            let (agent, token) = (self.agent(name), handed[n].clone());
            leaves.push(agent.exchange(&token, "notes").await?.access);
            if let Some(next) = ROW.get(n + 1) {
                handed.push(agent.exchange(&token, next).await?.access);
            }
        }
        Ok(Chain { front, handed, leaves })
    }
}
