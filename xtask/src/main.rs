//! The chores of the project: `cargo xtask help` lists them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

mod bench;
mod clients;
mod conformance;
mod contracts;
mod docs;
mod engine;
mod env;
mod kill;
mod metadata;
mod new_provider;
mod node;
mod product;
mod python;
mod redis;
mod sdk;
mod service;
mod sh;
mod test;
mod tidy;
mod wire;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <chore>

  test [--no-engine] [-- FILTER...]   formatting, tidy, clippy and every test, with a DocumentDB engine and a Redis
  tidy                                the house rules that no compiler checks
  conformance [--only fixtures|product | --write-baseline]
                                      the MCP conformance suite against the fixture server and the product
  check-contracts [PROVIDER...]       requests and simulated answers against the providers' own descriptions, which
                                      are looked for in $CONTRACTS_DIR
  clients [--only WORD]               the Python, TypeScript and Inspector clients against the release binary
  sdk [--only PROVIDER]               the providers' official Python SDKs against the simulators
  bench [--write]                     what a call costs, how fast the binary starts; --write updates docs/performance.md
  bench load [--users N] [--seconds N] [--write]
                                      what many users at once see while the providers have faults
  kill [KILLS] [file|redis]           kills servers at random moments and counts what was sent twice
  docs                                writes the generated reference pages
  engine [start]                      fetches the DocumentDB engine; `start` runs it until end of input
  redis [start]                       finds or installs a Redis; `start` runs one until end of input
  new-provider NAME                   scaffolds crates/providers/NAME and wires it into the server
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match args.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("help", &[][..]),
    };
    let done = match chore {
        "test" => test::run(rest),
        "tidy" => tidy::run(),
        "conformance" => conformance::run(rest),
        "check-contracts" => contracts::run(rest),
        "clients" => clients::run(rest),
        "sdk" => sdk::run(rest),
        "bench" => bench::run(rest),
        "kill" => kill::run(rest),
        "docs" => docs::run(),
        "engine" => engine::run(rest),
        "redis" => redis::run(rest),
        "new-provider" => new_provider::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprint!("unknown chore `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("\nxtask {chore}: {fault:#}");
            ExitCode::FAILURE
        }
    }
}
