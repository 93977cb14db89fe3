//! The tools through a registry: what goes out, what comes back, and what is refused.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "helpers of tests are tests"
)]

mod commands;
mod fences;
mod log;
mod network;
mod people;
mod script;
mod simulated;
mod world;
