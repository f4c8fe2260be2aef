//! The Model Context Protocol as a gateway must read it: just enough of every message to decide over it, and not a
//! byte changed in what is passed on.

pub mod envelope;
pub mod headers;
mod id;
mod members;
pub mod method;
mod params;
pub mod reply;
mod respell;
pub mod tool;

pub use envelope::{Envelope, EnvelopeError, Message};
pub use headers::{HeaderError, Mirrored};
pub use id::Id;
pub use method::{Method, Revision};
pub use params::{INPUT_RESPONSES, META_CAPABILITIES, META_VERSION, Params, REQUEST_STATE};
