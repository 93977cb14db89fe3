//! Shared results in Redis. A group's keys are on one node of a cluster, so that looking is one step.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use redis::Script;
use tokio::time::Instant;

use super::link::Link;
use crate::state::results::fresh_edition;
use crate::state::{Look, Notice, ResultStore, Trouble, Turn, millis_of};

static LOOK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/look.lua")));
static KEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/keep.lua")));
static HOLD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/hold.lua")));

/// How often it is looked whether Redis has room for results.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

/// Results in Redis. They can be read again, and so they leave it room for what cannot.
pub(super) struct RedisResults {
    link: Arc<Link>,
    room: Mutex<Room>,
}

#[derive(Default)]
struct Room {
    looked: Option<Instant>,
    none: bool,
}

impl RedisResults {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            link,
            room: Mutex::default(),
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look for room; nothing while there is none.
    fn look_for_room(&self) -> Option<bool> {
        let mut room = self.room();
        let fresh = room.looked.is_some_and(|at| at.elapsed() < LOOK_FOR_ROOM);
        if !fresh {
            room.looked = Some(Instant::now());
            return Some(true);
        }
        (!room.none).then_some(false)
    }

    fn key(&self, group: &str, what: &str) -> String {
        self.link.key(&format!("results:{{{group}}}:{what}"))
    }

    fn edition(&self, group: &str) -> String {
        self.key(group, "edition")
    }

    fn turn(&self, group: &str, name: &str) -> String {
        self.key(group, &format!("turn:{name}"))
    }

    fn keys(&self, group: &str, name: &str) -> [String; 3] {
        let value = self.key(group, &format!("value:{name}"));
        [self.edition(group), value, self.turn(group, name)]
    }

    /// Lets a turn go on for so long, or end.
    async fn turn_for(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        millis: i64,
    ) -> Result<bool, Trouble> {
        let keys = [self.turn(group, name)];
        let millis = millis.to_string();
        let holder = turn.holder();
        let args = [holder.as_bytes(), millis.as_bytes()];
        self.link.eval(&HOLD, &keys, &args).await
    }
}

#[async_trait]
impl ResultStore for RedisResults {
    async fn look(
        &self,
        group: &str,
        name: &str,
        asker: &str,
        held: Duration,
    ) -> Result<Look, Trouble> {
        let (fresh, held) = (fresh_edition(), millis_of(held).max(1).to_string());
        let args = [fresh.as_bytes(), asker.as_bytes(), held.as_bytes()];
        let keys = self.keys(group, name);
        let answer: Vec<Vec<u8>> = self.link.eval(&LOOK, &keys, &args).await?;
        let text = |n: usize| {
            let bytes = answer.get(n).cloned().unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        let own = Turn {
            edition: text(1),
            asker: asker.to_owned(),
        };
        match (text(0).as_str(), answer.get(3)) {
            ("found", Some(value)) => Ok(Look::Found {
                edition: own.edition,
                left: Duration::from_millis(text(2).parse().unwrap_or_default()),
                value: value.clone().into(),
            }),
            ("yours", _) => Ok(Look::Yours(own)),
            ("theirs", _) => Ok(Look::Theirs {
                own,
                holder: text(2),
            }),
            _ => Err(Trouble::Failed(
                "Redis did not say whether it has a result".to_owned(),
            )),
        }
    }

    async fn keep(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        value: Bytes,
        kept: Duration,
    ) -> Result<bool, Trouble> {
        let Some(look) = self.look_for_room() else {
            return self.leave(group, name, turn).await.map(|()| false);
        };
        let (kept, holder) = (millis_of(kept).max(1).to_string(), turn.holder());
        let (edition, room) = (turn.edition.as_bytes(), if look { b"1" } else { b"0" });
        let args = [edition, holder.as_bytes(), kept.as_bytes(), &value, room];
        let keys = self.keys(group, name);
        let done: i64 = self.link.eval(&KEEP, &keys, &args).await?;
        if look {
            self.room().none = done == 2;
        }
        Ok(done == 1)
    }

    async fn hold(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        held: Duration,
    ) -> Result<bool, Trouble> {
        let millis = millis_of(held).max(1);
        self.turn_for(group, name, turn, millis).await
    }

    async fn leave(&self, group: &str, name: &str, turn: &Turn) -> Result<(), Trouble> {
        self.turn_for(group, name, turn, 0).await.map(drop)
    }

    async fn forget(&self, groups: &[&str]) -> Result<(), Trouble> {
        // To remove is what even a Redis does that is full; the next look gives a new edition.
        let removals = groups.iter().map(|group| {
            let mut command = redis::cmd("DEL");
            command.arg(self.edition(group));
            self.link.query::<i64>(command)
        });
        let removed = try_join_all(removals).await;
        // Those that can hear it should, whatever became of the rest.
        let told = groups.join("\n").into_bytes();
        let heard = self.link.notify(&Notice::Forget(told.into())).await;
        removed.map(drop).and(heard)
    }
}
