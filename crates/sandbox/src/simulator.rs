//! What a provider crate hands over: one simulated API.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::response::Response;
use http::request::Parts;
use http::{StatusCode, header};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::json;
use crate::{Seed, Switchboard};

const BODY_LIMIT: usize = 25 * 1024 * 1024;

type Reset = dyn Fn() + Send + Sync;
type Sow = dyn Fn(Seed) + Send + Sync;
type Describe = dyn Fn() -> Value + Send + Sync;
type FaultAnswer = dyn Fn(StatusCode, Option<&str>) -> Response + Send + Sync;

/// A provider that speaks a protocol of its own instead of HTTP.
#[async_trait]
pub trait TcpSimulator: Send + Sync + 'static {
    /// Serve connections until `shutdown` is cancelled.
    ///
    /// Ask `faults` for each command with [`Switchboard::next`] and write it down with
    /// [`Switchboard::record`], so that both control routes work here too.
    async fn serve(
        &self,
        listener: TcpListener,
        faults: Arc<Switchboard>,
        shutdown: CancellationToken,
    );

    /// Forget all state. Called by `POST /_sandbox/reset`, which answers when this is done.
    async fn reset(&self) {}
}

#[derive(Clone)]
pub(crate) enum Kind {
    Http(Router),
    Tcp {
        server: Arc<dyn TcpSimulator>,
        port: u16,
        scheme: &'static str,
    },
}

/// One simulated provider: its name, its server and the hooks the sandbox calls.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    pub(crate) reset: Vec<Arc<Reset>>,
    pub(crate) seed: Option<Arc<Sow>>,
    pub(crate) describe: Option<Arc<Describe>>,
    pub(crate) fault_answer: Option<Arc<FaultAnswer>>,
    pub(crate) body_limit: usize,
}

impl Simulator {
    /// Simulate an HTTP API. The sandbox serves `router` under `/id`.
    ///
    /// The router sees paths without the prefix, and bodies of up to 25 MB whole: axum's own limit
    /// of 2 MB is lifted. It finds its public address in [`Mount`].
    pub fn http(id: &'static str, router: Router) -> Self {
        Self::new(id, Kind::Http(router.layer(DefaultBodyLimit::disable())))
    }

    /// Simulate a protocol of its own on a loopback port of its own.
    pub fn tcp(id: &'static str, server: Arc<dyn TcpSimulator>) -> Self {
        Self::new(
            id,
            Kind::Tcp {
                server,
                port: 0,
                scheme: "tcp",
            },
        )
    }

    /// Puts something around the router, such as a layer that listens. Does nothing over TCP.
    pub fn wrap(mut self, around: impl FnOnce(Router) -> Router) -> Self {
        self.kind = match self.kind {
            Kind::Http(router) => Kind::Http(around(router)),
            tcp @ Kind::Tcp { .. } => tcp,
        };
        self
    }

    fn new(id: &'static str, kind: Kind) -> Self {
        Self {
            id,
            kind,
            reset: Vec::new(),
            seed: None,
            describe: None,
            fault_answer: None,
            body_limit: BODY_LIMIT,
        }
    }

    /// The name it is served under.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Listen on `port` instead of a free one. Only for TCP simulators.
    pub fn port(mut self, number: u16) -> Self {
        if let Kind::Tcp { port, .. } = &mut self.kind {
            *port = number;
        }
        self
    }

    /// The scheme of [`Running::base_url`](crate::Running::base_url), `tcp` unless set. Only for
    /// TCP simulators.
    pub fn scheme(mut self, name: &'static str) -> Self {
        if let Kind::Tcp { scheme, .. } = &mut self.kind {
            *scheme = name;
        }
        self
    }

    /// Call `hook` on `POST /_sandbox/reset`. Hooks add up.
    pub fn on_reset(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.reset.push(Arc::new(hook));
        self
    }

    /// Let `hook` fill the state: called before the first request, and after each reset, with the
    /// [seed](crate::Sandbox::seed) of the sandbox.
    pub fn on_seed(mut self, hook: impl Fn(Seed) + Send + Sync + 'static) -> Self {
        self.seed = Some(Arc::new(hook));
        self
    }

    /// Show what `hook` returns in `GET /_sandbox`: accounts, ids that were made, counts.
    pub fn on_describe(mut self, hook: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.describe = Some(Arc::new(hook));
        self
    }

    /// Give the fault `status` the provider's own error body.
    pub fn on_fault_status(
        self,
        hook: impl Fn(StatusCode) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.on_fault_answer(move |status, _| json::answer(status, &hook(status)))
    }

    /// Give the fault `status` the provider's own answer, headers included. The rule's `code`
    /// picks one of several errors that have the status.
    pub fn on_fault_answer(
        mut self,
        hook: impl Fn(StatusCode, Option<&str>) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.fault_answer = Some(Arc::new(hook));
        self
    }

    /// Answer 413 to bodies over `bytes`, 25 MB unless set.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Http(_) => "http",
            Kind::Tcp { .. } => "tcp",
        };
        f.debug_struct("Simulator")
            .field("id", &self.id)
            .field("kind", &kind)
            .finish_non_exhaustive()
    }
}

/// Where a simulator stands, for absolute links and for checking signatures of full URLs.
///
/// An extractor. Without a sandbox around the router (a bare router in a unit test) it falls back
/// to the `Host` header and no prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// `http://127.0.0.1:4010/shop`, no slash at the end.
    pub base_url: String,
    /// `/shop`, which the router does not see.
    pub prefix: String,
    /// The client's address.
    pub peer: Option<SocketAddr>,
}

impl<S: Sync> FromRequestParts<S> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        if let Some(mount) = parts.extensions.get::<Self>() {
            return Ok(mount.clone());
        }
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|h| h.to_str().ok());
        let base_url = format!("http://{}", host.unwrap_or("localhost"));
        Ok(Self {
            base_url,
            prefix: String::new(),
            peer: None,
        })
    }
}
