//! Python packages, each in an environment of its own in the cache.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{env, sh};

/// The interpreter of an environment that has `package`, which is `NAME==VERSION`.
pub(crate) fn venv(package: &str) -> Result<PathBuf> {
    let folder = env::cache()?.join("python").join(package);
    let python = folder.join("bin/python");
    // Written last, so that an installation that was cut short is done again.
    let note = folder.join("installed");
    if note.is_file() {
        return Ok(python);
    }
    println!("installing {package} into {}", folder.display());
    sh::output(sh::program("python3", ["-m", "venv", "--clear"]).arg(&folder))
        .context("python3 with venv is needed (Debian: python3-venv)")?;
    sh::output(&mut sh::program(
        &python,
        ["-m", "pip", "install", "--quiet", package],
    ))?;
    std::fs::write(&note, package)?;
    Ok(python)
}
