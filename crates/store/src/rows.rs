//! Columns back into types. What cannot be read is an error about that column, never a default.

use bailiwick_domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::Fault;

/// Reads the columns of a row.
pub(crate) trait Columns {
    /// Text that may be absent.
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, Fault>;
    /// A number that may be absent.
    fn maybe_number(&self, column: &'static str) -> Result<Option<i64>, Fault>;

    /// Text.
    fn text(&self, column: &'static str) -> Result<String, Fault> {
        self.maybe_text(column)?.ok_or(Fault::Unreadable(column))
    }
    /// A number.
    fn number(&self, column: &'static str) -> Result<i64, Fault> {
        self.maybe_number(column)?.ok_or(Fault::Unreadable(column))
    }
    /// A moment.
    fn moment(&self, column: &'static str) -> Result<Timestamp, Fault> {
        self.number(column).map(Timestamp::from_millis)
    }
    /// A moment that may be absent.
    fn maybe_moment(&self, column: &'static str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.maybe_number(column)?.map(Timestamp::from_millis))
    }
    /// A value kept as JSON.
    fn value<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Fault> {
        serde_json::from_str(&self.text(column)?).map_err(|_| Fault::Unreadable(column))
    }
}

impl Columns for AnyRow {
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, Fault> {
        self.try_get(column).map_err(|_| Fault::Unreadable(column))
    }

    fn maybe_number(&self, column: &'static str) -> Result<Option<i64>, Fault> {
        self.try_get(column).map_err(|_| Fault::Unreadable(column))
    }
}

/// Writes a value as JSON.
pub(crate) fn json<T: Serialize>(column: &'static str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Unreadable(column))
}
