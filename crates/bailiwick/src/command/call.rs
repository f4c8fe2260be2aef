//! `bailiwick call`: one tool called, its answer printed; a refusal says what is missing and how to get it.

use std::process::ExitCode;

use bailiwick_client::{Answer, Arguments, Connection, ConnectionError, Recourse, ServerUrl};
use serde_json::{Map, Value};

use super::client_world::{ClientWorld, Reach, words};

/// `bailiwick call URL TOOL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Call {
    /// URL of the MCP server
    url: ServerUrl,
    /// The tool
    tool: String,
    /// Arguments as the tool's schema types them; JSON where it asks for more than text
    #[arg(value_name = "KEY=VALUE", conflicts_with = "json")]
    arguments: Vec<String>,
    /// The arguments as one JSON object
    #[arg(long, value_name = "{…}", value_parser = object)]
    json: Option<Object>,
    /// Print the whole answer as JSON
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    reach: Reach,
    /// Ask for a missing scope at once
    #[arg(long, conflicts_with = "no_login")]
    step_up: bool,
}

type Object = Map<String, Value>;

pub(crate) async fn run(args: Call, world: &ClientWorld) -> ExitCode {
    let arguments = match &args.json {
        Some(object) => Ok(Arguments::Json(object.clone())),
        None => Arguments::of_words(&args.arguments),
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return words::misused(&error.to_string()),
    };
    match called(&args, &arguments, world).await {
        Ok(answer) => tell(&args, &answer),
        Err(error) => words::no_result(&args.tool, &args.url, &error),
    }
}

async fn called(args: &Call, arguments: &Arguments, world: &ClientWorld) -> Result<Answer, ConnectionError> {
    let client = world.client();
    let login = args.reach.login(world);
    let recourse = Recourse { login, step_up: login.filter(|_| args.step_up) };
    let mut connection = Connection::open(&client, &args.url, recourse).await?;
    let answer = connection.call(&args.tool, arguments).await;
    connection.close().await;
    answer
}

fn tell(args: &Call, answer: &Answer) -> ExitCode {
    if args.raw {
        words::result(&answer.raw().to_string());
    }
    match (answer.failed(), answer.rule()) {
        (false, _) if args.raw => ExitCode::SUCCESS,
        (false, _) => {
            words::result(&answer.text());
            ExitCode::SUCCESS
        }
        (true, Some(rule)) => {
            words::failed(&format!("{} was refused: {} (rule {rule})", args.tool, answer.text().trim_end()))
        }
        (true, None) => {
            words::note(&answer.text());
            words::failed(&format!("{} failed", args.tool))
        }
    }
}

fn object(raw: &str) -> Result<Object, String> {
    serde_json::from_str(raw).map_err(|error| format!("not a JSON object: {error}"))
}
