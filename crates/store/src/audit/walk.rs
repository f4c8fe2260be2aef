//! One chain of the audit, walked from row to row.

use bailiwick_domain::audit::{AuditEvent, Head};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::{ClientId, Id, WriterId};
use bailiwick_domain::time::Timestamp;
use sqlx::any::AnyRow;

use super::link;
use super::verdict::{Break, Flaw};
use crate::error::Fault;
use crate::rows::Columns as _;

/// One writer's chain: its rows are read as they are checked.
pub(super) struct Chain<'a> {
    pub(super) writer: String,
    /// Where it ends, as kept beside it; `None` where that was taken away.
    pub(super) head: Option<(i64, String)>,
    /// Where it ended when it was last signed.
    pub(super) signed: Option<&'a Head>,
}

/// How far a chain is whole.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) seq: i64,
    hash: String,
    at: Option<Timestamp>,
    signed_seq: Option<i64>,
    /// The hash of the row that was signed.
    signed_hash: Option<String>,
}

impl Walk {
    /// At the beginning of a chain of which the row of that number was signed.
    pub(super) fn begin(signed_seq: Option<i64>) -> Self {
        Self { signed_seq, ..Self::default() }
    }

    /// What is wrong with the next row.
    pub(super) fn flaw(&self, row: &AnyRow, writer: &str) -> Result<Option<Flaw>, Fault> {
        let seq = self.seq.saturating_add(1);
        if row.number("seq")? != seq {
            return Ok(Some(Flaw::Missing));
        }
        if holds(Control::AuditLink) {
            let (prev, body) = (row.maybe_text("prev_hash")?, row.maybe_text("body")?.unwrap_or_default());
            if prev.as_deref() != Some(self.hash.as_str()) {
                return Ok(Some(Flaw::Moved));
            }
            if row.text("hash")? != link(&self.hash, writer, seq, &body) {
                return Ok(Some(Flaw::Altered));
            }
        }
        Ok((!columns_fit(row)?).then_some(Flaw::Altered))
    }

    pub(super) fn step(&mut self, row: &AnyRow) -> Result<(), Fault> {
        (self.seq, self.hash) = (row.number("seq")?, row.text("hash")?);
        self.at = Some(row.moment("at")?);
        if self.signed_seq == Some(self.seq) {
            self.signed_hash = Some(self.hash.clone());
        }
        Ok(())
    }

    /// What is wrong with a chain whose rows fit together.
    pub(super) fn against(&self, chain: &Chain<'_>, signed: Option<&Head>) -> Option<Break> {
        let writer = chain.writer.as_str();
        if let Some(signed) = signed {
            if self.seq == 0 {
                return Some(self.at_next(Flaw::Gone, writer, None));
            }
            if signed.seq > self.seq {
                return Some(self.at_next(Flaw::Truncated, writer, None));
            }
            if self.signed_hash.as_deref() != Some(signed.hash.as_str()) {
                return Some(at_row(Flaw::Rewritten, writer, signed.seq, None, None));
            }
        }
        let flaw = match &chain.head {
            None if self.seq == 0 => return None,
            None => Flaw::Headless,
            Some((_, hash)) if *hash != self.hash => Flaw::Altered,
            Some(_) => return None,
        };
        Some(at_row(flaw, writer, self.seq, None, self.at))
    }

    pub(super) fn at_next(&self, flaw: Flaw, writer: &str, row: Option<&AnyRow>) -> Break {
        at_row(flaw, writer, self.seq.saturating_add(1), row, self.at)
    }
}

/// True when the columns a row is found by say the same as its text.
fn columns_fit(row: &AnyRow) -> Result<bool, Fault> {
    let Ok(event) = serde_json::from_str::<AuditEvent>(&row.text("body")?) else { return Ok(false) };
    let ids = [
        ("correlation", event.correlation.as_ref().map(Id::as_str)),
        ("user_id", event.user.as_ref().map(Id::as_str)),
        ("client", event.client.as_ref().map(ClientId::as_str)),
        ("grant_id", event.grant.as_ref().map(Id::as_str)),
        ("transaction_id", event.transaction.as_ref().map(Id::as_str)),
    ];
    for (column, said) in ids {
        if row.maybe_text(column)?.as_deref() != said {
            return Ok(false);
        }
    }
    Ok(row.moment("at")? == event.at && row.text("kind")? == event.kind.as_str())
}

/// A break at a row of a writer's chain.
pub(super) fn at_row(flaw: Flaw, writer: &str, seq: i64, row: Option<&AnyRow>, after: Option<Timestamp>) -> Break {
    Break {
        flaw,
        writer: Some(WriterId::from_stored(writer.to_owned())),
        seq,
        at: row.and_then(|row| row.moment("at").ok()),
        kind: row.and_then(|row| row.text("kind").ok()),
        after,
    }
}
