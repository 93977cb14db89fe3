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

/// What was asked for.
struct Wanted {
    fixtures: bool,
    product: bool,
    write_baseline: bool,
}

impl Wanted {
    fn parse(args: &[String]) -> Result<Self> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (fixtures, product, write_baseline) = match args.as_slice() {
            [] => (true, true, false),
            ["--only", "fixtures"] => (true, false, false),
            ["--only", "product"] => (false, true, false),
            ["--write-baseline"] => (false, true, true),
            _ => bail!(
                "usage: cargo xtask conformance [--only fixtures | --only product | --write-baseline]"
            ),
        };
        Ok(Self {
            fixtures,
            product,
            write_baseline,
        })
    }
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let wanted = Wanted::parse(args)?;
    let metadata = Metadata::load()?;
    let mut targets = Vec::new();
    if wanted.fixtures {
        targets.extend(["--example", FIXTURES]);
    }
    if wanted.product {
        targets.extend(["--bin", product::PACKAGE]);
    }
    product::build_for_tests(&targets)?;
    let debug = metadata.target.join("debug");
    let suite = Suite::install(metadata.target.join("conformance"))?;

    let mut results = Vec::new();
    if wanted.fixtures {
        let (_server, url) = serve(&debug.join("examples").join(FIXTURES), &[])?;
        for (revision, required) in REVISIONS {
            results.push(fixtures(&suite, &url, revision, *required)?);
        }
    }
    if wanted.product {
        let (_server, url) = serve(&debug.join(product::PACKAGE), &["serve", "--sandbox"])?;
        for (revision, required) in REVISIONS {
            results.push(product(
                &suite,
                &url,
                revision,
                *required,
                wanted.write_baseline,
            )?);
        }
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

/// Everything that the revision requires must pass.
fn fixtures(suite: &Suite, url: &str, revision: &str, required: usize) -> Result<bool> {
    let report = suite.run("fixtures", url, revision, None)?;
    let right =
        report.exit_ok && report.required().count() == required && report.passed() == required;
    println!("{}", line("fixture server", &report, required, right));
    Ok(right)
}

/// Exactly what the baseline lists may fail.
fn product(suite: &Suite, url: &str, revision: &str, required: usize, write: bool) -> Result<bool> {
    let file = baseline_file(revision);
    let report = if write {
        let report = suite.run("product", url, revision, None)?;
        baseline::write(&file, revision, &report)?;
        println!("wrote {}", file.display());
        report
    } else {
        let baseline = file.is_file().then_some(file.as_path());
        suite.run("product", url, revision, baseline)?
    };
    let right = write || report.exit_ok;
    println!("{}", line("product", &report, required, right));
    Ok(right)
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
