//! What may be called: servers, their tools, the scopes that group them in words a person can consent to, and who may
//! hold them, and the one answer that serves both the listing of a tool and its call.

pub mod allow;
pub mod decide;
pub mod model;
mod pattern;
mod person;
pub mod server;

pub use allow::{Named, NamesNobody, Stage, ceiling, entry};
pub use decide::{Ask, Decision, Held, decide, enter, visible};
pub use model::{Catalogue, Risk, ScopeGroup, Tool, ToolFacts};
pub use pattern::Pattern;
pub use person::{Holder, Person, Role};
pub use server::{MOST_TOOLS, Server};
