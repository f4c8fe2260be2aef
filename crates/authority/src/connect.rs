//! Paste-ready lines that connect the common clients to a server.

use serde_json::json;

/// One client and the line that connects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What people call the client.
    pub client: &'static str,
    /// Where the line goes, when not into a terminal.
    pub says: &'static str,
    /// The line.
    pub text: String,
}

/// The lines for the server at `url`, which the client will call `name`.
pub fn lines(name: &str, url: &str) -> Vec<Line> {
    let code = json!({ "name": name, "type": "http", "url": url });
    let cursor = json!({ "mcpServers": { name: { "url": url } } });
    let line = |client, says, text| Line { client, says, text };
    vec![
        line("Claude Code", "", format!("claude mcp add --transport http {name} {url}")),
        line("VS Code", "", format!("code --add-mcp '{code}'")),
        line("Cursor", "In ~/.cursor/mcp.json", format!("{cursor:#}")),
        line("MCP Inspector", "", format!("npx @modelcontextprotocol/inspector --transport http --server-url {url}")),
        line("Bailiwick's own client", "", format!("bailiwick login {url}\nbailiwick tools {url}")),
        line("curl", "Answers 401 and says where to get a token", format!("curl -i -X POST {url}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_the_server() {
        for line in lines("notes", "http://localhost:8787/mcp/notes") {
            assert!(line.text.contains("http://localhost:8787/mcp/notes"), "{}", line.client);
        }
    }
}
