//! What is stopped for everybody until it is started again: an agent, an edge from one to the next, a tool. A stop is a
//! row and a line of the feed; whatever it concerns is refused while it stands, and tokens that name the agent or the
//! edge and are older than the start stay dead: what was stopped does not come back with what it held.

mod step;
mod tree;

use std::collections::BTreeMap;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use sqlx::AnyPool;
use sqlx::any::AnyRow;

use crate::error::{Fault, StoreError};
use crate::feed::{Change, ChangeKind};
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

pub use step::Step;
pub(crate) use step::none_of;
pub use tree::Died;
pub(crate) use tree::{below, died, tree};

/// What kind of thing can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StopKind {
    /// An agent, by its name.
    Agent,
    /// An edge, as `agent:a->agent:b` or `agent:a->{resource}`.
    Edge,
    /// A tool, as `{resource} {tool}`.
    Tool,
}

/// Something that is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What kind of thing.
    pub kind: StopKind,
    /// Which.
    pub subject: String,
    /// Since when.
    pub at: Timestamp,
}

impl StopKind {
    const ALL: [Self; 3] = [Self::Agent, Self::Edge, Self::Tool];

    /// Its name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Edge => "edge",
            Self::Tool => "tool",
        }
    }

    fn named(name: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(Fault::Unreadable("stops.kind"))
    }

    const fn change(self, off: bool) -> ChangeKind {
        match (self, off) {
            (Self::Agent, true) => ChangeKind::Agent,
            (Self::Agent, false) => ChangeKind::AgentBack,
            (Self::Edge, true) => ChangeKind::Edge,
            (Self::Edge, false) => ChangeKind::EdgeBack,
            (Self::Tool, true) => ChangeKind::Tool,
            (Self::Tool, false) => ChangeKind::ToolBack,
        }
    }
}

impl Store {
    /// Stops these, at once and in every process, and says what died; `None` when all of them were stopped.
    pub async fn stop(
        &self,
        kind: StopKind,
        subjects: Vec<String>,
        event: AuditEvent,
    ) -> Result<Option<Died>, StoreError> {
        let key = key(kind, &subjects);
        self.write(&key, (kind, subjects, event), |(kind, subjects, event), tx| {
            Box::pin(async move {
                let turned = turn_all(tx, *kind, subjects, (true, event.at)).await?;
                if turned.is_empty() {
                    return Ok(Verdict::Undo(None));
                }
                let mut tokens = BTreeMap::new();
                for subject in turned {
                    tokens.extend(below(tx, *kind, subject, event.at).await?);
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(Some(died(&tokens))))
            })
        })
        .await
    }

    /// Starts these again; `false` when none of them was stopped.
    pub async fn start(&self, kind: StopKind, subjects: Vec<String>, event: AuditEvent) -> Result<bool, StoreError> {
        let key = key(kind, &subjects);
        self.write(&key, (kind, subjects, event), |(kind, subjects, event), tx| {
            Box::pin(async move {
                if turn_all(tx, *kind, subjects, (false, event.at)).await?.is_empty() {
                    return Ok(Verdict::Undo(false));
                }
                tx.audit(event).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// Everything that is stopped.
    pub async fn stops(&self) -> Result<Vec<Stop>, StoreError> {
        let rows = sqlx::query("SELECT kind, subject, off, at FROM stops WHERE off = 1 ORDER BY kind, subject")
            .fetch_all(self.readers())
            .await
            .map_err(Fault::from)?;
        let stop = |row: &AnyRow| {
            Ok(Stop {
                kind: StopKind::named(&row.text("kind")?)?,
                subject: row.text("subject")?,
                at: row.moment("at")?,
            })
        };
        Ok(rows.iter().map(stop).collect::<Result<_, Fault>>()?)
    }
}

/// Every stop and start there ever was, as far as it still counts: what the feed forgets is kept here.
pub(crate) async fn kept(pool: &AnyPool) -> Result<Vec<(Change, Timestamp)>, Fault> {
    let rows = sqlx::query("SELECT kind, subject, off, at FROM stops").fetch_all(pool).await?;
    let change = |row: &AnyRow| {
        let kind = StopKind::named(&row.text("kind")?)?.change(row.number("off")? == 1);
        Ok((Change { kind, subject: row.text("subject")? }, row.moment("at")?))
    };
    rows.iter().map(change).collect()
}

/// Turns the switches of these subjects and tells of it; answers those that stood otherwise.
async fn turn_all<'a>(
    tx: &mut Tx,
    kind: StopKind,
    subjects: &'a [String],
    (off, at): (bool, Timestamp),
) -> Result<Vec<&'a str>, Fault> {
    let mut turned = Vec::new();
    for subject in subjects {
        if let Some(at) = turn(tx, kind, subject, (off, at)).await? {
            tx.tell(Change { kind: kind.change(off), subject: subject.clone() }, at).await?;
            turned.push(subject.as_str());
        }
    }
    Ok(turned)
}

/// Turns the switch of a subject; `None` when it stood so already, else the moment it counts from.
async fn turn(
    tx: &mut Tx,
    kind: StopKind,
    subject: &str,
    (off, at): (bool, Timestamp),
) -> Result<Option<Timestamp>, Fault> {
    let sql = if off {
        "INSERT INTO stops (kind, subject, off, at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (kind, subject) DO UPDATE SET off = 1,
             at = CASE WHEN stops.at >= $3 THEN stops.at + 1 ELSE $3 END
         WHERE stops.off = 0 RETURNING at"
    } else {
        "UPDATE stops SET off = 0, at = CASE WHEN at >= $3 THEN at + 1 ELSE $3 END
         WHERE kind = $1 AND subject = $2 AND off = 1 RETURNING at"
    };
    let query = sqlx::query(sql).bind(kind.as_str()).bind(subject).bind(at.millis());
    query.fetch_optional(tx.sql()).await?.map(|row| row.moment("at")).transpose()
}

/// Whoever turns these switches shares a lane.
fn key(kind: StopKind, subjects: &[String]) -> String {
    format!("stop {} {}", kind.as_str(), subjects.first().map_or("", String::as_str))
}
