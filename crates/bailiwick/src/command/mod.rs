//! One command, one file.

pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod client_world;
pub(crate) mod config;
pub(crate) mod demo_server;
pub(crate) mod import;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod tools;
