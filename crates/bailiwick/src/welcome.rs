//! What `serve` prints: where the server is, how the first account is made, how to connect each client, what to try.

use std::fmt::Write as _;

use bailiwick_domain::policy::Server;

use crate::house::House;

/// Prints the welcome to standard output.
pub(crate) async fn print(house: &House, dev_approve: Option<&str>) {
    let catalogue = house.catalogue.load();
    let mut text = format!("\nBailiwick {} is ready at {}\n\n", env!("CARGO_PKG_VERSION"), house.issuer);
    for server in &catalogue.servers {
        describe(&mut text, server);
    }
    let newcomer = !house.store.any_user().await.unwrap_or(true);
    if let Some(user) = dev_approve {
        let _ = writeln!(
            text,
            "\n  !! --dev-approve: everyone who can reach this port acts as {user:?} and every consent is given at once."
        );
    } else if newcomer {
        let _ = writeln!(text, "\n  First account     {}   (works once)", house.setup.link(&house.issuer));
    } else {
        let _ = writeln!(text, "\n  Your account      {}", house.issuer.join("/account"));
    }
    for server in &catalogue.servers {
        connect(&mut text, server);
    }
    println!("{text}");
}

fn describe(text: &mut String, server: &Server) {
    let state = match server.tools.len() {
        _ if !server.reachable => "not reachable yet".to_owned(),
        1 => "1 tool".to_owned(),
        many => format!("{many} tools"),
    };
    let _ = writeln!(text, "  MCP server        {}   ({}, {state})", server.resource, server.title);
}

fn connect(text: &mut String, server: &Server) {
    let url = server.resource.as_str();
    let name = server.name.as_ref().map_or("bailiwick", |name| name.as_str());
    let _ = writeln!(text, "\nConnect a client to {}", server.title);
    for line in bailiwick_authority::lines(name, url) {
        let shown = line.text.replace('\n', &format!("\n{:26}", ""));
        let _ = writeln!(text, "  {:<23} {shown}", line.client);
    }
    let sample = server.tools.iter().any(|tool| tool.name == "list_notes");
    let rest = if sample { format!("call {url} list_notes") } else { format!("tools {url}") };
    let me = std::env::args().next().unwrap_or_else(|| "bailiwick".to_owned());
    let _ = writeln!(text, "\nTry it from another terminal\n  {me} {rest}");
}
