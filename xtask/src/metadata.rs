//! What cargo knows about the workspace.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::sh;

/// Kind of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// One dependency line of a crate.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) examples: Vec<String>,
    /// The test binaries that `cargo test` runs.
    pub(crate) tests: Vec<String>,
    pub(crate) features: Vec<(String, Vec<String>)>,
}

impl Package {
    /// The words of one feature.
    pub(crate) fn feature(&self, name: &str) -> Option<&[String]> {
        self.features
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, words)| words.as_slice())
    }
}

/// The workspace.
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target: PathBuf,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let text = sh::output(&mut sh::cargo([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
        ]))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text)?;
        let target = json["target_directory"]
            .as_str()
            .context("no target_directory")?
            .into();
        let packages = list(&json["packages"])
            .map(package)
            .collect::<Result<_>>()?;
        Ok(Self { packages, target })
    }

    /// A crate by name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

fn package(json: &Value) -> Result<Package> {
    let manifest = PathBuf::from(json["manifest_path"].as_str().context("no manifest_path")?);
    let folder = manifest
        .parent()
        .context("a manifest without a folder")?
        .to_path_buf();
    let dependencies = list(&json["dependencies"])
        .map(|line| Dependency {
            name: text(&line["name"]),
            kind: match line["kind"].as_str() {
                Some("dev") => Kind::Dev,
                Some("build") => Kind::Build,
                _ => Kind::Normal,
            },
            optional: line["optional"].as_bool().unwrap_or_default(),
        })
        .collect();
    let targets = |wanted: &'static str| {
        list(&json["targets"])
            .filter(move |target| list(&target["kind"]).any(|kind| kind == wanted))
    };
    let examples = targets("example").map(|target| text(&target["name"]));
    let tests = targets("test")
        .filter(|target| target["test"] == true)
        .map(|target| text(&target["name"]));
    let features = json["features"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, words)| (name.clone(), list(words).map(text).collect()))
        .collect();
    Ok(Package {
        name: text(&json["name"]),
        folder,
        dependencies,
        examples: examples.collect(),
        tests: tests.collect(),
        features,
    })
}

fn list(json: &Value) -> impl Iterator<Item = &Value> {
    json.as_array().into_iter().flatten()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
