//! Files that callers name: opened inside the folders that the operator allows, and nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderValue;

use crate::error::{Error, Fate, Kind, Result};

/// What to do about a file that may not be read.
const HINT: &str =
    "Put the file into a folder that `content.read_folders` of the configuration names";

/// The folders whose files callers may name. Without any, no file is read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    folders: Arc<[PathBuf]>,
}

/// A file of this machine that a caller may read.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// Where it is, links resolved.
    pub path: PathBuf,
    /// Its name, extension included.
    pub name: String,
    /// What its extension says that it is.
    pub media_type: HeaderValue,
    /// Its size in bytes.
    pub len: u64,
}

impl Files {
    /// Allows the files of these folders and of the folders inside them.
    pub fn of(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            folders: folders.into_iter().collect(),
        }
    }

    /// Looks at the file at `path`, which the argument at `pointer` names. Nothing is read yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENTS` at `pointer` when there is no such file, it is not in an allowed folder, or it has
    /// more than `max_bytes`.
    pub async fn open(&self, pointer: &str, path: &str, max_bytes: u64) -> Result<LocalFile> {
        let refused = |what: &str| {
            Err(Error::argument(pointer, what.to_owned())
                .fate(Fate::NotSent)
                .hint(HINT))
        };
        if self.folders.is_empty() {
            return refused("names a file, and no folder is allowed to be read");
        }
        let outside = "is not a file inside an allowed folder";
        // Links are resolved before they are judged: one inside a folder may lead out of it. A file that is
        // not there is told no differently from one that may not be read.
        let Ok(path) = tokio::fs::canonicalize(path).await else {
            return refused(outside);
        };
        let mut allowed = false;
        for folder in self.folders.iter() {
            if let Ok(folder) = tokio::fs::canonicalize(folder).await {
                allowed |= path.starts_with(folder);
            }
        }
        let found = match tokio::fs::metadata(&path).await {
            Ok(found) if allowed && found.is_file() => found,
            _ => return refused(outside),
        };
        if found.len() > max_bytes {
            return Err(too_large(pointer, found.len(), max_bytes));
        }
        let name = path.file_name().map_or_else(
            || "file".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        Ok(LocalFile {
            media_type: media_type(&name),
            name,
            len: found.len(),
            path,
        })
    }
}

impl LocalFile {
    /// Opens it for reading.
    pub(crate) async fn open(&self) -> Result<tokio::fs::File> {
        tokio::fs::File::open(&self.path).await.map_err(|error| {
            Error::new(Kind::InvalidRequest, "The file cannot be read")
                .fate(Fate::NotSent)
                .hint("Check that the file is still there and that the server may read it")
                .source(error)
        })
    }

    /// Reads it whole.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when it cannot be read, or has grown since it was looked at.
    pub async fn read(&self) -> Result<bytes::Bytes> {
        use tokio::io::AsyncReadExt as _;
        let mut bytes = Vec::new();
        let mut file = self.open().await?.take(self.len + 1);
        file.read_to_end(&mut bytes)
            .await
            .map_err(Error::internal)?;
        if bytes.len() as u64 > self.len {
            return Err(
                Error::new(Kind::InvalidRequest, "The file grew while it was read")
                    .fate(Fate::NotSent)
                    .hint("Wait until the file is complete, then try again"),
            );
        }
        Ok(bytes.into())
    }
}

/// A file or an answer that is larger than the provider takes.
pub(crate) fn too_large(pointer: &str, len: u64, max_bytes: u64) -> Error {
    let mb = |bytes: u64| bytes.div_ceil(1 << 20);
    Error::argument(
        pointer,
        format!(
            "is of {} MB, and {} MB are the most",
            mb(len),
            max_bytes >> 20
        ),
    )
    .fate(Fate::NotSent)
    .hint("Use a smaller file: cut it, or compress it more")
}

/// The media type that a file name's extension stands for.
pub fn media_type(name: &str) -> HeaderValue {
    let extension = Path::new(name)
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    HeaderValue::from_static(match extension.as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("mp3" | "mpga" | "mpeg") => "audio/mpeg",
        Some("m4a") => "audio/mp4",
        Some("mp4") => "video/mp4",
        Some("wav") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("ogg" | "oga" | "opus") => "audio/ogg",
        Some("aac") => "audio/aac",
        Some("webm") => "audio/webm",
        Some("pdf") => "application/pdf",
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonl",
        Some("csv") => "text/csv",
        Some("txt" | "md" | "log") => "text/plain",
        Some("html") => "text/html",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone after its test.
    struct Scratch(PathBuf);

    impl std::ops::Deref for Scratch {
        type Target = PathBuf;

        fn deref(&self) -> &PathBuf {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn scratch(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("bt-files-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    fn said(error: &Error) -> String {
        error.details()["faults"][0].to_string()
    }

    #[tokio::test]
    async fn a_file_of_an_allowed_folder_is_looked_at_and_read() {
        let folder = scratch("allowed");
        let path = folder.join("Call of Monday.WAV");
        std::fs::write(&path, b"RIFF").unwrap();
        let files = Files::of([folder.clone()]);
        let file = files
            .open("/path", path.to_str().unwrap(), 4)
            .await
            .unwrap();
        assert_eq!((file.name.as_str(), file.len), ("Call of Monday.WAV", 4));
        assert_eq!(file.media_type, "audio/wav");
        assert_eq!(file.read().await.unwrap().as_ref(), b"RIFF");
        let error = files
            .open("/path", path.to_str().unwrap(), 3)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArguments);
        std::fs::write(&path, b"RIFF and more").unwrap();
        assert!(file.read().await.is_err(), "it grew");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_outside_is_read_whatever_way_it_is_named() {
        let (inside, outside) = (scratch("inside"), scratch("outside"));
        let secret = outside.join("secret.txt");
        std::fs::write(&secret, b"CANARY").unwrap();
        let link = inside.join("innocent.txt");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        let around = inside.join("..").join(outside.file_name().unwrap());
        let files = Files::of([inside.clone()]);
        let missing = files
            .open("/path", inside.join("none").to_str().unwrap(), 9)
            .await
            .unwrap_err();
        for path in [&secret, &link, &around.join("secret.txt"), &inside] {
            let error = files
                .open("/path", path.to_str().unwrap(), 99)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArguments);
            assert_eq!(said(&error), said(&missing), "{path:?}");
            assert!(error.hint_text().unwrap().contains("content.read_folders"));
        }
    }

    #[tokio::test]
    async fn without_allowed_folders_no_file_is_read() {
        let folder = scratch("none");
        let path = folder.join("a.txt");
        std::fs::write(&path, b"a").unwrap();
        let error = Files::default()
            .open("/path", path.to_str().unwrap(), 9)
            .await
            .unwrap_err();
        assert!(said(&error).contains("no folder"), "{error:?}");
    }
}
