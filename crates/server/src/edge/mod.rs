//! What stands before the protocols: hostile or broken input gets the right answer within a bound, and the next
//! honest caller is served.

pub mod body;
mod conns;
mod fields;
pub mod host;
pub mod jsonrpc;
pub mod listen;
pub mod mcp_post;
mod names;
mod opening;
mod refusal;
mod stall;
pub mod stdio;

pub(crate) use refusal::{closing, refuse};
