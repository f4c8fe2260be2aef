//! `bailiwick tools`: what may be called.

use std::process::ExitCode;

use bailiwick_client::{Connection, ConnectionError, Recourse, ServerUrl, Tool};
use serde_json::Value;

use super::client_world::{ClientWorld, Reach, words};

/// `bailiwick tools URL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Tools {
    /// URL of the MCP server
    url: ServerUrl,
    /// Print the server's own list as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) async fn run(args: Tools, world: &ClientWorld) -> ExitCode {
    match listed(&args, world).await {
        Ok(raw) if args.json => words::result(&Value::Array(raw).to_string()),
        Ok(raw) => {
            let tools: Vec<Tool> = raw.iter().filter_map(Tool::read).collect();
            if tools.is_empty() {
                words::note(&format!("bailiwick: this login may call no tool of {}", args.url));
            } else {
                words::result(&table(&tools));
            }
        }
        Err(error) => return words::no_result("the list of tools", &args.url, &error),
    }
    ExitCode::SUCCESS
}

async fn listed(args: &Tools, world: &ClientWorld) -> Result<Vec<Value>, ConnectionError> {
    let client = world.client();
    let login = args.reach.login(world);
    let mut connection = Connection::open(&client, &args.url, Recourse { login, step_up: login }).await?;
    let listed = connection.listed().await;
    connection.close().await;
    listed
}

/// Name, mark and first line, in columns.
fn table(tools: &[Tool]) -> String {
    let width = |longest: Option<usize>| longest.unwrap_or_default().min(40);
    let name = width(tools.iter().map(|tool| tool.name.chars().count()).max());
    let mark = width(tools.iter().map(|tool| tool.marked.as_str().len()).max());
    let row = |tool: &Tool| format!("{:name$}  {:mark$}  {}", tool.name, tool.marked.as_str(), tool.says);
    tools.iter().map(|tool| row(tool).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let tool = |name: &str, says: &str, marked| Tool {
            name: name.to_owned(),
            says: says.to_owned(),
            marked,
            input_schema: Value::Null,
        };
        let tools = [
            tool("list_notes", "List all notes", bailiwick_client::Marked::Read),
            tool("rm", "", bailiwick_client::Marked::Destructive),
        ];

        assert_eq!(table(&tools), "list_notes  read         List all notes\nrm          destructive");
    }
}
