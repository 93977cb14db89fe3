//! `cargo xtask clients`: MCP clients that nobody here wrote, against the release binary.
//!
//! The Python and TypeScript clients run scripts from `xtask/clients`, which print `ok …` or
//! `not ok …` for each case; the Inspector is a command, so its cases are here.

mod inspector;
mod server;
mod tally;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::node::Packages;
use crate::{env, product, python, sh};
use server::Server;
use tally::Tally;

const PYTHON: &str = "mcp==2.3.0";
const NODE: &[(&str, &str)] = &[
    ("@modelcontextprotocol/client", "2.4.0"),
    ("@modelcontextprotocol/sdk", "1.32.2"),
    ("@modelcontextprotocol/inspector", "2.12.0"),
];

pub(crate) fn run(args: &[String]) -> Result<()> {
    let only = match args {
        [] => "",
        [flag, word] if flag == "--only" => word,
        _ => bail!("usage: cargo xtask clients [--only python|v1|v2|inspector]"),
    };
    let wanted = |name: &str| name.contains(only);
    let metadata = Metadata::load()?;
    let binary = product::release(&metadata)?;
    let mut tally = Tally::default();

    if wanted("python") {
        let python = python::venv(PYTHON)?;
        let script = env::root().join("xtask/clients/client.py");
        let server = Server::start(&binary)?;
        tally.script(
            "python",
            driven(sh::program(python, [script]), &server, &binary),
        )?;
    }
    if ["v1", "v2", "inspector"].into_iter().any(wanted) {
        let node = Packages::install("clients", NODE)?;
        for name in ["v2", "v1"].into_iter().filter(|name| wanted(name)) {
            let server = Server::start(&binary)?;
            let script = scripts(node.folder())?.join(format!("client-{name}.mjs"));
            tally.script(name, driven(node.node(&script), &server, &binary))?;
        }
        if wanted("inspector") {
            let server = Server::start(&binary)?;
            inspector::run(&node, &server, &binary, &mut tally)?;
        }
    }

    println!(
        "\nclients: {} passed, {} failed",
        tally.passed, tally.failed
    );
    if tally.failed > 0 {
        bail!("{} case(s) failed", tally.failed);
    }
    Ok(())
}

/// A script with the addresses it needs.
fn driven(mut command: Command, server: &Server, binary: &Path) -> Command {
    command
        .args([
            "--url",
            &server.url,
            "--sandbox",
            &server.sandbox,
            "--binary",
        ])
        .arg(binary);
    command
}

/// Node looks for packages beside a script, so the scripts go where the packages are.
fn scripts(folder: &Path) -> Result<PathBuf> {
    for name in ["cases.mjs", "client-v1.mjs", "client-v2.mjs"] {
        let script = env::root().join("xtask/clients").join(name);
        std::fs::copy(&script, folder.join(name))
            .with_context(|| format!("could not copy {}", script.display()))?;
    }
    Ok(folder.to_path_buf())
}
