//! Every provider folder is complete and known to the server.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::fault::Fault;
use super::suite;
use crate::metadata::{Metadata, Package};

const SERVER: &str = "crates/server/Cargo.toml";
const ROWS: &str = "crates/server/src/providers.rs";
const EXAMPLE: &str = "config.example.yaml";

pub(super) fn check(metadata: &Metadata, root: &Path) -> Result<Vec<Fault>> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let server = metadata.package("business-tools-mcp");
    let wiring = Wiring {
        all: server
            .and_then(|server| server.feature("all"))
            .unwrap_or_default(),
        sandbox: server
            .and_then(|server| server.feature("sandbox"))
            .unwrap_or_default(),
        features: server
            .map(|server| server.features.as_slice())
            .unwrap_or_default(),
        rows: read(ROWS),
        example: read(EXAMPLE),
    };
    let mut faults = Vec::new();
    for entry in fs::read_dir(root.join("crates/providers"))?.flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let folder = format!("crates/providers/{id}");
        match metadata
            .packages
            .iter()
            .find(|package| package.folder == entry.path())
        {
            Some(package) => {
                faults.extend(wiring.check(&id, package));
                faults.extend(room(&folder, root));
                faults.extend(suite::check(&folder, package, root));
            }
            None => faults.push(Fault::new(
                folder,
                "is no crate of the workspace",
                "give it a Cargo.toml, or remove the folder",
            )),
        }
    }
    faults.extend(wiring.check_rows(root));
    Ok(faults)
}

/// Where the server names its providers.
struct Wiring<'meta> {
    all: &'meta [String],
    sandbox: &'meta [String],
    features: &'meta [(String, Vec<String>)],
    rows: String,
    example: String,
}

impl Wiring<'_> {
    fn check(&self, id: &str, package: &Package) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut need = |met: bool, place: &str, what: String, remedy: String| {
            if !met {
                faults.push(Fault::new(place, what, remedy));
            }
        };
        need(
            package.name == format!("business-tools-{id}"),
            &format!("crates/providers/{id}/Cargo.toml"),
            format!("the crate is called {}", package.name),
            format!("call it business-tools-{id}: folder, feature and crate share the name"),
        );
        need(
            self.features.iter().any(|(name, _)| name == id),
            SERVER,
            format!("has no feature `{id}`"),
            format!(
                "add `{id} = {{ package = \"business-tools-{id}\", path = \"../providers/{id}\", version = \"0.1.0\", optional = true }}`"
            ),
        );
        need(
            self.all.iter().any(|word| word == id),
            SERVER,
            format!("feature `all` lacks `{id}`"),
            format!("add \"{id}\" to it"),
        );
        need(
            self.sandbox
                .iter()
                .any(|word| *word == format!("{id}?/sandbox")),
            SERVER,
            format!("feature `sandbox` lacks `{id}?/sandbox`"),
            format!("add \"{id}?/sandbox\" to it"),
        );
        need(
            self.rows.contains(&format!("#[cfg(feature = \"{id}\")]")),
            ROWS,
            format!("has no row for `{id}`"),
            format!("add one under #[cfg(feature = \"{id}\")]"),
        );
        need(
            self.example
                .lines()
                .any(|line| line.trim_start_matches(['#', ' ']).split(':').next() == Some(id)),
            EXAMPLE,
            format!("has no block for `{id}`"),
            format!("add `{id}:` under `providers:`, with every setting and what it is for"),
        );
        faults
    }

    /// Rows whose folder is gone.
    fn check_rows(&self, root: &Path) -> Vec<Fault> {
        let named = self
            .all
            .iter()
            .filter(|id| !root.join("crates/providers").join(id).is_dir());
        named
            .map(|id| {
                Fault::new(
                    SERVER,
                    format!("feature `all` names `{id}`, which has no folder"),
                    "remove the word, the dependency and the row",
                )
            })
            .collect()
    }
}

/// The files that every provider has.
fn room(folder: &str, root: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut need = |file: &str, why: &str| {
        if !root.join(folder).join(file).is_file() {
            faults.push(Fault::new(format!("{folder}/{file}"), "is missing", why));
        }
    };
    need(
        "README.md",
        "say how to authenticate, which rights it needs, its limits, and what is left out",
    );
    need("src/lib.rs", "the provider and its list of tools");
    faults
}
