//! Builds the product.

use std::path::PathBuf;

use anyhow::Result;

use crate::metadata::Metadata;
use crate::sh;

/// The crate with the binary.
pub(crate) const PACKAGE: &str = "business-tools-mcp";

/// Builds as `cargo test --workspace --all-features` does, so that nothing is compiled twice.
pub(crate) fn build_for_tests(targets: &[&str]) -> Result<()> {
    sh::run(sh::cargo(["build", "--workspace", "--all-features"]).args(targets))
}

/// Builds the binary as the tests do and says where it is.
pub(crate) fn debug(metadata: &Metadata) -> Result<PathBuf> {
    build_for_tests(&["--bin", PACKAGE])?;
    Ok(metadata.target.join("debug").join(PACKAGE))
}

/// Builds the release binary and says where it is.
pub(crate) fn release(metadata: &Metadata) -> Result<PathBuf> {
    sh::run(&mut sh::cargo(["build", "--release", "--package", PACKAGE]))?;
    Ok(metadata.target.join("release").join(PACKAGE))
}
