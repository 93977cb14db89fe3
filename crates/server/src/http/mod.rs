//! The HTTP side: one port for MCP, REST, health, metrics and the pages.

mod auth;
mod docs;
mod health;
mod openapi;
mod rest;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use business_tools_core::Registry;
use business_tools_core::health::HealthBoard;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use auth::{Authenticator, Keys};

use crate::edge;
use crate::mcp::Handler;

/// How the HTTP side behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names that clients may use in `Host`, beside the loopback ones.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call, beside the loopback ones.
    pub allowed_origins: Vec<String>,
    /// Whether legacy clients get sessions: needed to ask them anything, and to be told of changes. Off for replicas.
    pub sessions: bool,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How long running calls may go on after the server was told to stop.
    pub grace: Duration,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// How callers show who they are.
    pub auth: Authenticator,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            sessions: true,
            max_body: 4 << 20,
            grace: Duration::from_secs(20),
            metrics: true,
            auth: Authenticator::Open,
        }
    }
}

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) handler: Handler,
    pub(crate) health: HealthBoard,
    pub(crate) ready: Arc<AtomicBool>,
    sessions: Arc<LocalSessionManager>,
    owners: Arc<auth::Sessions>,
    refusals: Arc<auth::Refusals>,
}

impl Shared {
    pub(crate) fn registry(&self) -> &Registry {
        self.handler.registry()
    }
}

/// The HTTP side, put together. Cheap to clone: every clone is the same one.
#[derive(Clone)]
pub struct Http {
    handler: Handler,
    shared: Shared,
    end_streams: CancellationToken,
    /// The options and the routes made of them: replaced together when the configuration is.
    live: Arc<ArcSwap<(Options, Router)>>,
}

impl Http {
    /// Puts the HTTP side around a handler.
    pub fn new(handler: Handler, health: HealthBoard, options: Options) -> Self {
        let shared = Shared {
            handler: handler.clone(),
            health,
            ready: Arc::new(AtomicBool::new(true)),
            sessions: Arc::default(),
            owners: Arc::default(),
            refusals: Arc::default(),
        };
        let http = Self {
            handler,
            shared,
            end_streams: CancellationToken::new(),
            live: Arc::new(ArcSwap::from_pointee((Options::default(), Router::new()))),
        };
        http.configure(options);
        http
    }

    /// Replaces the options. Requests that are being answered finish under the old ones, and sessions go on.
    pub fn configure(&self, options: Options) {
        let routes = self.routes(&options);
        self.live.store(Arc::new((options, routes)));
    }

    /// The routes, outermost guard included.
    pub fn router(&self) -> Router {
        let live = Arc::clone(&self.live);
        Router::new().fallback_service(tower::service_fn(move |request: Request| {
            let (_, routes) = &**live.load();
            routes.clone().oneshot(request)
        }))
    }

    fn routes(&self, options: &Options) -> Router {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(options.sessions)
            .with_json_response(true)
            .with_cancellation_token(self.end_streams.child_token())
            // Our own guard stands before every route and is stricter.
            .disable_allowed_hosts()
            .with_max_request_body_bytes(options.max_body)
            .with_sse_keep_alive(Some(Duration::from_secs(15)));
        let gate = auth::Gate {
            shared: self.shared.clone(),
            authenticator: options.auth.clone(),
        };
        let handler = self.handler.clone();
        let mcp = StreamableHttpService::new(
            move || Ok(handler.clone()),
            Arc::clone(&self.shared.sessions),
            config,
        );
        let mcp = Router::new()
            .fallback_service(mcp)
            .layer(axum::middleware::from_fn(edge::mcp_post::inspect));
        Router::new()
            .nest("/mcp", mcp)
            .merge(rest::routes())
            .route("/openapi.json", get(openapi::page))
            .route("/docs", get(docs::page))
            .route("/", get(docs::index))
            .merge(health::routes(options.metrics))
            .with_state(self.shared.clone())
            .layer(edge::body::limit(options.max_body, Duration::from_secs(30)))
            // Before any body is read.
            .layer(axum::middleware::from_fn_with_state(gate, auth::gate))
            .layer(edge::host::HostOrigin::new(
                options.allowed_hosts.clone(),
                options.allowed_origins.clone(),
            ))
    }

    /// Serves until `stop`, then lets running calls finish and ends.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> std::io::Result<()> {
        let (drain, kill) = (CancellationToken::new(), CancellationToken::new());
        let app = self.router();
        let server = edge::listen::serve(
            listener,
            app,
            edge::listen::Limits::default(),
            drain.clone(),
            kill.clone(),
        );
        let ending = async {
            stop.cancelled().await;
            // The order matters: a client must not see its running call broken off.
            self.shared.ready.store(false, Ordering::Release);
            self.handler.drain();
            drain.cancel();
            let grace = self.live.load().0.grace;
            if tokio::time::timeout(grace, self.handler.idle())
                .await
                .is_err()
            {
                tracing::warn!("calls were still running at the end of the grace time");
            }
            // The last answers leave the process.
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.end_streams.cancel();
            tokio::time::sleep(Duration::from_millis(200)).await;
            kill.cancel();
        };
        let (outcome, ()) = tokio::join!(server, ending);
        outcome
    }
}
