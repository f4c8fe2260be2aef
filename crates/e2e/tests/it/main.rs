//! Stories and attacks, from outside.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test binary")]

mod ceilings;
mod crash;
mod mutants;
mod refusals;
mod story;
mod threats;
