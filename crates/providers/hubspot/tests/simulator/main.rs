//! The simulator as a client of another make sees it. Every answer is checked against HubSpot's own description,
//! where it is at hand.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod associations;
mod batches;
mod contract;
mod credentials;
mod demo;
mod directories;
mod headers;
mod hub;
mod oauth;
mod records;
mod refusals;
mod search;
