//! What may come before the handshake.

use rmcp::model::InitializeRequestParams;
use serde::Deserialize as _;
use serde_json::Value;

use super::jsonrpc::{Inspected, Kind};

/// The versions in which a request may open the session by itself, as the handler serves them.
///
/// One that the handler does not serve would let a stray message end the session; one that is missing here only costs
/// its clients their notifications.
const VERSIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// Follows the beginning of a session.
///
/// The protocol library takes requests until one of them opens the session, and gives up when anything else comes
/// first. Many requests open nothing: `ping`, `server/discover`, and all that it refuses.
#[derive(Debug, Default)]
pub(super) struct Opening {
    open: bool,
}

impl Opening {
    /// Whether the library can take the message now.
    pub(super) fn lets_pass(&mut self, message: &Inspected) -> bool {
        let is_request = message.kind == Kind::Request;
        if !self.open && is_request {
            self.open = opens(message);
        }
        self.open || is_request
    }
}

fn opens(message: &Inspected) -> bool {
    match message.method.as_deref() {
        Some("ping" | "server/discover") => false,
        Some("initialize") if is_handshake(&message.value) => true,
        _ => describes_itself(&message.value).unwrap_or(false),
    }
}

/// Whether the library takes an `initialize` for one. It is not checked before in a request of the generation that no
/// longer has the method.
fn is_handshake(message: &Value) -> bool {
    message
        .get("params")
        .is_some_and(|params| InitializeRequestParams::deserialize(params).is_ok())
}

/// Whether `_meta` says all that the handshake would have said.
fn describes_itself(message: &Value) -> Option<bool> {
    let meta = message.get("params")?.get("_meta")?;
    let version = meta
        .get("io.modelcontextprotocol/protocolVersion")?
        .as_str()?;
    // That they read as capabilities was found out before.
    let capabilities = meta.get("io.modelcontextprotocol/clientCapabilities")?;
    Some(capabilities.is_object() && VERSIONS.contains(&version))
}
