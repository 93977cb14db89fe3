//! Who is at the other end of a connection.

use bson::{Document, doc};

use super::{Args, State, done};
use crate::sandbox::failure::{Failure, Result};

/// The mechanism that the handshake offers.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";

/// What is known about one connection.
#[derive(Debug)]
pub(crate) struct Session {
    connection: i32,
    user: Option<(String, String)>,
}

impl Session {
    pub(crate) fn new(connection: i32) -> Self {
        Self {
            connection,
            user: None,
        }
    }

    pub(super) fn connection(&self) -> i32 {
        self.connection
    }

    /// The user and the database it belongs to, once authenticated.
    pub(super) fn user(&self) -> Option<&(String, String)> {
        self.user.as_ref()
    }
}

pub(super) fn speculate(_: &mut Session, _: &Document) -> Option<Document> {
    None
}

pub(super) fn start(_: &mut State, _: &mut Session, _: &Args<'_>) -> Result<Document> {
    Err(Failure::new(18, "Authentication failed."))
}

pub(super) fn resume(_: &mut State, _: &mut Session, _: &Args<'_>) -> Result<Document> {
    Err(Failure::new(17, "No SASL session state found"))
}

pub(super) fn logout(_: &mut State, session: &mut Session, _: &Args<'_>) -> Result<Document> {
    session.user = None;
    Ok(done())
}
