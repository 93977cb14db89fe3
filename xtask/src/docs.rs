//! `cargo xtask docs`: the pages that derive from the code.

use std::path::Path;

use anyhow::Result;

use crate::metadata::Metadata;
use crate::product;
use crate::{env, sh};

const EXAMPLE: &str = "reference_docs";

pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::load()?;
    if !write(&metadata, &env::root().join("docs"))? {
        println!("the server has no example `{EXAMPLE}` yet: nothing is generated");
    }
    Ok(())
}

/// Writes the pages into `folder`; false when there is nothing that could.
pub(crate) fn write(metadata: &Metadata, folder: &Path) -> Result<bool> {
    let server = metadata.package(product::PACKAGE);
    if !server.is_some_and(|server| server.examples.iter().any(|name| name == EXAMPLE)) {
        return Ok(false);
    }
    product::build_for_tests(&["--example", EXAMPLE])?;
    let program = metadata.target.join("debug/examples").join(EXAMPLE);
    sh::run(sh::program(program, [folder]).current_dir(env::root()))?;
    Ok(true)
}
