//! A write is done once, whenever the server dies: a short form of `cargo xtask kill`.
#![cfg(all(feature = "redis", feature = "sandbox", feature = "twilio"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../../xtask/src/kill/rounds.rs"]
mod rounds;
#[path = "../../../xtask/src/kill/server.rs"]
mod server;
#[path = "../../../xtask/src/wire.rs"]
mod wire;

use std::path::Path;

use business_tools_testkit::redis::RedisServer;
use rounds::{Plan, run};

fn five(redis: Option<&str>) {
    let folder = std::env::temp_dir().join(format!("business-tools-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let tally = run(&Plan {
        binary: Path::new(env!("CARGO_BIN_EXE_business-tools-mcp")),
        folder: &folder,
        kills: 5,
        lanes: 5,
        redis,
    });
    std::fs::remove_dir_all(&folder).unwrap();
    let tally = tally.unwrap();
    assert!(tally.is_good(), "{tally}");
    let known = ["replayed", "OUTCOME_UNKNOWN", "sent"].map(|what| tally.second(what));
    assert_eq!(known.iter().sum::<usize>(), 20, "{tally}");
}

#[test]
fn with_a_file_no_key_is_sent_twice() {
    five(None);
}

#[test]
fn with_redis_no_key_is_sent_twice() {
    five(Some(&RedisServer::start(&[]).url()));
}
