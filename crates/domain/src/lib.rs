//! The rules of Bailiwick: who may let an AI agent do what, with whose authority, against which tool.
//!
//! Nothing here reads a clock, rolls dice, opens a socket or touches a disk: time and chance are arguments
//! ([`time::Timestamp`], [`entropy::Entropy`]), so every rule can be tested at any moment and with any luck.
//! Checked things have types that only the check can make; secrets have kinds and no way out but a named one.

pub mod audit;
pub mod canonical;
pub mod chain;
pub mod challenge;
pub mod client;
pub mod control;
pub mod entropy;
pub mod error;
pub mod generations;
pub mod grant;
pub mod ids;
pub mod jose;
pub mod mcp;
pub mod opaque;
pub mod pkce;
pub mod policy;
pub mod scope;
pub mod seal;
pub mod testing;
pub mod text;
pub mod time;
pub mod token;
pub mod uri;
