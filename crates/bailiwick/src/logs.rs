//! Logs go to standard error, as lines for people or as JSON. Every line of a request carries its correlation id.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::args::{Command, LogFormat};
use crate::wire;

/// Begins to log. `BAILIWICK_LOG` sets the level, such as `debug` or `bailiwick_gateway=trace`; without it a server
/// says what it refuses and what it does of itself, and other commands only what went wrong.
pub(crate) fn to_stderr(command: &Command) {
    let (usual, format) = if let Command::Serve(args) = command {
        ("warn,bailiwick=info", args.log_format)
    } else {
        ("warn", LogFormat::Text)
    };
    let filter = wire::environment("BAILIWICK_LOG").unwrap_or_else(|| usual.to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_default();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).init(),
    }
}
