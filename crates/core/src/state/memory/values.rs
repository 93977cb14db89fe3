//! Values in memory.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::{Memory, lock};
use crate::state::{Found, Trouble, ValueStore, Version};

#[derive(Debug, Default)]
pub(super) struct Folders {
    folders: HashMap<String, HashMap<String, Kept>>,
    writes: u32,
}

#[derive(Debug)]
struct Kept {
    found: Found,
    until: Option<Instant>,
}

impl Kept {
    fn is_due(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Writes after which what is over is looked for and dropped.
const SWEEP: u32 = 1024;

impl Folders {
    fn get(&self, folder: &str, name: &str) -> Option<&Found> {
        let kept = self.folders.get(folder)?.get(name)?;
        (!kept.is_due(Instant::now())).then_some(&kept.found)
    }

    fn put(&mut self, folder: &str, name: &str, value: Bytes, kept: Option<Duration>) -> Version {
        self.writes += 1;
        let now = Instant::now();
        if self.writes >= SWEEP {
            self.writes = 0;
            for names in self.folders.values_mut() {
                names.retain(|_, kept| !kept.is_due(now));
            }
            self.folders.retain(|_, names| !names.is_empty());
        }
        let version = Version::fresh();
        let kept = Kept {
            found: Found { value, version },
            until: kept.map(|kept| now + kept),
        };
        let folder = self.folders.entry(folder.to_owned()).or_default();
        folder.insert(name.to_owned(), kept);
        version
    }
}

#[async_trait]
impl ValueStore for Memory {
    async fn get(&self, folder: &str, name: &str) -> Result<Option<Found>, Trouble> {
        Ok(lock(&self.values).get(folder, name).cloned())
    }

    async fn put(
        &self,
        folder: &str,
        name: &str,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Version, Trouble> {
        Ok(lock(&self.values).put(folder, name, value, kept))
    }

    async fn swap(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble> {
        let mut values = lock(&self.values);
        let now = values.get(folder, name).map(|found| found.version);
        Ok((now == seen).then(|| values.put(folder, name, value, kept)))
    }

    async fn remove(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
    ) -> Result<bool, Trouble> {
        let mut values = lock(&self.values);
        let now = values.get(folder, name).map(|found| found.version);
        let fits = now.is_some() && (seen.is_none() || now == seen);
        if fits && let Some(folder) = values.folders.get_mut(folder) {
            folder.remove(name);
        }
        Ok(fits)
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, Found)>, Trouble> {
        let now = Instant::now();
        let values = lock(&self.values);
        let folder = values.folders.get(folder).into_iter().flatten();
        let alive = folder.filter(|(_, kept)| !kept.is_due(now));
        Ok(alive
            .map(|(name, kept)| (name.clone(), kept.found.clone()))
            .collect())
    }
}
