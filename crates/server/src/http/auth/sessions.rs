//! Whose a session of an older protocol generation is: nobody else may use it, whatever its id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use business_tools_core::Principal;
use http::{HeaderMap, StatusCode};
use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use crate::edge::refuse;

/// The owners of sessions.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Principal>>);

/// Sessions beyond which those that have ended are forgotten.
const MANY: usize = 1024;

/// The session that a request names, or an answer.
pub(super) fn named(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("mcp-session-id")?;
    Some(String::from_utf8_lossy(id.as_bytes()).into_owned())
}

impl Sessions {
    /// Whether a session may be this caller's. One that nobody began here is unknown to the protocol library too.
    pub(super) fn may(&self, session: &str, who: &Principal) -> bool {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners
            .get(session)
            .is_none_or(|owner| owner.tenant == who.tenant && owner.subject == who.subject)
    }

    /// Remembers who began a session.
    pub(super) async fn keep(&self, session: &str, who: Principal, all: &Arc<LocalSessionManager>) {
        let known: Vec<String> = {
            let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            owners.insert(session.to_owned(), who);
            let full = owners.len() >= MANY && owners.len().is_power_of_two();
            if full {
                owners.keys().cloned().collect()
            } else {
                Vec::new()
            }
        };
        for id in known {
            if let Ok(false) = all.has_session(&id.as_str().into()).await {
                let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                owners.remove(&id);
            }
        }
    }
}

/// What a session that has ended is answered with too: a client begins another then.
pub(super) fn not_there() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "There is no such session",
        "Initialize again, without a session id.",
    )
}
