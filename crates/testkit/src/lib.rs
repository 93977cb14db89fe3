//! What the tests of all crates share: a [`World`] with a sandbox, a registry and everything it says, people to
//! ask, and a check of what went over the wire against a provider's own description.
//!
//! It panics where a test should fail, and so belongs in tests alone.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails and talks as tests do"
)]

pub mod capture;
pub mod conformance;
pub mod contract;
pub mod errors;
pub mod exchange;
pub mod listing;
pub mod people;
pub mod redis;
pub mod secrets;
pub mod world;

pub use contract::Contract;
pub use exchange::{Exchange, Tap};
pub use people::{Heard, Person};
pub use world::{World, WorldBuilder};
