//! The tools through a registry: what goes out, what comes back, and what is refused.

mod commands;
mod fences;
mod network;
mod script;
mod world;
