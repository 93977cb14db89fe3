//! Faults on demand, and a look at what arrives.

use std::time::Duration;

use bson::Document;

/// What goes wrong with one command.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WireFault {
    /// The reply comes after this time.
    Latency(Duration),
    /// The connection is reset before the command is applied.
    Reset,
    /// The command is applied, and the connection reset before it is answered.
    ResetAfterWrite,
    /// The command is not applied and never answered; the connection stays open.
    Hang,
    /// The connection is closed in the middle of the reply.
    Truncate,
    /// The reply is not a message at all.
    Garbage,
    /// The command is not applied, and answered with this error.
    Error {
        /// The server's number for the error.
        code: i32,
        /// The server's name for the code.
        name: String,
        /// The `errmsg`.
        message: String,
    },
    /// The reply carries many megabytes more than was asked for.
    Huge,
    /// The reply arrives in pieces, with this pause before each.
    SlowBody(Duration),
}

/// Decides which command meets which fault, and sees every command that arrives.
///
/// `next` is asked once per command, and not for `hello`: a driver repeats that on its own, so a
/// fault that is meant for one call would be spent on it.
pub trait WireFaults: Send + Sync {
    /// The fault for this command, if it is to meet one.
    fn next(&self, command: &str) -> Option<WireFault>;

    /// Called with every command, before it is applied. What proves a password is masked.
    fn record(&self, database: &str, command: &Document);
}

/// No faults, no record.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl WireFaults for NoFaults {
    fn next(&self, _: &str) -> Option<WireFault> {
        None
    }

    fn record(&self, _: &str, _: &Document) {}
}
