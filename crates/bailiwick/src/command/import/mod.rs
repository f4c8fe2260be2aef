//! `bailiwick import FILE`: takes a desktop client's servers behind the gateway. Their secrets are sealed first; then
//! the configuration refers to them; then the client gets an entry without any.

mod answer;
mod desktop;
mod lenient;
mod moving;
mod sealing;
mod section;
mod suspect;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_domain::uri::{Issuer, ServerName};
use bailiwick_net::Listen;
use clap::Args;

use self::desktop::{Desktop, Found, How};
use self::moving::{Moving, name_of};
use self::section::Draft;
use crate::args::DataDirectory;
use crate::config::Config;

/// `bailiwick import`.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The client's own list of servers: Claude's, Cursor's, Windsurf's, VS Code's, or another's like these
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Configuration file to write the servers into; made when it is missing
    #[arg(
        long,
        value_name = "FILE",
        env = "BAILIWICK_CONFIG",
        hide_env_values = true,
        default_value = "bailiwick.toml"
    )]
    config: PathBuf,
    #[command(flatten)]
    data: DataDirectory,
    /// Only this server of the file, under its own name or another; may be repeated
    #[arg(long, value_name = "SERVER[=NAME]")]
    name: Vec<String>,
    /// Take the place of servers of the same name in the configuration; their scopes and titles stay
    #[arg(long)]
    replace: bool,
    /// The origin clients reach the gateway at [default: as configured, else localhost:8787]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Show what would be written and printed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(crate) async fn run(args: Import) -> ExitCode {
    match import(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => {
            eprintln!("bailiwick: {says}");
            ExitCode::FAILURE
        }
    }
}

async fn import(args: &Import) -> Result<(), String> {
    let text =
        std::fs::read_to_string(&args.file).map_err(|error| format!("cannot read {}: {error}", args.file.display()))?;
    let desktop = Desktop::read(&text).map_err(|says| format!("{}: {says}", args.file.display()))?;
    let (mut draft, config) = Draft::read(&args.config)?;
    let origin = origin(args, &config)?;
    let shape = desktop.shape;
    let (moved, left) = sort(desktop.servers, &args.name, &origin)?;
    if moved.is_empty() {
        return Err(format!("{}: nothing to move\n{}", args.file.display(), answer::account(&moved, &left)));
    }
    refuse_taken(args, &config, &moved)?;
    for moving in &moved {
        draft.put(moving)?;
    }
    if args.dry_run {
        eprintln!("{} would be:\n\n{}", args.config.display(), draft.text());
    } else {
        let data = args.data.path().ok_or("no data directory; give one with --data DIR")?;
        // A server without secrets may have had some before.
        let sealing = moved
            .iter()
            .filter(|moving| !moving.secrets.is_empty() || config.server.contains_key(moving.name.as_str()));
        sealing::seal(sealing, &config, &data).await?;
        draft.write()?;
        eprintln!("{}:", args.config.display());
    }
    eprint!("{}{}", answer::account(&moved, &left), answer::instead(&args.file));
    let entry = format!("{:#}\n", answer::entry(shape, &origin, &moved));
    // Whoever reads it may have gone; then there is nobody to tell.
    std::io::stdout().write_all(entry.as_bytes()).ok();
    eprint!("{}", answer::after(&args.config, args.data.given(), &moved));
    Ok(())
}

/// The servers that can be moved, and why the others cannot.
type Sorted = (Vec<Moving>, Vec<(String, String)>);

fn sort(found: Vec<Found>, chosen: &[String], origin: &str) -> Result<Sorted, String> {
    let chosen: Vec<(&str, Option<&str>)> =
        chosen.iter().map(|word| word.split_once('=').map_or((word.as_str(), None), |(a, b)| (a, Some(b)))).collect();
    if let Some((missing, _)) = chosen.iter().find(|(label, _)| found.iter().all(|server| server.label != *label)) {
        return Err(format!("there is no server {missing:?} in the file"));
    }
    let (mut moved, mut left, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Found { label, how } in found {
        let choice = chosen.iter().find(|(chosen, _)| *chosen == label);
        if choice.is_none() && !chosen.is_empty() {
            continue;
        }
        let name = match choice.and_then(|(_, name)| *name) {
            Some(name) => crate::command::config::server_name(name).map_err(|error| error.to_string())?,
            None => free_name(&label, &taken)?,
        };
        let moving = how.and_then(|how| outside(how, origin)).and_then(|how| Moving::new(name.clone(), &label, how));
        match moving {
            Ok(_) if !taken.insert(name.clone()) => return Err(format!("two servers cannot both be named {name}")),
            Ok(moving) => moved.push(moving),
            Err(reason) => left.push((label, reason)),
        }
    }
    Ok((moved, left))
}

/// The first name like `label` that no server before it has.
fn free_name(label: &str, taken: &BTreeSet<ServerName>) -> Result<ServerName, String> {
    let plain = name_of(label);
    let names = std::iter::once(plain.clone()).chain((2..100).map(|n| format!("{plain}-{n}")));
    names
        .filter_map(|name| ServerName::parse(&name))
        .find(|name| !taken.contains(name))
        .ok_or_else(|| format!("{label:?}: too many servers of that name; choose one with --name"))
}

/// A server that is behind the gateway already would be put behind itself.
fn outside(how: How, origin: &str) -> Result<How, String> {
    match &how {
        How::Remote { url, .. } if url.as_str().starts_with(&format!("{origin}/mcp")) => {
            Err("it is behind the gateway already".to_owned())
        }
        How::Remote { .. } | How::Program { .. } => Ok(how),
    }
}

fn refuse_taken(args: &Import, config: &Config, moved: &[Moving]) -> Result<(), String> {
    let taken = moved.iter().find(|moving| config.server.contains_key(moving.name.as_str()));
    match taken {
        Some(moving) if !args.replace => Err(format!(
            "{} has a [server.{}] already: take its place with --replace, or choose another name with --name {:?}",
            args.config.display(),
            moving.name,
            format!("{}=OTHER", moving.label),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Where clients will find the gateway.
fn origin(args: &Import, config: &Config) -> Result<String, String> {
    let url = args.public_url.clone().or_else(|| config.public_url.clone()).unwrap_or_else(|| {
        let port = config.listen.as_deref().and_then(Listen::parse).map_or(8787, |listen| match listen {
            Listen::Localhost(port) => port,
            Listen::At(address) => address.port(),
        });
        format!("http://localhost:{port}")
    });
    Issuer::parse(&url).map(|issuer| issuer.as_str().to_owned()).map_err(str::to_owned)
}
