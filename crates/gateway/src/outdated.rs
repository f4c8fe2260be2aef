//! Children that were given a secret which is their person's no more: they end with it, whether or not anybody calls.

use crate::gateway::Gateway;
use crate::hosted::Reach;
use crate::upstream::stdio::Own;

impl Gateway {
    /// Ends the children whose person has another secret now, or none: those that a change of `(person, connection)` may
    /// concern, or all that there are.
    pub(crate) async fn end_outdated(&self, changed: Option<(&str, &str)>) {
        for server in self.servers.load_full().iter() {
            let Reach::Stdio(children) = server.reach.as_ref() else { continue };
            let program = children.program();
            let concerned = |connection| program.personal.iter().any(|own| own.connection == connection);
            if program.personal.is_empty() || changed.is_some_and(|(_, connection)| !concerned(connection)) {
                continue;
            }
            // Those that start from now on have read what is there now.
            let living = children.living_of(changed.map(|(person, _)| person));
            for child in living.iter().filter(|child| !Own::is_empty(&child.mark)) {
                // Where the store does not answer, the next look tells.
                let now = Own::mark_now(&self.store, program, &child.owner.subject).await;
                if now.is_ok_and(|mark| mark != child.mark) {
                    child.end();
                }
            }
        }
    }
}
