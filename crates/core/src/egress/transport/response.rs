//! An answer: read whole and bounded, and what it says about errors, waiting and limits.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::egress::{Pace, Response};
use crate::error::{Error, Fate, Kind, Result};

/// No answer makes anybody wait longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An answer of a provider, read whole and bounded.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`Policy::max_answer`](crate::Policy::max_answer) bytes.
    pub body: Bytes,
    /// What the provider says about its limits.
    pub(super) pace: Pace,
}

impl HttpResponse {
    /// An answer, with the limits that its headers tell in the usual names.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let mut answer = Self {
            status,
            headers,
            body,
            pace: Pace::default(),
        };
        answer.pace = answer.usual_pace();
        answer
    }

    /// The body as JSON of a type.
    ///
    /// # Errors
    /// `BAD_UPSTREAM_RESPONSE` when it is not. The request was processed, so its fate is unknown.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let what = match self.content_type() {
                Some(kind) if kind.contains("html") => "an HTML page in place of JSON".to_owned(),
                _ => format!("an answer that cannot be read at `{}`", error.path()),
            };
            bad_answer(&what)
                .source(error.into_inner())
                .detail("upstream_status", self.status.as_u16())
        })
    }

    /// The body as JSON of no particular type; `None` when it is not JSON.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The limits in the names of the IETF draft, and in the older ones: nothing left means silence until
    /// the reset.
    fn usual_pace(&self) -> Pace {
        let number = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|n| self.header(n)?.trim().parse::<u64>().ok())
        };
        let left = number(["ratelimit-remaining", "x-ratelimit-remaining"]);
        let reset = number(["ratelimit-reset", "x-ratelimit-reset"]);
        match (left, reset) {
            // A large number is a point in time, not a wait; it is left to the 429 that follows.
            (Some(0), Some(secs)) if secs <= 3600 => Pace {
                pause: Some(Duration::from_secs(secs)),
            },
            _ => Pace::default(),
        }
    }

    fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    /// `Retry-After`, in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(secs) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(secs)
                .ok()
                .map(|d| d.min(LONGEST_WAIT));
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let left = at.duration_since(jiff::Timestamp::now());
        Duration::try_from(left).ok().map(|d| d.min(LONGEST_WAIT))
    }

    /// What the status alone says, for providers to refine: kind, fate, Retry-After, `upstream_status`.
    pub fn error(&self, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        let kind = Kind::of(self.status);
        // A gateway that lost its upstream knows nothing of what became of the request.
        let fate = if self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT {
            Fate::Unknown
        } else {
            Fate::Refused
        };
        Error::new(kind, message)
            .fate(fate)
            .retry_after(self.retry_after())
            .detail("upstream_status", self.status.as_u16())
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HttpResponse({}, {} bytes)",
            self.status,
            self.body.len()
        )
    }
}

impl Response for HttpResponse {
    fn pace(&self) -> Pace {
        self.pace
    }

    fn status(&self) -> Option<u16> {
        Some(self.status.as_u16())
    }
}

pub(super) fn bad_answer(what: &str) -> Error {
    Error::new(
        Kind::BadUpstreamResponse,
        format!("The provider sent {what}"),
    )
    .fate(Fate::Unknown)
    .hint("Try again; if it stays, check `base_url` and the provider's status page")
}
