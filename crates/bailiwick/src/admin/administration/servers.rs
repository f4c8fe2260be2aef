//! Servers and their tools. Only a running process has asked them.

use bailiwick_domain::policy::{Catalogue, Server};
use bailiwick_domain::uri::ServerName;
use serde_json::{Value, json};

use super::{Administration, Refused};

impl Administration {
    pub(super) fn servers(&self) -> Value {
        let Some(catalogue) = &self.catalogue else {
            let named = |name: &String| json!({ "server": name, "state": "not running", "tools": null });
            return self.in_force.load().names("server").iter().map(named).collect();
        };
        let row = |server: &Server| {
            json!({
                "server": called(server),
                "title": server.title,
                "state": if server.reachable { "reachable" } else { "not reachable" },
                "tools": server.tools.len(),
                "url": server.resource,
            })
        };
        catalogue.load().servers.iter().map(row).collect()
    }

    pub(super) fn tools(&self, name: Option<&str>) -> Result<Value, Refused> {
        let Some(catalogue) = &self.catalogue else {
            return Err(Refused(
                "servers are asked for their tools only while `bailiwick serve` runs; start it".to_owned(),
            ));
        };
        let catalogue: &Catalogue = &catalogue.load();
        let server = match (name, catalogue.servers.as_slice()) {
            (None, [only]) => Some(only),
            (name, servers) => servers.iter().find(|server| called(server) == name.unwrap_or("-")),
        };
        let server = server.ok_or_else(|| {
            let known: Vec<_> = catalogue.servers.iter().map(called).collect();
            Refused(format!("name one of the servers: {}", known.join(", ")))
        })?;
        let row = |tool: &bailiwick_domain::policy::Tool| {
            let scopes: Vec<_> = tool.scopes.iter().map(bailiwick_domain::scope::Scope::as_str).collect();
            let stopped = self.store.revocations().is_tool_stopped(server.resource.as_str(), &tool.name);
            json!({
                "tool": tool.name,
                "risk": tool.risk.as_str(),
                "state": if stopped { "stopped" } else { "open" },
                "scopes": scopes.join(" "),
                "title": tool.title,
            })
        };
        Ok(server.tools.iter().map(row).collect())
    }
}

/// The name of a server; `-` for the one at `/mcp` itself.
pub(super) fn called(server: &Server) -> &str {
    server.name.as_ref().map_or("-", ServerName::as_str)
}
