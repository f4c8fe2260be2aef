//! `/authorize` (RFC 6749 §4.1): from a client's request to a person's answer.

mod answer;
mod approve;
mod begin;
mod beyond;
mod consent;
mod held;
mod target;

pub(crate) use begin::begin;
pub(crate) use consent::{ask, decide};
pub(crate) use held::Held;
