//! What stands before the protocols: hostile or broken input ends here, within a bound.
//!
//! Nothing in this folder knows a tool. HTTP passes, from the outside in, [`listen`] (connections, heads),
//! [`host`] (who may speak to us under which name), [`body`] (size and time of a body) and, on the MCP route,
//! [`mcp_post`]. Standard input passes [`stdio`]. Both ask [`jsonrpc`] whether a message is one.

pub mod body;
pub mod host;
pub mod jsonrpc;
pub mod listen;
pub mod mcp_post;
mod refusal;
pub mod stdio;
