//! What may go wrong on the way, and what must come of it.

use business_tools_core::Kind;
use serde_json::{Value, json};

/// Something that goes wrong with every request.
#[derive(Debug, Clone)]
pub(crate) struct Circumstance {
    /// Its name in `leave_out` and `tells`.
    pub(crate) name: &'static str,
    /// The fault, as the sandbox takes it.
    pub(crate) rule: Value,
    /// What it is called where a request may be repeated.
    pub(crate) kind: Kind,
    /// What is known of the request.
    pub(crate) fate: Fate,
}

/// What is known of a request that met a circumstance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The provider refused it: nothing was done, and it is not repeated.
    Refused,
    /// The provider did not take it, and will later: repeated whatever it does.
    TooSoon,
    /// The provider failed in a way of its own: repeated where that is safe, told as it is elsewhere.
    Failed,
    /// The answer is missing: repeated where that is safe, an unknown outcome elsewhere.
    Lost,
    /// The answer came and cannot be read: not repeated, an unknown outcome of a write.
    Unreadable,
    /// The provider failed in a way of its own that will stay: not repeated, told as it is.
    Broken,
}

impl Fate {
    /// The fate where another try is known to be in vain.
    pub(crate) fn for_good(self) -> Self {
        match self {
            Self::Lost => Self::Unreadable,
            Self::Failed => Self::Broken,
            other => other,
        }
    }
}

impl Circumstance {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let status = |name, status: u16, kind, fate| Self {
            name,
            rule: json!({"kind": "status", "status": status}),
            kind,
            fate,
        };
        let broken = |name, kind, fate| Self {
            name,
            rule: json!({"kind": name}),
            kind,
            fate,
        };
        vec![
            status("400", 400, Kind::InvalidRequest, Fate::Refused),
            status("401", 401, Kind::AuthFailed, Fate::Refused),
            status("403", 403, Kind::PermissionDenied, Fate::Refused),
            status("404", 404, Kind::NotFound, Fate::Refused),
            status("409", 409, Kind::Conflict, Fate::Refused),
            status("422", 422, Kind::InvalidRequest, Fate::Refused),
            status("408", 408, Kind::Timeout, Fate::Lost),
            status("429", 429, Kind::RateLimited, Fate::TooSoon),
            status("500", 500, Kind::UpstreamError, Fate::Failed),
            status("502", 502, Kind::Unavailable, Fate::Lost),
            status("503", 503, Kind::Unavailable, Fate::Lost),
            status("504", 504, Kind::Timeout, Fate::Lost),
            broken("reset", Kind::Unavailable, Fate::Lost),
            broken("reset_after_write", Kind::Unavailable, Fate::Lost),
            broken("hang", Kind::Timeout, Fate::Lost),
            broken("truncate", Kind::BadUpstreamResponse, Fate::Lost),
            broken("garbage", Kind::BadUpstreamResponse, Fate::Unreadable),
            broken("html", Kind::Unavailable, Fate::Lost),
            Self {
                name: "html in place of an answer",
                rule: json!({"kind": "html", "status": 200}),
                kind: Kind::BadUpstreamResponse,
                fate: Fate::Unreadable,
            },
        ]
    }
}
