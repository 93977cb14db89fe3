//! What every store of state does, whichever it is.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "tests")]

#[cfg(feature = "redis")]
#[path = "../../testkit/src/redis.rs"]
#[allow(dead_code, clippy::expect_used, reason = "other tests use the rest")]
mod server;
#[path = "state/suite.rs"]
mod suite;

use std::sync::Arc;

use business_tools_core::state::{Memory, Store};
use suite::Kind;

struct InMemory(Arc<Memory>);

impl Kind for InMemory {
    fn join(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as Arc<dyn Store>
    }
}

suite::against!(memory, || InMemory(Arc::new(Memory::new())));

#[cfg(feature = "file")]
mod in_a_file {
    use std::path::PathBuf;

    use business_tools_core::state::file::FileStore;

    use super::*;

    pub struct InAFile(pub PathBuf);

    impl InAFile {
        pub fn new() -> Self {
            let name = format!("business-tools-state-{}", uuid::Uuid::new_v4().simple());
            Self(std::env::temp_dir().join(name).join("state.db"))
        }
    }

    impl Kind for InAFile {
        fn join(&self) -> Arc<dyn Store> {
            Arc::new(FileStore::open(&self.0).unwrap())
        }
    }

    impl Drop for InAFile {
        fn drop(&mut self) {
            std::fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
        }
    }
}

#[cfg(feature = "file")]
suite::against!(file, in_a_file::InAFile::new);

#[cfg(feature = "redis")]
mod in_redis {
    use std::sync::LazyLock;

    use business_tools_core::state::redis::{RedisSettings, RedisStore};

    use super::*;

    /// One server for all, as `cargo xtask test` brings it.
    static URL: LazyLock<(String, Option<server::RedisServer>)> = LazyLock::new(|| {
        let given = std::env::var_os("TEST_REDIS_URL").and_then(|url| url.into_string().ok());
        given.map_or_else(
            || {
                let own = server::RedisServer::start(&[]);
                (own.url(), Some(own))
            },
            |given| (given, None),
        )
    });

    pub struct InRedis {
        prefix: String,
    }

    impl InRedis {
        pub fn new() -> Self {
            Self {
                prefix: format!("test-{}", uuid::Uuid::new_v4().simple()),
            }
        }
    }

    impl Kind for InRedis {
        fn join(&self) -> Arc<dyn Store> {
            let settings = RedisSettings {
                prefix: self.prefix.clone(),
                ..RedisSettings::at(&URL.0)
            };
            Arc::new(RedisStore::start(settings).unwrap())
        }
    }
}

#[cfg(feature = "redis")]
suite::against!(redis, in_redis::InRedis::new);
