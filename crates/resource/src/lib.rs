//! Token verification for a server: whoever brings a request past [`Verifier::admit`] is a [`Caller`], and nothing else
//! can make one.

mod admit;
mod bearer;
mod cache;
mod caller;

pub use admit::{AdmitError, Liveness, Verifier};
pub use bailiwick_domain::token::{Standing, TokenRefusal};
pub use caller::Caller;

#[cfg(test)]
mod tests;
