//! How much is going on, for whoever watches.

use crate::gateway::Gateway;
use crate::hosted::Reach;

/// A moment's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Streams that are open.
    pub streams: usize,
    /// Children that run.
    pub children: usize,
}

impl Gateway {
    /// How much is going on now.
    pub fn busy(&self) -> Busy {
        let servers = self.servers.load();
        let children = servers.iter().map(|server| match server.reach.as_ref() {
            Reach::Stdio(children) => children.count(),
            Reach::Http(_) | Reach::OpenApi(_) | Reach::Nowhere(_) => 0,
        });
        Busy { streams: self.streams.count(), children: children.sum() }
    }
}
