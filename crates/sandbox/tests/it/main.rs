//! The sandbox as a client on the socket sees it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy takes the helpers of tests for production code"
)]

mod callback;
mod client;
mod control;
mod faults;
mod runner;
mod seed;
mod tcp;
