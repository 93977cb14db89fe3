//! Values in the file.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::FileStore;
use crate::state::{Found, Trouble, ValueStore, Version, millis_of, now_ms};

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        value: row.get::<_, Vec<u8>>(0)?.into(),
        version: Version(row.get::<_, i64>(1)?.cast_unsigned()),
    })
}

fn get(db: &Connection, folder: &str, name: &str) -> rusqlite::Result<Option<Found>> {
    db.query_row(
        "SELECT value, version FROM vals
         WHERE folder = ?1 AND name = ?2 AND (until IS NULL OR until > ?3)",
        params![folder, name, now_ms()],
        found,
    )
    .optional()
}

fn put(
    db: &Connection,
    folder: &str,
    name: &str,
    value: &[u8],
    kept: Option<Duration>,
) -> rusqlite::Result<Version> {
    let version = Version::fresh();
    let until = kept.map(|kept| now_ms() + millis_of(kept));
    db.execute(
        "INSERT OR REPLACE INTO vals (folder, name, version, value, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![folder, name, version.0.cast_signed(), value, until],
    )?;
    Ok(version)
}

#[async_trait]
impl ValueStore for FileStore {
    async fn get(&self, folder: &str, name: &str) -> Result<Option<Found>, Trouble> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        self.writer.run(move |db| get(db, &folder, &name)).await
    }

    async fn put(
        &self,
        folder: &str,
        name: &str,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Version, Trouble> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        self.writer
            .run(move |db| put(db, &folder, &name, &value, kept))
            .await
    }

    async fn swap(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        self.writer
            .run(move |db| {
                let now = get(db, &folder, &name)?.map(|found| found.version);
                if now != seen {
                    return Ok(None);
                }
                put(db, &folder, &name, &value, kept).map(Some)
            })
            .await
    }

    async fn remove(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
    ) -> Result<bool, Trouble> {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        self.writer
            .run(move |db| {
                let now = get(db, &folder, &name)?.map(|found| found.version);
                if now.is_none() || (seen.is_some() && now != seen) {
                    return Ok(false);
                }
                let gone = "DELETE FROM vals WHERE folder = ?1 AND name = ?2";
                db.execute(gone, params![folder, name]).map(|_| true)
            })
            .await
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, Found)>, Trouble> {
        let folder = folder.to_owned();
        self.writer
            .run(move |db| {
                let mut all = db.prepare(
                    "SELECT value, version, name FROM vals
                     WHERE folder = ?1 AND (until IS NULL OR until > ?2)",
                )?;
                all.query_map(params![folder, now_ms()], |row| {
                    Ok((row.get(2)?, found(row)?))
                })?
                .collect()
            })
            .await
    }
}
