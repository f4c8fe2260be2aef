//! The chain of authority: who acted for whom, and the grant every token hangs from.

mod actor;
mod node;

pub use actor::{Actor, ActorProfile, Chain, ChainError};
pub use node::{Delegation, MOST_HOPS};
