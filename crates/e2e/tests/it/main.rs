//! Stories and attacks, from outside.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test binary")]

mod crash;
mod documents;
mod mutants;
mod refusals;
mod story;
mod threats;
