//! `cargo xtask test`: what the README says to run, and what a change must pass.

use anyhow::{Result, bail};

use crate::engine::Engine;
use crate::redis::{self, Redis};
use crate::{env, sh, tidy};

/// Where the tests look for the engine.
const ENGINE: &str = "TEST_DOCUMENTDB_URL";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let (own, passed_on) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[][..]),
    };
    let wanted = match own {
        [] => true,
        [flag] if flag == "--no-engine" => false,
        _ => bail!("usage: cargo xtask test [--no-engine] [-- FILTER...]"),
    };

    sh::run(&mut sh::cargo(["fmt", "--all", "--check"]))?;
    println!("\n$ cargo xtask tidy");
    tidy::run()?;
    sh::run(&mut sh::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    // A build with one provider and nothing else must stay possible.
    sh::run(&mut sh::cargo([
        "clippy",
        "--package",
        "business-tools-mcp",
        "--no-default-features",
        "--features",
        "twilio",
        "--",
        "-D",
        "warnings",
    ]))?;

    // Small and quick to be had, so its lack is a fault and no reason to skip anything.
    let redis = if env::text(redis::URL).is_some() && env::text(redis::PROGRAM).is_some() {
        println!("\nthe tests use the Redis of {}", redis::URL);
        None
    } else {
        let redis = Redis::start()?;
        println!("\na Redis for the tests runs at {}", redis.url());
        Some(redis)
    };
    let engine = if wanted { engine()? } else { Found::Brought };
    let mut tests = sh::cargo(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    if let Found::Started(engine) = &engine {
        tests.env(ENGINE, engine.url());
    }
    if let Some(redis) = &redis {
        tests.env(redis::URL, redis.url());
        tests.env(redis::PROGRAM, redis.program());
    }
    let done = sh::run(tests.args(passed_on));
    if let Found::Missing(why) = &engine {
        eprintln!("{}", skipped(why));
    }
    drop((engine, redis));
    done
}

/// What there is of the engine.
enum Found {
    Started(Engine),
    /// The caller has one, or wants none.
    Brought,
    Missing(String),
}

fn engine() -> Result<Found> {
    if env::text(ENGINE).is_some() {
        println!("\nthe engine tests use {ENGINE} as it is set");
        return Ok(Found::Brought);
    }
    match Engine::start() {
        Ok(engine) => {
            println!("\nthe DocumentDB engine runs at {}", engine.url());
            Ok(Found::Started(engine))
        }
        Err(fault) if env::ci() => Err(fault.context(
            "CI runs the MongoDB behaviour suite against the DocumentDB engine, which cannot be had",
        )),
        Err(fault) => {
            let why = format!("{fault:#}");
            eprintln!("{}", skipped(&why));
            Ok(Found::Missing(why))
        }
    }
}

fn skipped(why: &str) -> String {
    let bar = "!".repeat(78);
    format!(
        "\n{bar}\n\
         SKIPPED: the MongoDB behaviour suite against the DocumentDB engine.\n\
         Why: {why}\n\
         To get it: run this as root on Debian or another system with apt and Debian's archive\n\
         (it installs mmdebstrap and fetches the engine into the cache folder, once), or set\n\
         {ENGINE} to a PostgreSQL with the documentdb extension.\n\
         The suite still runs against the simulator, and against TEST_MONGODB_URI when set.\n\
         {bar}"
    )
}
