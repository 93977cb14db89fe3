//! Installs and starts the suite.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::report::{self, Report};
use crate::node::Packages;

/// Pinned: newer ones may ask for more, older ones do not know the 2026 revision.
const PACKAGE: (&str, &str) = ("@modelcontextprotocol/conformance", "0.2.0-alpha.12");

/// The installed suite.
pub(super) struct Suite {
    packages: Packages,
    output: PathBuf,
}

impl Suite {
    /// Its results go below `output`.
    pub(super) fn install(output: PathBuf) -> Result<Self> {
        Ok(Self {
            packages: Packages::install("conformance", &[PACKAGE])?,
            output,
        })
    }

    /// Runs everything that `revision` lists; the whole output is shown when something failed.
    pub(super) fn run(
        &self,
        name: &str,
        url: &str,
        revision: &str,
        baseline: Option<&Path>,
    ) -> Result<Report> {
        let folder = self.output.join(format!("{name}-{revision}"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let script = self.packages.file(&format!("{}/dist/index.js", PACKAGE.0));
        let mut command = self.packages.node(&script);
        command
            .args(["server", "--url", url, "--requirements", revision, "-o"])
            .arg(&folder);
        if let Some(file) = baseline {
            command.arg("--expected-failures").arg(file);
        }
        let out = command.output().context("could not start node")?;
        let text = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            print!("{text}");
            eprint!("{}", String::from_utf8_lossy(&out.stderr));
        }
        let file = self
            .packages
            .file(&format!("{}/requirements/{revision}.yaml", PACKAGE.0));
        let required = report::required(&fs::read_to_string(file)?);
        Report::read(revision, &text, &folder, &required, out.status.success())
    }
}
