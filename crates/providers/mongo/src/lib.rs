#![doc = include_str!("../README.md")]

mod client;
pub mod config;
pub mod ejson;
mod fault;
mod guard;
mod policy;
mod provider;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "sandbox")]
mod sandbox_entry;
#[cfg(feature = "sandbox")]
mod sandbox_examples;
pub mod tools;

pub use config::MongoConfig;
pub use provider::Mongo;
#[cfg(feature = "sandbox")]
pub use sandbox_entry::{sandbox_config, simulator};
#[cfg(feature = "sandbox")]
pub use sandbox_examples::examples;

/// What to say when the server refuses the user.
const AUTH_HINT: &str =
    "Check user, password and `authSource` in MONGODB_URI; special characters are percent-encoded";
