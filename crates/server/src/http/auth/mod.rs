//! Who calls over HTTP: asked once, before the body of a request is read, for everything but whether the process lives.

mod keys;
mod refused;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use business_tools_core::Principal;
use http::HeaderValue;

use super::Shared;
pub use keys::Keys;
pub(super) use refused::Refusals;
pub(super) use sessions::Sessions;

/// How callers show who they are.
#[derive(Debug, Clone, Default)]
pub enum Authenticator {
    /// Nobody is asked: everybody is the user of this machine.
    #[default]
    Open,
    /// By a key of the configuration.
    Keys(Arc<Keys>),
}

impl Authenticator {
    fn who(&self, headers: &http::HeaderMap) -> Result<Caller, Reason> {
        match self {
            Self::Open => Ok(Caller {
                principal: Principal::local(),
                read_only: false,
                exclude: None,
            }),
            Self::Keys(keys) => keys.who(headers),
        }
    }
}

/// Somebody who may come in.
#[derive(Clone)]
struct Caller {
    principal: Principal,
    read_only: bool,
    /// Names with commas between them.
    exclude: Option<HeaderValue>,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// No key was presented.
    Missing,
    /// What was presented cannot be a key, or there are several.
    Malformed,
    /// Nobody has this key.
    Unknown,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
        }
    }
}

/// What the gate needs.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) shared: Shared,
    pub(super) authenticator: Authenticator,
}

/// Lets a request in with the principal that it comes from, or refuses it.
pub(super) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Gate {
        shared,
        authenticator,
    } = gate;
    let path = request.uri().path();
    // What orchestrators ask says nothing of anybody.
    if matches!(path, "/live" | "/ready") {
        return next.run(request).await;
    }
    let caller = match authenticator.who(request.headers()) {
        Ok(caller) => caller,
        // The overall state alone: no principal, no details.
        Err(Reason::Missing) if path == "/health" => return next.run(request).await,
        Err(reason) => {
            let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
            let from = from.map(|ConnectInfo(address)| address.ip());
            return shared.refusals.refuse(&shared, reason, from, path);
        }
    };
    let session = sessions::named(request.headers());
    if let Some(session) = &session
        && !shared.owners.may(session, &caller.principal)
    {
        return sessions::not_there();
    }
    // Narrower than the caller may ask for by the same headers, and never wider.
    let headers = request.headers_mut();
    if caller.read_only {
        headers.append("x-bt-readonly", HeaderValue::from_static("true"));
    }
    if let Some(names) = caller.exclude {
        headers.append("x-bt-exclude", names);
    }
    let principal = caller.principal;
    request.extensions_mut().insert(principal.clone());
    let response = next.run(request).await;
    if session.is_none()
        && let Some(begun) = sessions::named(response.headers())
    {
        shared
            .owners
            .keep(&begun, principal, &shared.sessions)
            .await;
    }
    response
}
