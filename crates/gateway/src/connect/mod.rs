//! A call for which its person has to connect an account of theirs first: a question that their client puts to them,
//! or words with a link; and the same call, when it comes again.

mod asked;
mod state;

pub(crate) use asked::{Asked, Need};
pub(crate) use state::resume;

#[cfg(test)]
mod tests;
