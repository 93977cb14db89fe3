//! The core of Business Tools: what a provider is written against, and all that an embedder needs.
//!
//! A [`Tool`] is a request struct with a [`Spec`]; a [`Provider`] has a table of them; a [`Registry`] calls
//! them through two stacks of tower layers: the call plane ([`call::call_stack`]) around one tool call, and the
//! attempt plane ([`egress::egress_stack`]) around one request to a provider.
//!
//! Core names no provider, no protocol and no web server.

pub mod around;
pub mod artifact;
pub mod call;
pub mod config;
pub mod cx;
pub mod egress;
pub mod env;
pub mod error;
pub mod files;
pub mod health;
pub mod metrics;
pub mod page;
pub mod plugin;
pub mod policy;
pub mod pools;
pub mod registry;
pub mod schema;
pub mod secret;
pub mod secrets;
pub mod sigv4;
pub mod state;
pub mod token;
pub mod tool;
pub mod trace;

pub use call::validate::Faults;
pub use call::{Origin, Reply};
pub use cx::{Answer, Asker, Attempts, Cx, Principal, ProgressSink, Tried};
pub use egress::{Egress, Upstream};
pub use env::Env;
pub use error::{Error, Fate, Kind, Result, Status};
pub use page::{Detail, Page};
pub use plugin::{
    DEFAULT_ACCOUNT, EnvVar, Health, Info, Plugin, Provider, ProviderSettings, ToolInfo, ToolPlugin,
};
pub use policy::{Backoff, Connections, Policy, Quota, Trip, millis, secs};
pub use pools::ConnectionPoolManager;
pub use registry::{Registry, Selection};
pub use secret::Secret;
pub use tool::{Effect, Repeat, Spec, Tool, ToolDef, Untrusted, tool};
pub use trace::{TraceContext, Traces};

pub use http;
pub use prometheus;
