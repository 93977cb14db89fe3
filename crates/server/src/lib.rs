//! The server of Business Tools: MCP over stdio and HTTP, REST, and the command line, over the core registry.

mod app;
mod audit;
pub mod cli;
pub mod edge;
pub mod http;
pub mod mcp;
pub mod providers;
mod signals;
mod state;
mod telemetry;
mod trace;
