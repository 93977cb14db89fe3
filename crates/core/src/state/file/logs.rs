//! Logs in the file.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::params;

use super::FileStore;
use crate::state::{Entry, LogStore, Trouble, millis_of, now_ms};

#[async_trait]
impl LogStore for FileStore {
    async fn append(
        &self,
        log: &str,
        entry: Bytes,
        most: u64,
        kept: Duration,
    ) -> Result<u64, Trouble> {
        let log = log.to_owned();
        self.writer
            .run(move |db| {
                let now = now_ms();
                // Kept apart from the entries, so that a number never comes twice.
                let number: i64 = db.query_row(
                    "INSERT INTO log_ends (log, number) VALUES (?1, 1)
                     ON CONFLICT (log) DO UPDATE SET number = number + 1 RETURNING number",
                    [&log],
                    |row| row.get(0),
                )?;
                db.execute(
                    "INSERT INTO logs (log, number, at, entry) VALUES (?1, ?2, ?3, ?4)",
                    params![log, number, now, &entry[..]],
                )?;
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                db.execute(
                    "DELETE FROM logs WHERE log = ?1 AND (number <= ?2 OR at < ?3)",
                    params![log, number.saturating_sub(most), now - millis_of(kept)],
                )?;
                Ok(number.cast_unsigned())
            })
            .await
    }

    async fn read(&self, log: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Trouble> {
        let log = log.to_owned();
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.writer
            .run(move |db| {
                let mut new = db.prepare(
                    "SELECT number, entry FROM logs WHERE log = ?1 AND number > ?2
                     ORDER BY number LIMIT ?3",
                )?;
                new.query_map(params![log, after, limit], |row| {
                    Ok(Entry {
                        number: row.get::<_, i64>(0)?.cast_unsigned(),
                        value: row.get::<_, Vec<u8>>(1)?.into(),
                    })
                })?
                .collect()
            })
            .await
    }

    async fn trim(&self, log: &str, upto: u64) -> Result<(), Trouble> {
        let log = log.to_owned();
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        self.writer
            .run(move |db| {
                let gone = "DELETE FROM logs WHERE log = ?1 AND number <= ?2";
                db.execute(gone, params![log, upto]).map(drop)
            })
            .await
    }
}
