//! The gateway: the protected resource in front of any number of MCP servers. A request passes through a pipeline of
//! types, each made only by its step: what came through the door is a `Raw`; a verified token makes its bearer a
//! caller; both make a `Call`; a decision makes that a `Permit`; a permit becomes one `Outbound`, whose headers are built
//! new; and what comes back is given on as a reply. No step can be skipped, because the next one takes its product.

mod audit;
mod bearer;
mod budget;
mod busy;
mod call;
mod ceiling;
mod connect;
mod cors;
mod credential;
mod discover;
mod door;
mod gateway;
mod hosted;
mod listing;
mod liveness;
mod metadata;
mod outdated;
mod permit;
mod pipeline;
mod refuse;
mod reload;
mod session;
mod settings;
mod sse;
mod streams;
mod upstream;

pub use busy::Busy;
pub use discover::Tried;
pub use gateway::{Gateway, Parts};
pub use reload::Reloaded;
pub use settings::{Isolate, OWNER_VARIABLE, ServerSettings, Upstream};
pub use upstream::openapi::{Api, ApiError, LeftOut, Need, Scheme};
pub use upstream::stdio::PersonalVariable;

#[cfg(test)]
mod testing;
