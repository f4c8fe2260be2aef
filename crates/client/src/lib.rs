//! The MCP client side of OAuth, and the calls it is for: discovery of a server and of who guards it, registration,
//! login in a browser, tokens kept and renewed, step-up, sessions and tools.
//!
//! [`Client`] logs in and out and keeps tokens; [`Connection`] talks to one server with them.

mod ask;
mod authorize;
mod challenge;
mod client;
mod connection;
mod discovery;
mod headless;
mod identity;
mod keep;
mod login;
mod logout;
mod loopback;
mod mcp;
mod register;
mod renew;
mod secret;
mod server_url;
mod token;
mod told;

pub use ask::{Reply, form};
pub use authorize::{AnswerError, Pending, PutAside, Wish};
pub use challenge::Challenge;
pub use client::{Approach, Client, LoginAsk, Parts, Progress, Wanted};
pub use connection::{Connection, ConnectionError, Recourse, Refusal};
pub use discovery::{AuthorizationServer, DiscoveryError, ProtectedResource};
pub use headless::HeadlessError;
pub use identity::Identity;
pub use keep::{Account, Keep, KeepError, Kept};
pub use login::LoginError;
pub use logout::{LoggedOut, LogoutError};
pub use mcp::{Answer, Arguments, ArgumentsError, Marked, Tool};
pub use register::{Applicant, AuthMethod, Given, RegisterError, Registration, basic};
pub use renew::{Held, RenewError};
pub use secret::Secret;
pub use server_url::{ServerUrl, ServerUrlError, endpoint};
pub use token::{Desk, TokenError, Tokens};
pub use told::Told;
