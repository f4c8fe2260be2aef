//! Other servers, or the same with other settings, while everything goes on.

use std::sync::Arc;

use bailiwick_domain::policy::{Catalogue, Server};

use crate::gateway::Gateway;
use crate::hosted::{Hosted, Reach};
use crate::settings::ServerSettings;

/// What a reload changed, by the names of servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// New ones.
    pub added: Vec<String>,
    /// Those that are gone: their streams are cut and their children end.
    pub removed: Vec<String>,
    /// Those whose settings are others now.
    pub changed: Vec<String>,
}

impl Gateway {
    /// Takes `settings` as the servers from now on. A server whose settings are the same is not touched; one that is
    /// reached as before keeps its sessions and children.
    pub async fn reload(&self, settings: Vec<ServerSettings>) -> Reloaded {
        let former = self.servers.load_full();
        let mut told = Reloaded::default();
        let mut servers = Vec::with_capacity(settings.len());
        for settings in settings {
            let known = former.iter().find(|known| known.settings.name == settings.name);
            servers.push(match known {
                Some(known) if known.settings == settings => Arc::clone(known),
                Some(known) => Arc::new(Hosted::after(known, &self.broker, &self.issuer, settings)),
                None => Arc::new(Hosted::new(&self.broker, &self.issuer, settings)),
            });
        }
        let stays = |old: &Arc<Hosted>| servers.iter().any(|new| Arc::ptr_eq(old, new));
        let gone: Vec<_> = former.iter().filter(|old| !stays(old)).cloned().collect();
        for old in &gone {
            let replaced = servers.iter().any(|new| new.settings.name == old.settings.name);
            let list = if replaced { &mut told.changed } else { &mut told.removed };
            list.push(old.label().to_owned());
            // A survey that is under way must not write what it finds over what comes now.
            old.retired.cancel();
        }
        let is_new = |new: &&Arc<Hosted>| !former.iter().any(|old| old.settings.name == new.settings.name);
        told.added.extend(servers.iter().filter(is_new).map(|new| new.label().to_owned()));
        let servers = Arc::new(servers);
        self.servers.store(Arc::clone(&servers));
        self.catalogue.rcu(|known| catalogue(known, &servers));
        self.reloaded.notify_one();
        for old in gone {
            self.end(&old, &servers).await;
        }
        told
    }

    /// Ends what runs for a server that is no more, unless its successor goes on with it.
    async fn end(&self, old: &Hosted, servers: &[Arc<Hosted>]) {
        if servers.iter().any(|new| Arc::ptr_eq(&new.reach, &old.reach)) {
            return;
        }
        self.streams.sweep(|served| served.caller.token().claims().aud == old.resource.as_str());
        if let Reach::Stdio(children) = old.reach.as_ref() {
            children.close().await;
        }
    }
}

/// What is known of these servers: the tools of one whose scopes are the same stay known, the others are asked again.
fn catalogue(known: &Catalogue, servers: &[Arc<Hosted>]) -> Catalogue {
    let describe = |server: &Arc<Hosted>| {
        let settings = &server.settings;
        let resource = server.resource.clone();
        let mut new = Server::new(settings.name.clone(), settings.title.clone(), resource, settings.groups.clone());
        new.allow.clone_from(&settings.allow);
        if let Some(old) = known.by_resource(&server.resource).filter(|old| old.groups == new.groups) {
            new.tools.clone_from(&old.tools);
            new.reachable = old.reachable;
        }
        new
    };
    Catalogue { servers: servers.iter().map(describe).collect() }
}
