//! The DocumentDB engine: PostgreSQL with the extension that speaks MongoDB's commands.
//!
//! Debian's testing suite has it as a package. It needs a newer C library than the machine may
//! have, so it lives in a root folder of its own in the cache and is run there by `chroot`.

pub(crate) mod apt;
mod bootstrap;
mod start;

use anyhow::{Result, bail};

pub(crate) use start::Engine;

/// `cargo xtask engine [start]`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => {
            println!("the engine is in {}", bootstrap::ensure()?.display());
            Ok(())
        }
        ["start"] => {
            let engine = Engine::start()?;
            println!("export TEST_DOCUMENTDB_URL={}", engine.url());
            eprintln!("it runs until end of input");
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
            Ok(())
        }
        _ => bail!("usage: cargo xtask engine [start]"),
    }
}
