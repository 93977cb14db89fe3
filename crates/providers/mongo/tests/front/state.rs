//! What the connections of one front share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use bson::spec::BinarySubtype;
use bson::{Binary, Document};
use tokio::sync::Mutex;

use super::postgres::Postgres;

/// A session's id and the number of its transaction.
pub(super) type TransactionId = (Vec<u8>, i64);

/// An open cursor. The connection it came from is kept: some cursors live in it.
pub(super) struct Cursor {
    pub(super) postgres: Arc<Postgres>,
    pub(super) continuation: String,
}

/// Cursors and transactions outlive the connection that opened them: a driver may go on with them
/// on another one of its pool.
pub(super) struct State {
    pub(super) url: String,
    pub(super) cursors: Mutex<HashMap<i64, Cursor>>,
    pub(super) transactions: Mutex<HashMap<TransactionId, Arc<Postgres>>>,
    connections: AtomicI32,
}

impl State {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            cursors: Mutex::default(),
            transactions: Mutex::default(),
            connections: AtomicI32::new(0),
        }
    }

    /// A number for a new connection, which `hello` reports.
    pub(super) fn number(&self) -> i32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The transaction that a command belongs to, when it does.
pub(super) fn transaction(command: &Document) -> Option<TransactionId> {
    if command.get_bool("autocommit").unwrap_or(true) {
        return None;
    }
    let session = session_id(command.get_document("lsid").ok()?)?;
    Some((session, command.get_i64("txnNumber").ok()?))
}

/// The bytes of a session's id.
pub(super) fn session_id(lsid: &Document) -> Option<Vec<u8>> {
    match lsid.get("id") {
        Some(bson::Bson::Binary(Binary {
            subtype: BinarySubtype::Uuid,
            bytes,
        })) => Some(bytes.clone()),
        _ => None,
    }
}
