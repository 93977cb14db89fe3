//! `cargo xtask kill`: whether a write is done once, whenever the server dies.

mod rounds;
pub(crate) mod server;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::product;
use crate::redis::Redis;

const USAGE: &str = "usage: cargo xtask kill [KILLS] [file|redis]";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let (mut kills, mut stores) = (100, vec!["file", "redis"]);
    for arg in args {
        match arg.as_str() {
            "file" => stores = vec!["file"],
            "redis" => stores = vec!["redis"],
            number => kills = number.parse().context(USAGE)?,
        }
    }
    let binary = product::debug(&Metadata::load()?)?;
    let mut good = true;
    for store in stores {
        let folder = std::env::temp_dir().join(format!("xtask-kill-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let redis = (store == "redis").then(Redis::start).transpose()?;
        let plan = rounds::Plan {
            binary: &binary,
            folder: &folder,
            kills,
            // The record of a killed replica is believed to be alive for some seconds.
            lanes: if redis.is_some() { 8 } else { 2 },
            redis: redis.as_ref().map(Redis::url),
        };
        let tally = rounds::run(&plan);
        std::fs::remove_dir_all(&folder)?;
        let tally = tally?;
        println!("\n{store}: {tally}");
        if tally.second("OUTCOME_UNKNOWN") == 0 {
            println!("no kill met a write under way: this says little");
        }
        good &= tally.is_good();
    }
    if !good {
        bail!("a promise was broken");
    }
    Ok(())
}
