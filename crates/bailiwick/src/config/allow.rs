//! `allow` of a server: who may hold which of its scopes.

use std::collections::BTreeMap;

use bailiwick_domain::policy::{Named, ScopeGroup, Server};
use bailiwick_domain::scope::Scope;

use super::ConfigError;

/// What the file says, scope by scope.
pub(crate) type AllowEntry = BTreeMap<String, Vec<Named>>;

/// Turns it into the ceilings of a server with these groups. A scope that the server does not have is an error: what
/// was meant to be kept from somebody would be open to everybody.
pub(crate) fn ceilings(
    entry: &AllowEntry,
    label: &str,
    prefix: &str,
    groups: Option<&Vec<ScopeGroup>>,
) -> Result<BTreeMap<Scope, Vec<Named>>, ConfigError> {
    let usual = Server::default_groups(prefix);
    let groups = groups.unwrap_or(&usual);
    let known = |raw: &String| groups.iter().map(|group| &group.scope).find(|scope| scope.as_str() == raw);
    let ceiling = |(raw, named): (&String, &Vec<Named>)| {
        let scope = known(raw).ok_or_else(|| {
            let has: Vec<&str> = groups.iter().map(|group| group.scope.as_str()).collect();
            ConfigError::Value(format!(
                "{label}.allow: {raw:?} is not a scope of this server; it has {}",
                has.join(", ")
            ))
        })?;
        Ok((scope.clone(), named.clone()))
    };
    entry.iter().map(ceiling).collect()
}
