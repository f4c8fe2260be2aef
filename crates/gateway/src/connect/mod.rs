//! A call for which its person has to connect an account of theirs first: a question that their client puts to them,
//! or words with a link; and the same call, when it comes again.

mod ask;
mod asked;
mod state;

pub(crate) use ask::instead;
pub(crate) use asked::Asked;
pub(crate) use state::resume;

#[cfg(test)]
mod tests;
