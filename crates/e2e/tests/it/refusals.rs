//! What bad beginnings get: one line that says what to do, and nothing lost.

use bailiwick_e2e::probe::import;
use bailiwick_e2e::{Setup, World};

/// The one line a refusal consists of.
fn one_line(said: &str) -> &str {
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains("MUTANT")).collect();
    assert_eq!(lines.len(), 1, "one line, not:\n{said}");
    assert!(lines[0].starts_with("bailiwick: "), "{said}");
    lines[0]
}

#[test]
fn a_broken_configuration_is_named_with_line_and_column() {
    let said = Setup::config("[server.notes]\nupstraem = \"http://localhost:1/mcp\"\n").refused();

    let line = one_line(&said);
    assert!(line.contains("line 2, column 1: unknown field `upstraem`"), "{line}");
}

#[test]
fn two_parties_with_one_audience_are_refused() {
    let agent = |name: &str, rest: &str| bailiwick_e2e::agents::section(name, rest);
    let both = "resource = \"http://localhost:4001\"";
    let notes = "[server.notes]\nupstream = \"http://localhost:1/mcp\"\n";
    let at_notes = "resource = \"https://mcp.example.com/mcp/notes\"";
    for (config, says) in [
        (format!("{notes}{}{}", agent("a", both), agent("b", both)), "agent.b: its resource is that of agent.a"),
        (format!("{notes}{}", agent("a", at_notes)), "agent.a: its resource is that of server.notes"),
    ] {
        let config = format!("public_url = \"https://mcp.example.com\"\n{config}");
        let said = Setup::config(config).env("A_SECRET", "one secret").env("B_SECRET", "another secret").refused();

        assert!(one_line(&said).contains(says), "{said}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = Setup::sample().arg("--listen").arg(&format!("127.0.0.1:{port}")).refused_anywhere();

    let line = one_line(&said);
    assert!(line.contains(&format!("{port} is taken")) && line.contains("--listen"), "{line}");
}

#[test]
fn a_second_process_on_one_sqlite_file_is_refused() {
    let world: World = Setup::sample().start();
    let said = Setup::sample().beside(&world).refused();

    let line = one_line(&said);
    assert!(line.contains("another process"), "{line}");
}

#[test]
fn a_wrong_master_key_is_refused_and_nothing_is_lost() {
    let ended = Setup::sample().start().stop();
    let key = ended.data().join("master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let said = Setup::sample().after(&ended).refused();
    let line = one_line(&said);
    assert!(line.contains("master key"), "{line}");

    std::fs::remove_file(&key).unwrap();
    let said = Setup::sample().after(&ended).refused();
    assert!(one_line(&said).contains("restore it from a backup"), "{said}");

    std::fs::write(&key, right).unwrap();
    Setup::sample().after(&ended).start();
}

#[test]
fn approving_everything_is_refused_beyond_loopback() {
    let said = Setup::sample().approving("alice").arg("--public-url").arg("https://mcp.example.com").refused();

    assert!(one_line(&said).contains("--dev-approve"), "{said}");
}

#[test]
fn an_upstream_that_is_down_stops_nobody_else() {
    let world = Setup::upstream("http://127.0.0.1:1/mcp").start();

    assert!(world.log().contains("not reachable"), "{}", world.log());
}

#[test]
fn an_import_that_would_overwrite_or_finds_nothing_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("imported.toml");
    std::fs::write(&config, "# ours\n[server.notes]\nupstream = \"http://localhost:1/mcp\"\n").unwrap();
    for (desktop, says) in [
        (r#"{"mcpServers": {"Notes": {"command": "notes", "env": {"TOKEN": "t"}}}}"#, "take its place with --replace"),
        (r#"{"mcpServers": {"old": {"url": "http://localhost:1/sse"}}}"#, "nothing to move"),
        (r#"{"mcpServers": {"a": {"command": "TOKEN=t" "#, "not JSON at line 1"),
        (r#"{"theme": "dark"}"#, "no MCP servers"),
    ] {
        let output = import(data.path(), desktop, &[], &[]);

        assert!(!output.status.success() && output.stdout.is_empty(), "{desktop}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says) && !said.contains("TOKEN=t"), "{said}");
    }
    assert!(std::fs::read_to_string(&config).unwrap().starts_with("# ours\n[server.notes]\nupstream"));
    assert!(!data.path().join("bailiwick.db").exists(), "nothing was sealed");
}

#[test]
fn an_import_keeps_what_is_written_and_a_dry_run_writes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("imported.toml");
    let before = "# ours\nlisten = \"localhost:9000\" # here\n\n[server.notes.scopes]\n\"notes:read\" = { tools = [\"get_*\"], says = \"Read\" }\n\n[server.notes]\nupstream = \"http://localhost:1/mcp\"\n";
    std::fs::write(&config, before).unwrap();
    let desktop = "{ // VS Code\n \"servers\": { \"Notes\": { \"command\": \"notes\", \"env\": { \"TOKEN\": \"${input:t}\", }, }, } }";

    let dry = import(data.path(), desktop, &["--replace", "--dry-run"], &[]);
    assert!(dry.status.success());
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);

    let output = import(data.path(), desktop, &["--replace"], &[]);

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, dry.stdout);
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["servers"]["Notes"]["url"], "http://localhost:9000/mcp/notes");
    let after = std::fs::read_to_string(&config).unwrap();
    for kept in ["# ours", "# here", "\"notes:read\" = {", "command = [\"notes\"]", "TOKEN = { env = \"TOKEN\" }"] {
        assert!(after.contains(kept), "{kept} is not in\n{after}");
    }
    assert!(!after.contains("upstream"), "{after}");
}
