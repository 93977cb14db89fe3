//! What arrived: a bounded ring, masked when it is read.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

use crate::switchboard::FaultKind;
use crate::{clock, mask};

const REQUESTS: usize = 10_000;
const BODY: usize = 64 * 1024;
/// The bodies of the ring together: 10,000 full ones would be 640 MB.
const BODIES: usize = 64 * 1024 * 1024;

/// A request as a simulator saw it.
#[derive(Clone)]
pub struct Arrival {
    provider: String,
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    fault: Option<FaultKind>,
}

impl Arrival {
    /// A request to `path` inside `provider`. TCP simulators name the command in `method` and what
    /// it is about in `path`.
    pub fn new(
        provider: impl Into<String>,
        method: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self {
            provider: provider.into(),
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            fault: None,
        }
    }

    /// The query string, without `?`.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// The headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The whole body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The fault that struck it.
    pub fn fault(mut self, fault: Option<FaultKind>) -> Self {
        self.fault = fault;
        self
    }
}

impl fmt::Debug for Arrival {
    /// Without headers, query and body: they are not masked yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("provider", &self.provider)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A request as `GET /_sandbox/requests` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Its number, rising over all providers; `?after=` takes it.
    pub seq: u64,
    /// When it arrived: RFC 3339, with milliseconds.
    pub at: String,
    /// The simulator.
    pub provider: String,
    /// The HTTP method or the command.
    pub method: String,
    /// The path inside the provider.
    pub path: String,
    /// The query string, masked.
    pub query: String,
    /// The headers in order of arrival, masked.
    pub headers: Vec<(String, String)>,
    /// The body as text, masked, up to 64 KB of it.
    pub body: String,
    /// How many bytes the body had.
    pub body_bytes: usize,
    /// Whether `body` is not all of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub body_truncated: bool,
    /// The fault that struck it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
}

struct Kept {
    seq: u64,
    at: Timestamp,
    arrival: Arrival,
    /// Of the whole body; what is kept of it may be less.
    body_bytes: usize,
    /// Large bodies are masked and cut on arrival, since the rest is not kept.
    masked: bool,
}

impl Kept {
    fn shown(&self) -> Recorded {
        let Arrival {
            provider,
            method,
            path,
            query,
            headers,
            body,
            fault,
        } = &self.arrival;
        let text = if self.masked {
            String::from_utf8_lossy(body).into_owned()
        } else {
            mask::body(headers, body)
        };
        Recorded {
            seq: self.seq,
            at: clock::rfc3339_millis(self.at),
            provider: provider.clone(),
            method: method.clone(),
            path: path.clone(),
            query: mask::pairs(query),
            headers: mask::headers(headers),
            body: text,
            body_bytes: self.body_bytes,
            body_truncated: self.masked,
            fault: *fault,
        }
    }
}

/// The last 10,000 requests.
#[derive(Default)]
pub(crate) struct Recorder {
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    seq: u64,
    bytes: usize,
    kept: VecDeque<Kept>,
}

impl Recorder {
    pub(crate) fn record(&self, mut arrival: Arrival) {
        let body_bytes = arrival.body.len();
        let masked = body_bytes > BODY;
        if masked {
            let mut text = mask::body(&arrival.headers, &arrival.body);
            text.truncate(text.floor_char_boundary(BODY));
            arrival.body = Bytes::from(text);
        }
        let at = Timestamp::now();

        let mut ring = self.ring();
        ring.seq += 1;
        ring.bytes += arrival.body.len();
        let seq = ring.seq;
        ring.kept.push_back(Kept {
            seq,
            at,
            arrival,
            body_bytes,
            masked,
        });
        while ring.kept.len() > REQUESTS || ring.bytes > BODIES {
            let Some(oldest) = ring.kept.pop_front() else {
                break;
            };
            ring.bytes -= oldest.arrival.body.len();
        }
    }

    /// The newest `limit` of the requests after number `after`.
    pub(crate) fn list(&self, provider: Option<&str>, after: u64, limit: usize) -> Vec<Recorded> {
        let ring = self.ring();
        let mut found: Vec<_> = ring
            .kept
            .iter()
            .rev()
            .take_while(|kept| kept.seq > after)
            .filter(|kept| provider.is_none_or(|id| kept.arrival.provider == id))
            .take(limit)
            .map(Kept::shown)
            .collect();
        found.reverse();
        found
    }

    pub(crate) fn count(&self, provider: Option<&str>) -> usize {
        let mine = |kept: &&Kept| provider.is_none_or(|id| kept.arrival.provider == id);
        self.ring().kept.iter().filter(mine).count()
    }

    pub(crate) fn clear(&self) -> usize {
        let mut ring = self.ring();
        ring.bytes = 0;
        let gone = std::mem::take(&mut ring.kept);
        gone.len()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_requests() {
        let recorder = Recorder::default();
        for n in 0..REQUESTS + 5 {
            recorder.record(Arrival::new("shop", "GET", format!("/{n}")));
        }
        let kept = recorder.list(None, 0, usize::MAX);
        assert_eq!(kept.len(), REQUESTS);
        assert_eq!(kept[0].path, "/5");
        assert_eq!(kept[REQUESTS - 1].path, format!("/{}", REQUESTS + 4));
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_too() {
        let recorder = Recorder::default();
        let body = Bytes::from(vec![b'x'; BODY]);
        for _ in 0..2_000 {
            recorder.record(Arrival::new("shop", "POST", "/").body(body.clone()));
        }
        assert_eq!(recorder.count(None), BODIES / BODY);
    }

    #[test]
    fn a_large_body_is_masked_before_it_is_cut() {
        let recorder = Recorder::default();
        let body = format!(r#"{{"password":"hunter2","text":"{}"}}"#, "ö".repeat(BODY));
        recorder.record(Arrival::new("shop", "POST", "/").body(body.clone()));
        let seen = &recorder.list(None, 0, 1)[0];
        assert!(seen.body_truncated);
        assert_eq!(seen.body_bytes, body.len());
        assert!(seen.body.len() <= BODY && seen.body.len() > BODY - 4);
        assert!(!seen.body.contains("hunter2"));
    }

    #[test]
    fn after_and_limit_select_the_newest() {
        let recorder = Recorder::default();
        for n in 1..=6 {
            recorder.record(Arrival::new(
                if n % 2 == 0 { "even" } else { "odd" },
                "GET",
                "/",
            ));
        }
        let numbers = |provider, after, limit| -> Vec<u64> {
            recorder
                .list(provider, after, limit)
                .iter()
                .map(|seen| seen.seq)
                .collect()
        };
        assert_eq!(numbers(None, 4, 10), [5, 6]);
        assert_eq!(numbers(Some("even"), 0, 2), [4, 6]);
    }
}
