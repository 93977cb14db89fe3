//! Windows of limits: counted in memory, since they are asked before every request, and kept a moment later.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::FileStore;
use crate::state::window::Spent;
use crate::state::{Ask, Grant, WindowStore, now_ms};

/// What earlier processes spent and is not over.
pub(super) fn load(db: &Connection) -> rusqlite::Result<Vec<(Spent, u32)>> {
    let mut all = db.prepare("SELECT lane, rule, until, count FROM windows WHERE until > ?1")?;
    all.query_map([now_ms()], |row| {
        let spent = Spent {
            lane: row.get(0)?,
            rule: row.get(1)?,
            until: row.get(2)?,
        };
        Ok((spent, row.get(3)?))
    })?
    .collect()
}

/// Adds what was spent.
pub(super) fn keep(db: &mut Connection, spent: &HashMap<Spent, u32>) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (spent, count) in spent {
        change.execute(
            "INSERT INTO windows (lane, rule, until, count) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (lane, rule, until) DO UPDATE SET count = count + excluded.count",
            params![spent.lane, spent.rule, spent.until, count],
        )?;
    }
    change.commit()
}

#[async_trait]
impl WindowStore for FileStore {
    async fn acquire(&self, ask: &Ask<'_>) -> Grant {
        match self.windows.take_noting(ask) {
            Ok(first) => {
                if first {
                    self.writer.spent();
                }
                Grant::Go(None)
            }
            Err(wait) => Grant::Wait(wait),
        }
    }

    fn release(&self, _: &str, _: &str) {}

    async fn pause(&self, lane: &str, pause: Duration) {
        self.windows.be_silent(lane, pause);
        self.writer.spent();
    }

    fn wait(&self, ask: &Ask<'_>, ahead: usize) -> Duration {
        self.windows.wait(ask, ahead)
    }
}
