//! The files that a configuration was made of, and whether they are others by now.
//!
//! Looking at them again is surer than a notice of the file system: it works the same for an editor that renames, a
//! ConfigMap whose symbolic link is swapped, a bind mount and a network share, and for a file that is not there yet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file looked like just before it was read; nothing when there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    /// Where links lead: a ConfigMap changes there and nowhere else.
    target: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    /// Device, inode and time of the last change of the inode, where there is such a thing.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let target = path.canonicalize().ok()?;
        let meta = target.metadata().ok()?;
        Some(Self {
            length: meta.len(),
            modified: meta.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec())
            },
            target,
        })
    }
}

/// The files that were looked for, those that were not there included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<PathBuf, Option<Stamp>>);

impl Seen {
    /// Looks at a file that is about to be read.
    pub(crate) fn look(&mut self, path: &Path) {
        // The first look counts: what was read last may be newer, and is then read once more than needed.
        if !self.0.contains_key(path) {
            self.0.insert(path.to_owned(), Stamp::of(path));
        }
    }

    /// The same files as they are now.
    #[must_use]
    pub fn again(&self) -> Self {
        let look = |path: &PathBuf| (path.clone(), Stamp::of(path));
        Self(self.0.keys().map(look).collect())
    }

    /// The files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&dir).unwrap();
        dir
    }

    #[test]
    fn a_file_that_is_written_replaced_made_or_removed_is_another_one() {
        let dir = dir("seen");
        let file = dir.join("config.yaml");
        let mut seen = Seen::default();
        seen.look(&file);
        assert_eq!(seen, seen.again(), "still not there");
        let step = |what: &str, act: &dyn Fn()| {
            let before = seen.again();
            act();
            assert_ne!(before, before.again(), "{what}");
            assert_eq!(before.again(), before.again(), "{what}: quiet afterwards");
        };
        step("made", &|| std::fs::write(&file, "a: 1").unwrap());
        step("written", &|| std::fs::write(&file, "a: 12").unwrap());
        step("replaced by an equal one", &|| {
            std::fs::write(dir.join("new"), "a: 12").unwrap();
            std::fs::rename(dir.join("new"), &file).unwrap();
        });
        step("removed", &|| std::fs::remove_file(&file).unwrap());
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_config_map_that_is_swapped_is_another_one() {
        use std::os::unix::fs::symlink;
        let dir = dir("config-map");
        for version in ["..1", "..2"] {
            std::fs::create_dir(dir.join(version)).unwrap();
            std::fs::write(dir.join(version).join("config.yaml"), "a: 1").unwrap();
        }
        symlink("..1", dir.join("..data")).unwrap();
        symlink("..data/config.yaml", dir.join("config.yaml")).unwrap();
        let mut seen = Seen::default();
        seen.look(&dir.join("config.yaml"));
        assert_eq!(seen, seen.again());
        symlink("..2", dir.join("..new")).unwrap();
        std::fs::rename(dir.join("..new"), dir.join("..data")).unwrap();
        assert_ne!(seen, seen.again());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
