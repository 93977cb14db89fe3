//! Records of writes in Redis.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::Script;

use super::RedisStore;
use crate::state::{Begin, Known, RecordStore, Stage, Ticket, Trouble, millis_of};

static BEGIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/begin.lua")));
static TAKE_OVER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("lua/take_over.lua")));
static FINISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/finish.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/forget.lua")));
static LIVES: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/lives.lua")));

/// Milliseconds as Redis takes them, and never none.
fn millis(kept: Duration) -> Vec<u8> {
    millis_of(kept).max(1).to_string().into_bytes()
}

impl RedisStore {
    fn record(&self, key: &str) -> [String; 1] {
        [self.link.key(&format!("record:{key}"))]
    }
}

#[async_trait]
impl RecordStore for RedisStore {
    async fn begin(&self, key: &str, fingerprint: &str, kept: Duration) -> Result<Begin, Trouble> {
        let ticket = Ticket::new(self.link.instance());
        let args = [
            fingerprint.as_bytes(),
            ticket.as_str().as_bytes(),
            &millis(kept),
        ];
        let known: Vec<Option<Vec<u8>>> = self.link.eval(&BEGIN, &self.record(key), &args).await?;
        let mut known = known.into_iter();
        let text = |bytes: Option<Option<Vec<u8>>>| String::from_utf8(bytes??).ok();
        let Some(fingerprint) = text(known.next()) else {
            return Ok(Begin::Mine(ticket));
        };
        let owner = Ticket::kept(text(known.next()).unwrap_or_default());
        let stage = if let Some(outcome) = known.next().flatten() {
            Stage::Done(outcome.into())
        } else if owner.instance() == self.link.instance() {
            Stage::Running
        } else {
            let replicas = [self.link.replicas_key()];
            let instance = [owner.instance().as_bytes()];
            let lives: bool = self.link.eval(&LIVES, &replicas, &instance).await?;
            if lives {
                Stage::Running
            } else {
                Stage::Lost(owner)
            }
        };
        Ok(Begin::Known(Known { fingerprint, stage }))
    }

    async fn take_over(
        &self,
        key: &str,
        lost: &Ticket,
        kept: Duration,
    ) -> Result<Option<Ticket>, Trouble> {
        let ticket = Ticket::new(self.link.instance());
        let args = [
            lost.as_str().as_bytes(),
            ticket.as_str().as_bytes(),
            &millis(kept),
        ];
        let taken: bool = self.link.eval(&TAKE_OVER, &self.record(key), &args).await?;
        Ok(taken.then_some(ticket))
    }

    async fn finish(
        &self,
        key: &str,
        mine: &Ticket,
        fingerprint: &str,
        outcome: Bytes,
        kept: Duration,
    ) -> Result<(), Trouble> {
        let args = [
            mine.as_str().as_bytes(),
            fingerprint.as_bytes(),
            &outcome,
            &millis(kept),
        ];
        let _kept: bool = self.link.eval(&FINISH, &self.record(key), &args).await?;
        Ok(())
    }

    async fn forget(&self, key: &str, mine: &Ticket) -> Result<(), Trouble> {
        let args = [mine.as_str().as_bytes()];
        let _gone: bool = self.link.eval(&FORGET, &self.record(key), &args).await?;
        Ok(())
    }
}
