//! The benchmark of the two stacks, which lives in core.

use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::{env, sh};

const PACKAGE: &str = "business-tools-core";
const BENCH: &str = "planes";

/// What it printed, or nothing when core has no such benchmark.
pub(super) fn measure(metadata: &Metadata) -> Result<Option<String>> {
    let there = metadata
        .package(PACKAGE)
        .is_some_and(|core| core.folder.join(format!("benches/{BENCH}.rs")).is_file());
    if !there {
        eprintln!("core has no benchmark `{BENCH}`: the cost of a call is left out");
        return Ok(None);
    }
    println!("\n$ cargo bench --package {PACKAGE} --bench {BENCH}");
    let out = sh::cargo(["bench", "--quiet", "--package", PACKAGE, "--bench", BENCH])
        .current_dir(env::root())
        .stderr(Stdio::inherit())
        .output()
        .context("could not start cargo")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        bail!("the benchmark failed:\n{text}");
    }
    Ok(Some(text))
}
