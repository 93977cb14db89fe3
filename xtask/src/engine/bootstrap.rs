//! Fetches the engine once.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::apt;
use crate::{env, sh};

/// The suite that has the package.
const SUITE: &str = "forky";
/// The name carries PostgreSQL's major version, so it is found by pattern.
const PACKAGE: &str = "?name(^postgresql-[0-9]+-documentdb$)";

/// The root folder of the engine, fetched when it is not there yet.
pub(crate) fn ensure() -> Result<PathBuf> {
    let home = env::cache()?.join("documentdb");
    let root = home.join("root");
    if fs::metadata("/proc/self")
        .context("this is no Linux")?
        .uid()
        != 0
    {
        bail!("only root may run it (chroot), and this is not root");
    }
    fs::create_dir_all(&home)?;
    let lock = File::create(home.join("lock"))?;
    lock.lock()
        .context("waiting for another run that is fetching it")?;
    if complete(&root) {
        return Ok(root);
    }
    if !sh::have("mmdebstrap") {
        apt::install(&["mmdebstrap"])?;
    }
    let archive = apt::archive()?;
    let fresh = home.join("root.partial");
    for leftover in [&fresh, &root] {
        if leftover.exists() {
            fs::remove_dir_all(leftover)?;
        }
    }
    println!("fetching the DocumentDB engine, once: about 140 MB, a minute or two");
    sh::output(
        sh::program(
            "mmdebstrap",
            [
                "--quiet",
                "--variant=essential",
                // A copy of the testing suite may be past its expiry date; signatures stay checked.
                "--aptopt=Acquire::Check-Valid-Until \"false\"",
                "--aptopt=APT::Install-Recommends \"false\"",
            ],
        )
        .arg(format!("--include={PACKAGE}"))
        .arg(SUITE)
        .arg(&fresh)
        .arg(format!("deb {archive} {SUITE} main")),
    )
    .map_err(|fault| {
        // Where a machine gets its packages from is nobody's business in a log.
        let said = format!("{fault:#}").replace(&archive, "ARCHIVE");
        anyhow!("mmdebstrap could not fetch it: {said}")
    })?;
    fs::rename(&fresh, &root)?;
    if !complete(&root) {
        bail!(
            "{} has no PostgreSQL with the documentdb extension",
            root.display()
        );
    }
    Ok(root)
}

/// The folder of PostgreSQL's programs as seen from inside `root`.
pub(crate) fn programs(root: &Path) -> Result<PathBuf> {
    let versions = root.join("usr/lib/postgresql");
    let newest = fs::read_dir(&versions)
        .with_context(|| format!("no PostgreSQL in {}", root.display()))?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| {
            let control = format!("usr/share/postgresql/{version}/extension/documentdb.control");
            root.join(control).is_file()
        })
        .max()
        .context("no PostgreSQL with the documentdb extension")?;
    Ok(Path::new("/usr/lib/postgresql")
        .join(newest.to_string())
        .join("bin"))
}

fn complete(root: &Path) -> bool {
    programs(root).is_ok()
}
