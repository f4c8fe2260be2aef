//! The servers of a plan.

use std::path::Path;

use bailiwick_broker::{Credentials, Providers};
use bailiwick_domain::uri::{Issuer, ServerName};
use bailiwick_gateway::{Isolate, ServerSettings, Upstream};
use http::HeaderMap;

use super::{HouseError, warnings};
use crate::args;
use crate::config::{Config, ConfigError, SandboxEntry, Secret, ServerEntry, Text};
use crate::keep;
use crate::sandbox::Hosting;

/// The servers of the file, and the one of the command line; the sample server when there is none at all.
pub(super) fn servers(args: &args::Serve, config: &Config, data: &Path) -> Result<Vec<ServerSettings>, HouseError> {
    let key = config.key.as_ref().and_then(Secret::path);
    let hosting = Hosting::new(data, &[args.config.as_deref(), key], args.no_sandbox)?;
    let mut servers = Vec::new();
    for (name, entry) in &config.server {
        let settings = entry.settings(Some(crate::command::config::server_name(name)?))?;
        servers.push(hosting.host(settings, &entry.sandbox)?);
    }
    let name = args.name.as_deref().map(crate::command::config::server_name).transpose()?;
    if name.is_some() && config.server.contains_key(args.name.as_deref().unwrap_or_default()) {
        return Err(HouseError::Other("--name is the name of a server in the configuration file already".to_owned()));
    }
    let given = args.upstream.is_some() || !args.child.is_empty() || args.openapi.is_some();
    if given {
        let entry = from_command_line(args);
        servers.push(hosting.host(entry.settings(name)?, &entry.sandbox)?);
        if !args.child.is_empty() && !args.no_sandbox {
            eprintln!(
                "bailiwick: the server behind may use the network; `sandbox = {{ network = false }}` in a configuration file cuts it off"
            );
        }
    } else if servers.is_empty() {
        servers.push(sample(name, &hosting, data)?);
    }
    for warning in warnings::of(&servers) {
        eprintln!("bailiwick: {warning}");
    }
    Ok(servers)
}

/// What people can connect accounts of theirs to.
pub(super) fn connections(servers: &[ServerSettings]) -> Result<Providers, ConfigError> {
    let mut providers = Providers::default();
    for server in servers {
        server.add_connections(&mut providers).map_err(|error| ConfigError::Value(error.to_string()))?;
    }
    Ok(providers)
}

fn from_command_line(args: &args::Serve) -> ServerEntry {
    let child = (!args.child.is_empty()).then(|| args.child.iter().cloned().map(Text::Plain).collect());
    if let Some(file) = &args.openapi {
        return ServerEntry {
            openapi: Some(file.clone()),
            base_url: args.upstream.clone().map(Text::Plain),
            title: args.name.clone(),
            ..ServerEntry::default()
        };
    }
    let title = args.name.clone().or_else(|| title_of(args.upstream.as_deref(), &args.child));
    // What a person starts by hand is most often fetched first.
    let sandbox = SandboxEntry { network: true, ..SandboxEntry::default() };
    ServerEntry {
        upstream: args.upstream.clone().map(Text::Plain),
        command: child,
        title,
        sandbox,
        ..ServerEntry::default()
    }
}

/// A name people recognise: the package or program, or the host.
fn title_of(upstream: Option<&str>, child: &[String]) -> Option<String> {
    let url = upstream.and_then(|raw| url::Url::parse(raw).ok());
    if let Some(host) = url.as_ref().and_then(url::Url::host_str) {
        return Some(host.to_owned());
    }
    let word = child.iter().rev().find(|word| !word.starts_with('-'))?;
    let last = word.rsplit('/').next().unwrap_or(word);
    Some(last.to_owned())
}

fn sample(name: Option<ServerName>, hosting: &Hosting, data: &Path) -> Result<ServerSettings, HouseError> {
    let program = std::env::current_exe()
        .map_err(|error| HouseError::Other(format!("cannot find this program to start the sample server: {error}")))?;
    let home = hosting.home(SAMPLE);
    keep::private_directory(&home)
        .map_err(|error| HouseError::Other(format!("cannot make {}: {error}", home.display())))?;
    let notes = home.join("notes.json");
    // Where they were kept before the sample server had a home of its own.
    let former = data.join("sample-notes.json");
    if former.is_file() && !notes.exists() {
        std::fs::rename(&former, &notes)
            .map_err(|error| HouseError::Other(format!("cannot move {}: {error}", former.display())))?;
    }
    let notes = notes.to_string_lossy().into_owned();
    let mut settings = ServerSettings {
        name,
        title: "Sample notes".to_owned(),
        upstream: Upstream::Stdio {
            program: program.to_string_lossy().into_owned(),
            args: ["demo-server", "--notes"].map(str::to_owned).into_iter().chain([notes]).collect(),
            env: Vec::new(),
            secrets: Vec::new(),
            personal: Vec::new(),
            cwd: None,
            isolate: Isolate::Session,
        },
        headers: HeaderMap::new(),
        secrets: Vec::new(),
        credential: Credentials::default(),
        security: std::collections::BTreeMap::new(),
        tools: std::collections::BTreeMap::new(),
        discovery: None,
        groups: None,
        allow: std::collections::BTreeMap::new(),
        allowed_origins: Vec::new(),
    };
    hosting.host_at(&mut settings, &SandboxEntry::default(), SAMPLE)?;
    Ok(settings)
}

/// Where the sample server lives: no name of a server looks like this.
const SAMPLE: &str = "_sample";

/// A token for a server behind must be worth nothing here, so no audience may be one of ours.
pub(crate) fn refuse_own_audience(servers: &[ServerSettings], issuer: &Issuer) -> Result<(), HouseError> {
    let ours = |audience: &str| {
        url::Url::parse(audience).is_ok_and(|url| url.origin().ascii_serialization() == issuer.as_str())
    };
    match servers.iter().find(|server| server.audiences().any(ours)) {
        None => Ok(()),
        Some(server) => {
            let label = server.name.as_ref().map_or("the server".to_owned(), |name| format!("server.{name}"));
            Err(ConfigError::Value(format!(
                "{label}: it would be sent tokens that are valid at this gateway itself; give it another `audience`, or \
                 `credential = {{ kind = \"none\" }}`"
            ))
            .into())
        }
    }
}
