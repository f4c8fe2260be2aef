//! The chain of authority: who acted for whom, and the grant every token hangs from.

mod actor;
mod agent;
mod assurance;
mod bounds;
mod company;
mod directory;
mod narrow;
mod node;

pub use actor::{Actor, ActorProfile, Chain, ChainError};
pub use agent::{Agent, Edge, agent_name, agent_subject, door_client, door_subject, edge_id, edge_ids};
pub use assurance::Assurance;
pub use bounds::JobBounds;
pub use company::{Way, steps};
pub use directory::{Directory, Map, Target, server_name};
pub use narrow::{ChainRefusal, Passage, narrow};
pub use node::{Delegation, MOST_HOPS};
