//! Where audit lines go: a file that is put aside when it is large, stdout, or both.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use business_tools_core::call::audit::AuditSink;
use business_tools_core::config::AuditBlock;
use serde_json::Value;

/// The sink of these settings; `None` when nothing is recorded.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn sink(settings: &AuditBlock) -> std::io::Result<Option<Arc<dyn AuditSink>>> {
    if settings.file.is_none() && !settings.stdout {
        return Ok(None);
    }
    let file = match &settings.file {
        Some(path) => Some(Rotating::open(path, settings.max_bytes, settings.keep)?),
        None => None,
    };
    Ok(Some(Arc::new(Trail {
        file: file.map(Mutex::new),
        stdout: settings.stdout,
    })))
}

struct Trail {
    file: Option<Mutex<Rotating>>,
    stdout: bool,
}

impl AuditSink for Trail {
    fn record(&self, line: &Value) {
        let line = format!("{line}\n");
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.append(&line) {
                tracing::error!(%error, "the audit line could not be written");
            }
        }
        if self.stdout {
            let mut out = std::io::stdout().lock();
            if let Err(error) = out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
                tracing::error!(%error, "the audit line could not be written");
            }
        }
    }
}

/// A file that is appended to, and put aside when it is large: `audit.jsonl`, `audit.jsonl.1`, and so on.
struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    max: u64,
    keep: u32,
}

impl Rotating {
    fn open(path: &Path, max: u64, keep: u32) -> std::io::Result<Self> {
        let file = append_to(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            max,
            keep,
        })
    }

    fn append(&mut self, line: &str) -> std::io::Result<()> {
        let more = line.len() as u64;
        if self.max > 0 && self.size > 0 && self.size + more > self.max {
            // A line is worth more than the bound: if the file cannot be put aside, it grows.
            if let Err(error) = self.put_aside() {
                tracing::warn!(%error, "the audit file could not be put aside");
            }
        }
        self.file.write_all(line.as_bytes())?;
        self.size += more;
        Ok(())
    }

    fn put_aside(&mut self) -> std::io::Result<()> {
        let numbered = |n: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        } else {
            for n in (1..self.keep).rev() {
                let from = numbered(n);
                if from.exists() {
                    std::fs::rename(from, numbered(n + 1))?;
                }
            }
            std::fs::rename(&self.path, numbered(1))?;
        }
        self.file = append_to(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

/// Opens a file that its owner alone may read: it tells who did what.
fn append_to(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_that_is_large_is_put_aside_and_the_oldest_goes() {
        let dir = std::env::temp_dir().join(format!("audit-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&dir).unwrap();
        let path = dir.join("audit.jsonl");
        let mut file = Rotating::open(&path, 30, 2).unwrap();
        for n in 0..7 {
            file.append(&format!("{{\"line\":{n}}}\n")).unwrap();
        }
        drop(file);
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
        assert_eq!(read("audit.jsonl"), "{\"line\":6}\n");
        assert_eq!(read("audit.jsonl.1"), "{\"line\":4}\n{\"line\":5}\n");
        assert_eq!(read("audit.jsonl.2"), "{\"line\":2}\n{\"line\":3}\n");
        assert!(!dir.join("audit.jsonl.3").exists());
        // What is there is counted, and appended to.
        let mut file = Rotating::open(&path, 30, 2).unwrap();
        file.append("{\"line\":7}\n").unwrap();
        assert_eq!(read("audit.jsonl"), "{\"line\":6}\n{\"line\":7}\n");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn nothing_is_recorded_without_a_place() {
        assert!(sink(&AuditBlock::default()).unwrap().is_none());
    }
}
