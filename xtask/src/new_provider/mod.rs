//! `cargo xtask new-provider NAME`: a provider crate that builds, is tested and is wired in.

mod name;
mod templates;
mod wiring;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{env, sh};
use name::Name;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let [name] = args else {
        bail!("usage: cargo xtask new-provider NAME")
    };
    let name = Name::parse(name)?;
    let root = env::root();
    let folder = root.join("crates/providers").join(&name.id);
    if folder.exists() {
        bail!("{} is already there", folder.display());
    }

    // Everything that can fail is worked out before anything is written.
    let mut edits = Vec::new();
    for (path, edit) in wiring::EDITS {
        let file = root.join(path);
        let Ok(text) = fs::read_to_string(&file) else {
            bail!("{} is missing", file.display());
        };
        let edited = edit(&text, &name).with_context(|| format!("could not edit {path}"))?;
        edits.push((file, edited));
    }
    for (path, text) in templates::files(&name) {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    }
    for (file, text) in edits {
        fs::write(&file, text)?;
    }
    let package = format!("business-tools-{}", name.id);
    sh::output(&mut sh::cargo(["fmt", "--package", &package]))?;

    println!(
        "crates/providers/{id} is there, with one tool, its simulator and its tests, and the server knows it.\n\
         `cargo test --package {package}` passes already. docs/adding-a-provider.md leads on from here:\n\
         everything that says example.com or … is yours to fill in, and `cargo xtask tidy` tells how far it is.",
        id = name.id
    );
    Ok(())
}
