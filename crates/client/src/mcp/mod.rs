//! MCP over streamable HTTP as a client speaks it (revisions 2025-03-26 to 2025-11-25).

mod answer;
mod arguments;
mod session;
mod sse;
mod tool;
mod trouble;

pub use answer::Answer;
pub use arguments::{Arguments, ArgumentsError};
pub(crate) use session::{Session, Wire, knock};
pub use tool::{Marked, Tool};
pub(crate) use trouble::Trouble;
