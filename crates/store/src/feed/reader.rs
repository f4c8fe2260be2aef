//! The reader that keeps the view true: on every heartbeat, and whenever PostgreSQL says that something happened.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::time::{Clock, Timestamp};
use sqlx::AnyPool;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::view::MEMORY;
use super::{Change, ChangeKind, Revocations};
use crate::error::Fault;
use crate::rows::Columns as _;
use crate::stops;

pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
/// A reading that hangs is a reading that failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a silence this long the feed may have forgotten what was not heard, so what is stopped is read in full.
const GAP: Duration = Duration::from_mins(1);

pub(crate) struct Reader {
    pub(crate) pool: AnyPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) revocations: Arc<Revocations>,
    /// The last number read of each writer.
    pub(crate) cursors: HashMap<String, i64>,
    /// When the last reading that succeeded began.
    pub(crate) heard: Option<Timestamp>,
}

impl Reader {
    /// Reads what is new and takes it in.
    pub(crate) async fn read(&mut self) -> Result<(), Fault> {
        let began = self.clock.now();
        let gap = self.heard.is_none_or(|heard| began.since(heard).max(heard.since(began)) > GAP);
        let reading = async {
            let stops = if gap { stops::kept(&self.pool).await? } else { Vec::new() };
            Ok::<_, Fault>((stops, news(&self.pool, &self.cursors).await?))
        };
        let reading = tokio::time::timeout(PATIENCE, reading).await;
        let (stops, news) = reading.map_err(|_| Fault::Lost("the feed did not answer in time".to_owned()))??;
        self.revocations.learn(stops);
        self.revocations.learn(news.changes.into_iter().filter(|(_, at)| *at > began.before(MEMORY)).collect());
        self.cursors.extend(news.heads);
        self.revocations.refreshed(began);
        self.heard = Some(began);
        Ok(())
    }

    /// Reads each second, and at once when woken, until `stop`.
    pub(crate) async fn run(mut self, wake: Arc<Notify>, stop: CancellationToken) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = heartbeat.tick() => {}
                () = wake.notified() => {}
            }
            match self.read().await {
                Ok(()) => failing = false,
                Err(fault) if !failing => {
                    failing = true;
                    tracing::error!(?fault, "the feed of revocations cannot be read; tokens are refused until it can");
                }
                Err(_) => {}
            }
        }
    }
}

/// What was written since the last reading, and how far each writer has got.
#[derive(Default)]
struct News {
    changes: Vec<(Change, Timestamp)>,
    heads: Vec<(String, i64)>,
}

/// What each writer wrote past its cursor. The head and the rows it counts are one transaction's, so a head that is
/// seen means its rows are there.
async fn news(pool: &AnyPool, cursors: &HashMap<String, i64>) -> Result<News, Fault> {
    let mut news = News::default();
    for head in sqlx::query("SELECT id, feed_seq FROM writers WHERE feed_seq > 0").fetch_all(pool).await? {
        let writer = head.text("id")?;
        let seen = cursors.get(&writer).copied().unwrap_or(0);
        let newest = head.number("feed_seq")?;
        if newest <= seen {
            continue;
        }
        let rows = sqlx::query("SELECT at, kind, subject FROM feed WHERE writer = $1 AND seq > $2 AND seq <= $3")
            .bind(writer.as_str())
            .bind(seen)
            .bind(newest)
            .fetch_all(pool)
            .await?;
        for row in rows {
            let kind = ChangeKind::named(&row.text("kind")?).ok_or(Fault::Unreadable("feed.kind"))?;
            let change = Change { kind, subject: row.text("subject")? };
            news.changes.push((change, row.moment("at")?));
        }
        news.heads.push((writer, newest));
    }
    Ok(news)
}
