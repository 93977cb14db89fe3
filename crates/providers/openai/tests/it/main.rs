//! OpenAI as a caller of the tools sees it: everything goes through the registry, both planes and a socket to the
//! simulator.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod accounts;
mod audio;
mod budget;
mod canary;
mod contract;
mod cost;
mod dry_run;
mod embeddings;
mod errors;
mod faults;
mod files;
mod images;
mod models;
mod observed;
mod rights;
mod settings;
mod support;
mod text;
mod vision;
mod web;
