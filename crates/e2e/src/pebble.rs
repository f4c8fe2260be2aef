//! Pebble, the ACME authority that Let's Encrypt tests clients with, on loopback. It proves a name as the real one does, by
//! a TLS connection to it; only the port it connects to is another.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bailiwick_net::Http;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tempfile::TempDir;

use crate::tls::Pair;
use crate::world::free_port;

/// A running authority.
pub struct Pebble {
    child: Child,
    folder: TempDir,
    http: Http,
    directory: u16,
    management: u16,
}

impl Pebble {
    /// Starts one whose certificates live `life`, and that looks for TLS on `port`; `None` where it is not installed.
    ///
    /// # Panics
    /// In CI, where a missing authority is a failure.
    pub async fn start(port: u16, life: Duration) -> Option<Self> {
        let (folder, pair) = (TempDir::new().unwrap(), Pair::new());
        let (directory, management) = (free_port(), free_port());
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("ca.pem"), &pair.cert).unwrap();
        std::fs::write(at("ca.key"), &pair.key).unwrap();
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{directory}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": at("ca.pem"), "privateKey": at("ca.key"),
            "httpPort": free_port(), "tlsPort": port, "certificateValidityPeriod": life.as_secs(),
        } });
        std::fs::write(at("pebble.json"), config.to_string()).unwrap();
        let log = File::create(at("pebble.log")).unwrap();
        let started = Command::new("pebble")
            .arg("-config")
            .arg(at("pebble.json"))
            // Every order is proven anew, at once, and no request is refused for sport.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_AUTHZREUSE", "0"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .env_remove("PEBBLE_VA_ALWAYS_VALID")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let Ok(child) = started else {
            assert!(!crate::world::everything_is_there(), "pebble is missing");
            return None;
        };
        let http = Http::trusting(pair.cert.as_bytes());
        let pebble = Self { child, folder, http, directory, management };
        for _ in 0..200 {
            if pebble.get(&format!("https://localhost:{directory}/dir")).await.is_some() {
                return Some(pebble);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("pebble does not answer:\n{}", pebble.log());
    }

    /// The `tls` line of a configuration that asks it.
    pub fn line(&self) -> String {
        let ca = self.folder.path().join("ca.pem");
        let directory = format!("https://localhost:{}/dir", self.directory);
        format!("tls = {{ acme = \"ops@example.com\", directory = \"{directory}\", ca_file = \"{}\" }}", ca.display())
    }

    /// The certificate all of its own hang from, in PEM.
    pub async fn root(&self) -> Bytes {
        let url = format!("https://localhost:{}/roots/0", self.management);
        self.get(&url).await.expect("the root certificate")
    }

    /// Ends it; its files stay.
    pub fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it wrote about its work.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pebble.log")).unwrap_or_default()
    }

    async fn get(&self, url: &str) -> Option<Bytes> {
        let request = Request::get(url).body(Full::default()).unwrap();
        let (parts, body) = self.http.fetch(request, 1 << 20).await.ok()?;
        parts.status.is_success().then_some(body)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.end();
    }
}
