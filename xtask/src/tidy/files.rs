//! The text files of the repository.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::sh;

/// A file with its path from the root.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|ending| ending == "rs")
    }
}

/// Every file that is tracked, or new and not ignored; binaries are left out.
pub(super) fn tracked(root: &Path) -> Result<Vec<File>> {
    let names = sh::output(
        sh::program(
            "git",
            [
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ],
        )
        .current_dir(root),
    )?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|name| !name.is_empty()) {
        let Ok(bytes) = fs::read(root.join(path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}
