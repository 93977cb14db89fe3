//! The generated pages say what the code says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::fault::Fault;
use crate::docs;
use crate::metadata::Metadata;

pub(super) fn check(metadata: &Metadata, root: &Path) -> Result<Vec<Fault>> {
    let fresh = metadata.target.join("tidy-docs");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    if !docs::write(metadata, &fresh)? {
        return Ok(Vec::new());
    }
    let mut faults = Vec::new();
    for page in pages(&fresh)? {
        let name = page.strip_prefix(&fresh)?;
        let kept = root.join("docs").join(name);
        if fs::read(&page)? != fs::read(&kept).unwrap_or_default() {
            faults.push(Fault::new(
                format!("docs/{}", name.display()),
                "is stale",
                "run `cargo xtask docs` and commit what it writes",
            ));
        }
    }
    Ok(faults)
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
