//! State in one file that survives the process: SQLite with a write-ahead log.
//!
//! One thread owns the connection. What waits for it is written in one transaction and told once that is on the
//! disk, so that many writes at a time share one wait for it. Several processes may use one file.

mod alive;
mod key;
mod logs;
mod records;
mod schema;
mod values;
mod windows;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Figures, LocalWindows, Store, Trouble};
use alive::Alive;
pub use key::key_beside;
use writer::Writer;

/// A store in a file.
#[derive(Debug)]
pub struct FileStore {
    writer: Writer,
    windows: Arc<LocalWindows>,
    alive: Arc<Alive>,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub struct CannotOpen {
    path: PathBuf,
    why: String,
}

impl std::fmt::Display for CannotOpen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for CannotOpen {}

impl FileStore {
    /// Opens a file, or makes it. Nobody but its owner can read it.
    ///
    /// # Errors
    /// When it cannot be written, is no file of this kind, or is one of a newer release.
    pub fn open(path: &Path) -> Result<Self, CannotOpen> {
        let cannot = |why: String| CannotOpen {
            path: path.to_owned(),
            why,
        };
        let connection = schema::open(path).map_err(cannot)?;
        let alive = Alive::begin(path).map_err(|fault| cannot(fault.to_string()))?;
        let earlier = windows::load(&connection).map_err(|fault| cannot(fault.to_string()))?;
        let windows = Arc::new(LocalWindows::journaled(earlier));
        let writer = Writer::start(connection, Arc::clone(&windows))
            .map_err(|fault| cannot(fault.to_string()))?;
        Ok(Self {
            writer,
            windows,
            alive: Arc::new(alive),
        })
    }
}

impl Store for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    fn trouble(&self) -> Option<Trouble> {
        self.writer.trouble()
    }

    fn figures(&self) -> Figures {
        Figures {
            failures: self.writer.failures(),
            ..Figures::default()
        }
    }
}
