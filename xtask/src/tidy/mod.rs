//! `cargo xtask tidy`: the house rules that no compiler checks.
//!
//! Each rule looks at everything and reports every fault, with its place and the remedy.

mod arrows;
mod duplicates;
mod fault;
mod files;
mod generated;
mod providers;
mod sources;
mod suite;
mod words;

use anyhow::{Result, bail};

use crate::env;
use crate::metadata::Metadata;
use fault::Fault;

pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::load()?;
    let root = env::root();
    let tracked = files::tracked(&root)?;

    let mut faults = arrows::check(&metadata.packages);
    faults.extend(duplicates::check(&root)?);
    faults.extend(sources::check(&tracked));
    faults.extend(words::check(&tracked));
    faults.extend(providers::check(&metadata, &root)?);
    if faults.is_empty() {
        // Last, and only then: it builds the server.
        faults.extend(generated::check(&metadata, &root)?);
    }

    if faults.is_empty() {
        println!(
            "tidy: {} crates, {} files, no fault",
            metadata.packages.len(),
            tracked.len()
        );
        return Ok(());
    }
    for Fault {
        place,
        what,
        remedy,
    } in &faults
    {
        eprintln!("{place}: {what}\n    {remedy}");
    }
    bail!("{} fault(s)", faults.len())
}
