//! The authority as its peers see it: whole flows over its router, on SQLite.

mod account;
mod assertions;
mod authorize;
mod ceiling;
mod clients;
mod code;
mod connections;
mod connector;
mod consent;
mod console;
mod jobs;
mod login;
mod pages;
mod refresh;
mod revoke;
mod trees;
mod world;
