//! `sandbox`: the simulators of the providers alone, on one loopback port.

use std::net::SocketAddr;

use clap::Args;

use super::{Done, Failure, say};
use crate::signals;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The loopback address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// What the simulators hold at the start
    #[arg(
        long,
        alias = "sandbox-seed",
        value_name = "empty|demo",
        default_value_t
    )]
    seed: business_tools_sandbox::Seed,
}

pub(super) async fn run(flags: &Flags) -> Done {
    let stop = signals::stop();
    let running = crate::app::sandbox::start(flags.listen, flags.seed)
        .await
        .map_err(Failure::Usage)?;
    crate::app::sandbox::tell(&running);
    for row in crate::providers::ALL {
        say(&format!(
            "  {:10} {}",
            row.info.id,
            running.base_url(row.info.id)
        ));
    }
    stop.cancelled().await;
    running.shutdown().await;
    Ok(())
}
