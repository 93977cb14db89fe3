//! `cargo xtask bench`: what a call costs, and how soon and how small the binary is there.

mod load;
mod page;
mod planes;
mod process;
mod start;

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::{env, product};

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let [first, rest @ ..] = args
        && first == "load"
    {
        return load::run(rest);
    }
    let write = match args {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => bail!("usage: cargo xtask bench [--write | load …]"),
    };
    let metadata = Metadata::load()?;
    let binary = product::release(&metadata)?;
    let planes = planes::measure(&metadata)?;
    let starts = start::measure(&binary)?;
    let alone = start::memory(&binary, &[])?;
    let sandboxed = start::memory(&binary, &["--sandbox"])?;
    let size = std::fs::metadata(&binary)?.len();

    let table = page::table(planes.as_deref(), &starts, &[alone, sandboxed], size);
    println!("\n{table}");
    if write {
        let file = env::root().join("docs/performance.md");
        page::update(&file, page::CHORE, &table)?;
        println!("wrote {}", file.display());
    }
    Ok(())
}
