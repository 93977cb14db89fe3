//! A MongoDB server that lives in this process: the wire protocol on loopback, data in memory.
//!
//! It exists so that the official driver, and so the real tools, can be exercised without a
//! server. It is small and honest: what it does not know it refuses with the error that MongoDB
//! itself has for that, because a simulator that guesses hides the defects it is there to find.
//!
//! Deliberately absent: replica sets and so transactions, change streams and retryable writes;
//! collations, text and geo indexes, validators, views, server-side JavaScript, `$out` and
//! `$merge`, and the deletion of expired documents.

mod aggregate;
mod commands;
mod company;
mod compare;
mod decimal;
mod expr;
mod failure;
mod fault;
mod number;
mod path;
mod project;
mod query;
mod seed;
mod server;
mod sort;
mod store;
mod update;
pub mod wire;

pub use self::{
    fault::{NoFaults, WireFault, WireFaults},
    server::Simulator,
};
