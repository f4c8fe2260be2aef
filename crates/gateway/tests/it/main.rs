//! The gateway as its peers see it: real sockets, a real store, servers behind that keep a record of what reached them.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod admission;
mod api;
mod behind;
mod calls;
mod ceilings;
mod connect;
mod credential;
mod discovery;
mod fixture;
mod jobs;
mod listings;
mod liveness;
mod openapi;
mod sessions;
mod stdio;
mod telltale;
mod troubles;
mod world;
