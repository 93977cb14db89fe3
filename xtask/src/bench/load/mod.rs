//! `cargo xtask bench load`: many users at once, providers with faults, with and without Redis.

mod report;
mod stage;
mod users;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::page;
use crate::metadata::Metadata;
use crate::redis::Redis;
use crate::{env, product, sh};
use stage::Stage;
use users::Pace;

const USAGE: &str =
    "usage: cargo xtask bench load [--users N] [--seconds N] [--binary PATH] [--write]";
const CHORE: &str = "cargo xtask bench load --write";

/// What was asked for.
struct Wanted {
    users: usize,
    seconds: u64,
    /// In place of one that is built first.
    binary: Option<PathBuf>,
    write: bool,
}

pub(super) fn run(args: &[String]) -> Result<()> {
    if cfg!(debug_assertions) {
        // The users take processor time from the server; a debug build would take much more.
        let again = [
            "run",
            "--release",
            "--package",
            "xtask",
            "--",
            "bench",
            "load",
        ];
        return sh::run(sh::cargo(again).args(args));
    }
    let wanted = Wanted::read(args)?;
    let binary = match &wanted.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => product::release(&Metadata::load()?)?,
    };
    let mut text = report::head(wanted.users, wanted.seconds);
    for with_redis in [false, true] {
        let redis = with_redis.then(Redis::start).transpose()?;
        let stage = Stage::set(&binary, redis.as_ref().map(Redis::url))?;
        let name = if with_redis {
            "with Redis"
        } else {
            "with a state file"
        };
        for (pace, seconds) in [
            (Pace::Thinking, wanted.seconds),
            (Pace::Restless, wanted.seconds.div_ceil(4)),
        ] {
            println!(
                "\n{name}, {}: {} users, {seconds} s",
                pace.name(),
                wanted.users
            );
            let seen = stage.play(wanted.users, pace, Duration::from_secs(seconds))?;
            let part = report::part(name, pace, &seen);
            println!("{part}");
            text.push_str(&part);
        }
    }
    if wanted.write {
        let file = env::root().join("docs/performance.md");
        page::update(&file, CHORE, &text)?;
        println!("wrote {}", file.display());
    }
    Ok(())
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self> {
        let mut wanted = Self {
            users: 1000,
            seconds: 60,
            binary: None,
            write: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut number = || {
                args.next()
                    .and_then(|n| n.parse::<u64>().ok())
                    .context(USAGE)
            };
            match arg.as_str() {
                "--users" => wanted.users = usize::try_from(number()?.clamp(1, 5000))?,
                "--seconds" => wanted.seconds = number()?.clamp(1, 3600),
                "--binary" => wanted.binary = Some(args.next().context(USAGE)?.into()),
                "--write" => wanted.write = true,
                _ => anyhow::bail!(USAGE),
            }
        }
        Ok(wanted)
    }
}
