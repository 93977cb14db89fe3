//! `cargo xtask conformance`: the MCP conformance suite, which nobody here wrote.
//!
//! It runs twice for each revision of the protocol: against a server with the fixtures the suite
//! asks for, on the same handler and stacks as the product, where everything required must pass;
//! and against the product itself, where exactly the entries of a checked-in list may fail.

mod baseline;
mod report;
mod suite;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::service::{self, Service};
use crate::{env, product, sh};
use report::Report;
use suite::Suite;

/// The revisions, and how many scenarios each of them requires of a server.
const REVISIONS: &[(&str, usize)] = &[("2025-11-25", 30), ("2026-07-28", 37)];
const FIXTURES: &str = "conformance_server";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let write = match args {
        [] => false,
        [flag] if flag == "--write-baseline" => true,
        _ => bail!("usage: cargo xtask conformance [--write-baseline]"),
    };
    let metadata = Metadata::load()?;
    product::build_for_tests(&["--bin", product::PACKAGE, "--example", FIXTURES])?;
    let debug = metadata.target.join("debug");
    let suite = Suite::install(metadata.target.join("conformance"))?;

    let mut results = Vec::new();
    {
        let (_fixtures, url) = serve(&debug.join("examples").join(FIXTURES), &[])?;
        for (revision, required) in REVISIONS {
            let report = suite.run("fixtures", &url, revision, None)?;
            let done = report.required().count();
            let right = report.exit_ok && done == *required && report.passed() == *required;
            results.push(right);
            println!("{}", line("fixture server", &report, *required, right));
        }
    }
    let (_product, url) = serve(&debug.join(product::PACKAGE), &["serve", "--sandbox"])?;
    for (revision, required) in REVISIONS {
        let file = baseline_file(revision);
        let report = if write {
            let report = suite.run("product", &url, revision, None)?;
            baseline::write(&file, revision, &report)?;
            println!("wrote {}", file.display());
            report
        } else {
            let file = file.is_file().then_some(file.as_path());
            suite.run("product", &url, revision, file)?
        };
        let right = write || report.exit_ok;
        results.push(right);
        println!("{}", line("product", &report, *required, right));
    }

    let failed = results.iter().filter(|right| !**right).count();
    println!(
        "\nconformance: {} passed, {failed} failed",
        results.len() - failed
    );
    if failed > 0 {
        bail!(
            "{failed} of {} runs failed; the output of each is above",
            results.len()
        );
    }
    Ok(())
}

/// Starts a server on a free port and waits for it; the answer is where its MCP endpoint is.
fn serve(program: &Path, args: &[&str]) -> Result<(Service, String)> {
    let port = service::free_port()?;
    let listen = format!("127.0.0.1:{port}");
    let log = std::fs::File::create(program.with_extension("conformance.log"))?;
    let server = Service::start(
        sh::program(program, args).args(["--listen", &listen]),
        "TERM",
        None,
        log.try_clone()?,
        log,
    )?;
    service::wait_for_port(port, Duration::from_secs(30))
        .with_context(|| format!("{} did not start", program.display()))?;
    Ok((server, format!("http://{listen}/mcp")))
}

fn baseline_file(revision: &str) -> PathBuf {
    env::root().join(format!("xtask/conformance/product-{revision}.yml"))
}

fn line(what: &str, report: &Report, required: usize, right: bool) -> String {
    let (passed, failed) = report.checks();
    let verdict = if right { "ok" } else { "FAILED" };
    format!(
        "{verdict}: {what}, {}: {}/{required} required scenarios, {} run, checks {passed} passed, {failed} failed",
        report.revision,
        report.passed(),
        report.scenarios.len(),
    )
}
