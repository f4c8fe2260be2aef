//! Sockets in and out: the accept loop that every request enters through and the HTTP client that every request of
//! ours leaves through, the guarded way to documents whose address a stranger chose, and what takes secrets out of an answer.

pub mod fetch;
mod http;
mod listen;
mod proxy;
pub mod scrub;
mod serve;
mod tls;

pub use self::http::{Http, HttpError, PemError};
pub use listen::Listen;
pub use proxy::Proxies;
pub use serve::{Front, Listener, Peer, serve};
pub use tls::{Acme, CertFiles, Tls, TlsError};
