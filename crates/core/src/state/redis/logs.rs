//! Logs in Redis: a stream for each, numbered by a counter that outlives its entries.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::Script;

use super::RedisStore;
use crate::state::{Entry, LogStore, Trouble, millis_of};

static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/append.lua")));

impl RedisStore {
    fn log(&self, log: &str) -> [String; 2] {
        // The braces keep both on one node of a cluster.
        let log = self.link.key(&format!("log:{{{log}}}"));
        [format!("{log}:entries"), format!("{log}:counter")]
    }
}

/// The number in `7-0`.
fn number(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

#[async_trait]
impl LogStore for RedisStore {
    async fn append(
        &self,
        log: &str,
        entry: Bytes,
        most: u64,
        kept: Duration,
    ) -> Result<u64, Trouble> {
        let (most, kept) = (most.to_string(), millis_of(kept).to_string());
        let args = [&entry[..], most.as_bytes(), kept.as_bytes()];
        self.link.eval(&APPEND, &self.log(log), &args).await
    }

    async fn read(&self, log: &str, after: u64, limit: usize) -> Result<Vec<Entry>, Trouble> {
        let [key, _] = self.log(log);
        let mut command = redis::cmd("XRANGE");
        command
            .arg(key)
            .arg(format!("{}-0", after.saturating_add(1)));
        command.arg("+").arg("COUNT").arg(limit);
        let all: Vec<(String, Vec<Vec<u8>>)> = self.link.query(command).await?;
        let entries = all.into_iter().filter_map(|(id, fields)| {
            Some(Entry {
                number: number(&id)?,
                value: fields.into_iter().nth(1)?.into(),
            })
        });
        Ok(entries.collect())
    }

    async fn trim(&self, log: &str, upto: u64) -> Result<(), Trouble> {
        let [key, _] = self.log(log);
        let mut command = redis::cmd("XTRIM");
        command.arg(key).arg("MINID").arg("=");
        command.arg(format!("{}-0", upto.saturating_add(1)));
        self.link.query::<i64>(command).await.map(drop)
    }
}
