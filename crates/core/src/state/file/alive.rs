//! Which processes that use the file still live: each holds a lock that the system takes back when it dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The mark of this process.
#[derive(Debug)]
pub(super) struct Alive {
    folder: PathBuf,
    instance: String,
    _held: File,
}

impl Alive {
    /// Marks this process as alive, and removes the marks of those that are gone.
    pub(super) fn begin(store: &Path) -> io::Result<Self> {
        let mut name = store.file_name().unwrap_or_default().to_owned();
        name.push("-live");
        let folder = store.with_file_name(name);
        private_folder(&folder)?;
        for mark in fs::read_dir(&folder)? {
            is_alive(&mark?.path());
        }
        loop {
            let instance = uuid::Uuid::new_v4().simple().to_string();
            let mark = folder.join(&instance);
            let held = File::create(&mark)?;
            held.lock()?;
            // Another process may have taken it for one of the dead before it was locked.
            if mark.try_exists()? {
                return Ok(Self {
                    folder,
                    instance,
                    _held: held,
                });
            }
        }
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// Whether the process that wrote this name lives.
    pub(super) fn lives(&self, instance: &str) -> bool {
        let plain = !instance.is_empty() && instance.bytes().all(|b| b.is_ascii_hexdigit());
        plain && (instance == self.instance || is_alive(&self.folder.join(instance)))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // A mark that stays is removed by the next process.
        fs::remove_file(self.folder.join(&self.instance)).unwrap_or_default();
    }
}

/// Whether somebody holds the lock. A mark that nobody holds is removed.
fn is_alive(mark: &Path) -> bool {
    let Ok(file) = File::open(mark) else {
        return false;
    };
    match file.try_lock() {
        Ok(()) => {
            fs::remove_file(mark).unwrap_or_default();
            false
        }
        // Also where locks are unknown: nobody is declared dead then.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
    }
}

/// Makes a folder that only its owner can look into, and those above it.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
