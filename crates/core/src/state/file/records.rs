//! Records of writes in the file.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{OptionalExtension, params};

use super::FileStore;
use crate::state::{Begin, Known, RecordStore, Stage, Ticket, Trouble, millis_of, now_ms};

#[async_trait]
impl RecordStore for FileStore {
    async fn begin(&self, key: &str, fingerprint: &str, kept: Duration) -> Result<Begin, Trouble> {
        let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
        let alive = Arc::clone(&self.alive);
        self.writer
            .run(move |db| {
                let now = now_ms();
                let known = db
                    .query_row(
                        "SELECT fingerprint, owner, outcome FROM records WHERE key = ?1 AND until > ?2",
                        params![key, now],
                        |row| {
                            Ok((
                                row.get::<_, String>(0)?,
                                Ticket::kept(row.get::<_, String>(1)?),
                                row.get::<_, Option<Vec<u8>>>(2)?,
                            ))
                        },
                    )
                    .optional()?;
                if let Some((fingerprint, owner, outcome)) = known {
                    let stage = match outcome {
                        Some(outcome) => Stage::Done(outcome.into()),
                        None if alive.lives(owner.instance()) => Stage::Running,
                        None => Stage::Lost(owner),
                    };
                    return Ok(Begin::Known(Known { fingerprint, stage }));
                }
                let ticket = Ticket::new(alive.instance());
                db.execute(
                    "INSERT OR REPLACE INTO records (key, fingerprint, owner, begun, until)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![key, fingerprint, ticket.as_str(), now, now + millis_of(kept)],
                )?;
                Ok(Begin::Mine(ticket))
            })
            .await
    }

    async fn take_over(
        &self,
        key: &str,
        lost: &Ticket,
        kept: Duration,
    ) -> Result<Option<Ticket>, Trouble> {
        let (key, lost) = (key.to_owned(), lost.clone());
        let ticket = Ticket::new(self.alive.instance());
        self.writer
            .run(move |db| {
                let now = now_ms();
                let taken = db.execute(
                    "UPDATE records SET owner = ?1, begun = ?2, until = ?3
                     WHERE key = ?4 AND owner = ?5 AND outcome IS NULL",
                    params![
                        ticket.as_str(),
                        now,
                        now + millis_of(kept),
                        key,
                        lost.as_str()
                    ],
                )?;
                Ok((taken > 0).then(|| ticket.clone()))
            })
            .await
    }

    async fn finish(
        &self,
        key: &str,
        mine: &Ticket,
        _: &str,
        outcome: Bytes,
        kept: Duration,
    ) -> Result<(), Trouble> {
        let (key, mine) = (key.to_owned(), mine.clone());
        self.writer
            .run(move |db| {
                let now = now_ms();
                db.execute(
                    "UPDATE records SET outcome = ?1, done = ?2, until = ?3 WHERE key = ?4 AND owner = ?5",
                    params![&outcome[..], now, now + millis_of(kept), key, mine.as_str()],
                )
                .map(drop)
            })
            .await
    }

    async fn forget(&self, key: &str, mine: &Ticket) -> Result<(), Trouble> {
        let (key, mine) = (key.to_owned(), mine.clone());
        self.writer
            .run(move |db| {
                let gone = "DELETE FROM records WHERE key = ?1 AND owner = ?2";
                db.execute(gone, params![key, mine.as_str()]).map(drop)
            })
            .await
    }
}
