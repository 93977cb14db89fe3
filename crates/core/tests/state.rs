//! What every store of state does, whichever it is.
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "tests")]

#[path = "state/suite.rs"]
mod suite;

use std::sync::Arc;

use business_tools_core::state::{Memory, Store};

/// One store, seen from one process or from several.
pub trait Kind {
    /// Another process that uses the same state; for memory the same one.
    fn join(&self) -> Arc<dyn Store>;
}

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
