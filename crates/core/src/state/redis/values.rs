//! Values in Redis: a key for each, which Redis drops by itself, and an index for each folder.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::Script;

use super::RedisStore;
use crate::state::{Found, Trouble, ValueStore, Version, millis_of};

static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/put.lua")));
static REMOVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/remove.lua")));
static LIST: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/list.lua")));

impl RedisStore {
    /// What the keys of a folder begin with. The braces keep it on one node of a cluster.
    fn folder(&self, folder: &str) -> String {
        self.link.key(&format!("{{{folder}}}:"))
    }

    fn value(&self, folder: &str, name: &str) -> [String; 2] {
        let folder = self.folder(folder);
        [format!("{folder}{name}"), format!("{folder}index")]
    }

    async fn keep(
        &self,
        keys: &[String],
        seen: Option<&[u8]>,
        name: &str,
        value: &[u8],
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble> {
        let version = Version::fresh();
        let value = [&version.0.to_be_bytes()[..], value].concat();
        let kept = kept.map_or(0, |kept| millis_of(kept).max(1)).to_string();
        let mode: &[u8] = if seen.is_some() { b"swap" } else { b"any" };
        let seen = seen.unwrap_or_default();
        let args = [mode, seen, &value, kept.as_bytes(), name.as_bytes()];
        let done: bool = self.link.eval(&PUT, keys, &args).await?;
        Ok(done.then_some(version))
    }
}

/// A version as the scripts compare it; nothing where there was no value.
fn written(seen: Option<Version>) -> Vec<u8> {
    seen.map_or_else(Vec::new, |seen| seen.0.to_be_bytes().to_vec())
}

fn found(bytes: &[u8]) -> Option<Found> {
    let (version, value) = bytes.split_first_chunk::<8>()?;
    Some(Found {
        value: Bytes::copy_from_slice(value),
        version: Version(u64::from_be_bytes(*version)),
    })
}

#[async_trait]
impl ValueStore for RedisStore {
    async fn get(&self, folder: &str, name: &str) -> Result<Option<Found>, Trouble> {
        let [key, _] = self.value(folder, name);
        let mut command = redis::cmd("GET");
        command.arg(key);
        let bytes: Option<Vec<u8>> = self.link.query(command).await?;
        Ok(bytes.as_deref().and_then(found))
    }

    async fn put(
        &self,
        folder: &str,
        name: &str,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Version, Trouble> {
        let keys = self.value(folder, name);
        let done = self.keep(&keys, None, name, &value, kept).await?;
        done.ok_or_else(|| Trouble::Failed("Redis did not keep a value".to_owned()))
    }

    async fn swap(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble> {
        let keys = self.value(folder, name);
        let seen = written(seen);
        self.keep(&keys, Some(&seen), name, &value, kept).await
    }

    async fn remove(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
    ) -> Result<bool, Trouble> {
        let keys = self.value(folder, name);
        let args = [&written(seen)[..], name.as_bytes()];
        self.link.eval(&REMOVE, &keys, &args).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, Found)>, Trouble> {
        let folder = self.folder(folder);
        let keys = [format!("{folder}index")];
        let all: Vec<Vec<u8>> = self.link.eval(&LIST, &keys, &[folder.as_bytes()]).await?;
        let pairs = all.chunks_exact(2).filter_map(|pair| {
            let name = String::from_utf8(pair[0].clone()).ok()?;
            Some((name, found(&pair[1])?))
        });
        Ok(pairs.collect())
    }
}
