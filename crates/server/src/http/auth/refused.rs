//! The answer to whoever is not let in, and the record of it, which a flood does not fill.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::{IntoResponse, Response};
use business_tools_core::call::audit;
use business_tools_core::{Cx, Error, Kind};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::super::Shared;
use super::Reason;
use crate::edge::closing;

/// Counts refusals, and records as many as a person could read.
pub(crate) struct Refusals(Mutex<Record>);

struct Record {
    /// Lines that may still be written now.
    left: f64,
    since: Instant,
    /// Refusals since the last line that have none of their own.
    unrecorded: u64,
}

/// Lines that are written at once at most.
const BURST: f64 = 20.0;
/// The time after which there may be one more.
const EVERY: Duration = Duration::from_secs(1);

impl Default for Refusals {
    fn default() -> Self {
        Self(Mutex::new(Record {
            left: BURST,
            since: Instant::now(),
            unrecorded: 0,
        }))
    }
}

impl Record {
    /// Whether this one is written, and how many before it were not.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let passed = now.saturating_duration_since(self.since);
        self.since = now;
        self.left = (self.left + passed.as_secs_f64() / EVERY.as_secs_f64()).min(BURST);
        if self.left < 1.0 {
            self.unrecorded += 1;
            return None;
        }
        self.left -= 1.0;
        Some(std::mem::take(&mut self.unrecorded))
    }
}

impl Refusals {
    /// Refuses, counts and records. What was presented goes nowhere.
    pub(super) fn refuse(
        &self,
        shared: &Shared,
        reason: Reason,
        from: Option<IpAddr>,
        path: &str,
    ) -> Response {
        let (error, challenge) = explain(reason);
        let cx = Cx::local();
        let env = shared.registry().env();
        let reason = reason.name();
        env.metrics.auth_failures.with_label_values(&[reason]).inc();
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = record.take(Instant::now());
        drop(record);
        if let Some(unrecorded) = written {
            let code = error.code();
            let from = from.map(|address| address.to_string());
            // Of the path only what is ours: somebody may have put a key into it.
            let place = place(path);
            tracing::warn!(
                reason,
                from,
                place,
                unrecorded,
                request_id = cx.request_id(),
                "a caller was not let in"
            );
            if let Some(sink) = &env.audit {
                sink.record(&json!({
                    "event": "authentication",
                    "request_id": cx.request_id(),
                    "timestamp": audit::now(),
                    "outcome": code,
                    "reason": reason,
                    "from": from,
                    "place": place,
                    "unrecorded": unrecorded,
                }));
            }
        }
        let challenge = (
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
        let body = axum::Json(error.wire(&cx));
        closing((StatusCode::UNAUTHORIZED, [challenge], body).into_response())
    }
}

fn explain(reason: Reason) -> (Error, &'static str) {
    match reason {
        Reason::Missing => (
            Error::new(Kind::AuthRequired, "This server wants an API key").hint(
                "Send `Authorization: Bearer KEY` with a key of the operator's `server.auth.keys`",
            ),
            "Bearer realm=\"business-tools\"",
        ),
        Reason::Malformed => (
            Error::new(Kind::AuthFailed, "There is not exactly one API key")
                .hint("Send one header `Authorization: Bearer KEY`, or one `X-API-Key: KEY`"),
            "Bearer realm=\"business-tools\", error=\"invalid_request\"",
        ),
        Reason::Unknown => (
            Error::new(Kind::AuthFailed, "The API key is not known here")
                .hint("Check the key for typing errors; the operator may have replaced it"),
            "Bearer realm=\"business-tools\", error=\"invalid_token\"",
        ),
    }
}

/// The part of the server that was asked for.
fn place(path: &str) -> &'static str {
    const PLACES: &[&str] = &[
        "/mcp",
        "/v1",
        "/openapi.json",
        "/docs",
        "/health",
        "/metrics",
    ];
    let under = |place: &&&str| {
        let rest = path.strip_prefix(**place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    PLACES.iter().find(under).copied().unwrap_or("another")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_written() {
        let start = Instant::now();
        let mut record = Record {
            left: BURST,
            since: start,
            unrecorded: 0,
        };
        let written = (0..1000).filter(|_| record.take(start).is_some()).count();
        assert_eq!(written, 20);
        let later = start + Duration::from_secs(3);
        assert_eq!(record.take(later), Some(980));
        assert_eq!(record.take(later), Some(0));
        assert_eq!(record.take(later), Some(0));
        assert_eq!(record.take(later), None);
    }

    #[test]
    fn a_path_is_told_only_as_far_as_it_is_ours() {
        assert_eq!(place("/v1/tools/secret"), "/v1");
        assert_eq!(place("/mcp"), "/mcp");
        assert_eq!(place("/mcp-key"), "another");
        assert_eq!(place("/"), "another");
    }
}
