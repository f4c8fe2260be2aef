//! The pages of the console.

use askama::Template;
use url::form_urlencoded::Serializer;

use super::tree::GrantsPiece;
use crate::moment::Moment;

/// What every page of the console carries.
pub(crate) struct Frame {
    pub(crate) user: String,
    pub(crate) role: &'static str,
    pub(crate) form_token: String,
    /// True for whoever may stop things.
    pub(crate) stops: bool,
    /// Which page this is.
    pub(crate) here: &'static str,
    /// What was just done.
    pub(crate) done: Option<&'static str>,
}

/// The way to the pages before and after.
pub(crate) struct Pager {
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Pager {
    /// Beside page `page`, which shows `shown` of at most `most` rows.
    pub(crate) fn new(page: u32, shown: usize, most: u32, base: &str) -> Self {
        let full = u32::try_from(shown).unwrap_or(u32::MAX) >= most;
        Self {
            before: (page > 1).then(|| format!("{base}page={}", page - 1)),
            after: full.then(|| format!("{base}page={}", page + 1)),
        }
    }
}

/// Everybody's grants.
#[derive(Template)]
#[template(path = "console_grants.html")]
pub(crate) struct GrantsPage {
    pub(crate) frame: Frame,
    pub(crate) page: u32,
    pub(crate) grants: GrantsPiece,
    pub(crate) pager: Pager,
}

/// Accounts.
#[derive(Template)]
#[template(path = "console_people.html")]
pub(crate) struct PeoplePage {
    pub(crate) frame: Frame,
    pub(crate) people: Vec<PersonRow>,
    pub(crate) pager: Pager,
}

/// One account.
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// True for the reader's own.
    pub(crate) own: bool,
    pub(crate) disabled: bool,
    pub(crate) since: Moment,
    pub(crate) grants: u64,
    pub(crate) sessions: u64,
}

/// Servers, and APIs elsewhere.
#[derive(Template)]
#[template(path = "console_servers.html")]
pub(crate) struct ServersPage {
    pub(crate) frame: Frame,
    pub(crate) servers: Vec<ServerRow>,
}

/// One of them.
pub(crate) struct ServerRow {
    pub(crate) title: String,
    pub(crate) resource: String,
    /// True for one behind the gateway.
    pub(crate) behind: bool,
    pub(crate) reachable: bool,
    pub(crate) scopes: String,
    pub(crate) tools: Vec<ToolRow>,
}

/// One tool.
pub(crate) struct ToolRow {
    pub(crate) name: String,
    pub(crate) risk: &'static str,
    pub(crate) scopes: String,
    pub(crate) stopped: bool,
}

/// Agents.
#[derive(Template)]
#[template(path = "console_agents.html")]
pub(crate) struct AgentsPage {
    pub(crate) frame: Frame,
    pub(crate) agents: Vec<AgentRow>,
    /// Apps that hand their users to agents.
    pub(crate) doors: Vec<(String, String)>,
}

/// One agent.
pub(crate) struct AgentRow {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) resource: String,
    pub(crate) proof: String,
    pub(crate) floor: Option<String>,
    pub(crate) acts_for: String,
    pub(crate) own: String,
    pub(crate) depth: usize,
    pub(crate) stopped: bool,
    pub(crate) edges: Vec<EdgeRow>,
}

/// One step it may take.
pub(crate) struct EdgeRow {
    pub(crate) to: String,
    pub(crate) bounds: String,
    pub(crate) cut: bool,
}

/// The record.
#[derive(Template)]
#[template(path = "console_record.html")]
pub(crate) struct RecordPage {
    pub(crate) frame: Frame,
    pub(crate) search: Search,
    pub(crate) entries: Vec<EntryRow>,
    /// The way to what was before.
    pub(crate) older: Option<String>,
}

/// What is searched for.
pub(crate) struct Search {
    pub(crate) user: String,
    pub(crate) agent: String,
    pub(crate) tool: String,
    pub(crate) txn: String,
    pub(crate) grant: String,
}

impl Search {
    /// The same as the beginning of a query.
    pub(crate) fn query(&self) -> String {
        let fields = [
            ("user", &self.user),
            ("agent", &self.agent),
            ("tool", &self.tool),
            ("txn", &self.txn),
            ("grant", &self.grant),
        ];
        let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query = Serializer::new(String::new()).extend_pairs(said).finish();
        if query.is_empty() { query } else { query + "&" }
    }
}

/// One entry.
pub(crate) struct EntryRow {
    pub(crate) at: Moment,
    pub(crate) clock: String,
    pub(crate) kind: &'static str,
    pub(crate) outcome: &'static str,
    /// Whose authority it was, by name.
    pub(crate) user: String,
    pub(crate) line: String,
    pub(crate) client: String,
    pub(crate) what: String,
    pub(crate) place: String,
    pub(crate) rule: String,
    pub(crate) says: String,
    pub(crate) grant: Option<String>,
    pub(crate) txn: Option<String>,
}
