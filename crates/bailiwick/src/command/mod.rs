//! One command, one file.

pub(crate) mod access;
pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod call;
pub(crate) mod client_world;
pub(crate) mod clients;
pub(crate) mod config;
pub(crate) mod demo_server;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod place;
pub(crate) mod serve;
pub(crate) mod servers;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod tools;
pub(crate) mod tree;
pub(crate) mod users;
