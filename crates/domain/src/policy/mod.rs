//! What may be called: servers, their tools, the scopes that group them in words a person can consent to, and the one
//! answer that serves both the listing of a tool and its call.

pub mod decide;
pub mod model;
mod pattern;
pub mod server;

pub use decide::{Ask, Decision, decide, enter, visible};
pub use model::{Catalogue, Risk, ScopeGroup, Tool, ToolFacts};
pub use pattern::Pattern;
pub use server::{MOST_TOOLS, Server};
