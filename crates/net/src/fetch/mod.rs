//! Fetching documents from where strangers say they are (server-side request forgery is what this is built against):
//! every address is vetted before a byte is sent, nothing is followed, and what comes back is short and kept.

mod documents;
mod error;
mod freshness;
mod guard;
mod once;
mod roots;

pub use documents::{Documents, Missing};
pub use error::FetchError;
pub(crate) use guard::is_public;
pub use guard::{Guard, GuardSettings, Private, Resolve, SystemResolver};
pub use once::Patience;
pub use roots::{RootsError, Trust};

#[cfg(test)]
mod tests;
