//! Shared results in memory: for tests of what shares them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::lock;
use crate::state::results::fresh_edition;
use crate::state::{Look, ResultStore, Trouble, Turn};

/// Results that several caches of one process share.
#[derive(Debug, Default)]
pub struct MemoryResults(Mutex<HashMap<String, Group>>);

#[derive(Debug)]
struct Group {
    edition: String,
    values: HashMap<String, (Bytes, Instant)>,
    turns: HashMap<String, (String, Instant)>,
}

impl Group {
    fn new() -> Self {
        Self {
            edition: fresh_edition(),
            values: HashMap::new(),
            turns: HashMap::new(),
        }
    }

    fn holder(&self, name: &str) -> Option<&str> {
        let (holder, until) = self.turns.get(name)?;
        (*until > Instant::now()).then_some(holder)
    }

    fn has(&self, name: &str, turn: &Turn) -> bool {
        self.holder(name) == Some(&turn.holder())
    }
}

#[async_trait]
impl ResultStore for MemoryResults {
    async fn look(
        &self,
        group: &str,
        name: &str,
        asker: &str,
        held: Duration,
    ) -> Result<Look, Trouble> {
        let mut groups = lock(&self.0);
        let group = groups.entry(group.to_owned()).or_insert_with(Group::new);
        let now = Instant::now();
        if let Some((value, until)) = group.values.get(name)
            && *until > now
        {
            return Ok(Look::Found {
                edition: group.edition.clone(),
                value: value.clone(),
                left: *until - now,
            });
        }
        let own = Turn {
            edition: group.edition.clone(),
            asker: asker.to_owned(),
        };
        let holder = group.holder(name).map(str::to_owned);
        Ok(match holder {
            Some(holder) if holder != own.holder() => Look::Theirs { own, holder },
            _ => {
                let turn = (own.holder(), now + held);
                group.turns.insert(name.to_owned(), turn);
                Look::Yours(own)
            }
        })
    }

    async fn keep(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        value: Bytes,
        kept: Duration,
    ) -> Result<bool, Trouble> {
        let mut groups = lock(&self.0);
        let Some(group) = groups.get_mut(group) else {
            return Ok(false);
        };
        if group.has(name, turn) {
            group.turns.remove(name);
        }
        if group.edition != turn.edition {
            return Ok(false);
        }
        let until = Instant::now() + kept;
        group.values.insert(name.to_owned(), (value, until));
        Ok(true)
    }

    async fn hold(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        held: Duration,
    ) -> Result<bool, Trouble> {
        let mut groups = lock(&self.0);
        let Some(group) = groups.get_mut(group).filter(|it| it.has(name, turn)) else {
            return Ok(false);
        };
        let until = Instant::now() + held;
        group.turns.insert(name.to_owned(), (turn.holder(), until));
        Ok(true)
    }

    async fn leave(&self, group: &str, name: &str, turn: &Turn) -> Result<(), Trouble> {
        let mut groups = lock(&self.0);
        if let Some(group) = groups.get_mut(group).filter(|it| it.has(name, turn)) {
            group.turns.remove(name);
        }
        Ok(())
    }

    async fn forget(&self, forgotten: &[&str]) -> Result<(), Trouble> {
        let mut groups = lock(&self.0);
        for group in forgotten {
            groups.remove(*group);
        }
        Ok(())
    }
}
