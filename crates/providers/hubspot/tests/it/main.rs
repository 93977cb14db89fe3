//! HubSpot as a caller of the tools sees it: everything goes through the registry, both planes and a socket to the
//! simulator.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod accounts;
mod associations;
mod batches;
mod budget;
mod cache;
mod canary;
mod catalogue;
mod confirm;
mod contract;
mod creates;
mod dry_run;
mod errors;
mod faults;
mod health;
mod limits;
mod observed;
mod records;
mod rights;
mod search;
mod settings;
mod support;
