//! The toolbox and the runner of the provider simulators: faults, recorder, loopback server.
//!
//! A provider crate builds a [`Simulator`]: an axum router with state in memory, or a server that
//! speaks a protocol of its own. The [`Sandbox`] runs any number of them on loopback, writes down
//! what arrives and injects [faults](FaultKind) where a client would meet them: on the socket.
//! This crate knows no provider.
//!
//! ```no_run
//! use business_tools_sandbox::axum::{Router, routing::get};
//! use business_tools_sandbox::{Sandbox, Simulator};
//!
//! # async fn run() -> std::io::Result<()> {
//! let shop = Simulator::http("shop", Router::new().route("/orders", get(|| async { "[]" })));
//! let running = Sandbox::new(vec![shop]).start(([127, 0, 0, 1], 0).into()).await?;
//! println!("GET {}/orders", running.base_url("shop"));
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod conn;
mod control;
mod dispatch;
mod faults;
mod mask;
mod recorder;
mod runner;
mod seed;
mod simulator;
mod switchboard;

pub mod accounts;
pub mod auth;
pub mod callback;
pub mod clock;
pub mod examples;
pub mod form;
pub mod ids;
pub mod json;
pub mod multipart;
pub mod outbox;
pub mod paging;
pub mod picture;
pub mod shelf;
pub mod sse;
pub mod wav;

pub use accounts::Accounts;
pub use async_trait::async_trait;
pub use axum;
pub use callback::Callback;
pub use examples::{Ends, Example, Examples, Step};
pub use form::Form;
pub use jiff;
pub use multipart::Multipart;
pub use outbox::Outbox;
pub use recorder::{Arrival, Recorded};
pub use runner::{Limits, Running, Sandbox};
pub use seed::{Seed, UnknownSeed};
pub use shelf::Shelf;
pub use simulator::{Mount, Simulator, TcpSimulator};
pub use switchboard::{ActiveFault, Fault, FaultKind, FaultRule, Switchboard};
pub use tokio_util::sync::CancellationToken;
