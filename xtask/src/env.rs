//! Where things are, and what the environment says.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// `$BUSINESS_TOOLS_CACHE`, or the usual place: what the chores fetch once and keep.
pub(crate) fn cache() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("BUSINESS_TOOLS_CACHE") {
        return Ok(PathBuf::from(dir));
    }
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither BUSINESS_TOOLS_CACHE nor HOME is set")?;
    Ok(base.join("business-tools-mcp"))
}

/// A skipped check is a failure there.
pub(crate) fn ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0")
}

/// The value of a variable, when it is set, valid and not empty.
pub(crate) fn text(name: &str) -> Option<String> {
    std::env::var_os(name)?
        .into_string()
        .ok()
        .filter(|value| !value.is_empty())
}
