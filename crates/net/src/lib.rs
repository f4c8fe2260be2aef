//! Sockets in and out: the accept loop that every request enters through and the HTTP client that every request of
//! ours leaves through, and the guarded way to documents whose address a stranger chose.

pub mod fetch;
mod http;
mod listen;
mod serve;

pub use self::http::{Http, HttpError};
pub use listen::Listen;
pub use serve::{Listener, Peer, serve};
