//! A MongoDB server that lives in this process: the wire protocol on loopback, data in memory.
//!
//! It exists so that the official driver, and so the real tools, can be exercised without a
//! server. It is small and honest: what it does not know it refuses with the error that MongoDB
//! itself has for that, because a simulator that guesses hides the defects it is there to find.

mod aggregate;
mod compare;
mod decimal;
mod expr;
mod failure;
mod number;
mod path;
mod project;
mod query;
mod sort;
mod store;
mod update;
pub mod wire;
