//! Twilio as a caller of the tools sees it: everything goes through the registry, both planes and a socket to the
//! simulator.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod accounts;
mod callbacks;
mod calls;
mod confirm;
mod contract;
mod dry_run;
mod errors;
mod faults;
mod health;
mod lists;
mod messages;
mod names;
mod numbers;
mod oauth;
mod observed;
mod rights;
mod settings;
mod simulator;
mod support;
mod usage;
mod verify;
