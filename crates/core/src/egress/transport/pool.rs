//! The HTTP connections to one provider: a client of its own, made with the first request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use prometheus::{IntCounter, IntGauge};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};
use url::{Position, Url};

use crate::error::{Error, Fate, Kind, Result, Status};
use crate::metrics::Metrics;
use crate::policy::Connections;
use crate::pools::{ConnectionPoolManager, Pooled, closed};

/// The HTTP pools of one world.
#[derive(Default)]
pub(crate) struct HttpPools {
    tls: Arc<OnceLock<Result<rustls::ClientConfig, String>>>,
    pools: Mutex<Vec<Weak<HttpPool>>>,
}

/// The HTTP connections of one service.
pub(crate) struct HttpPool {
    service: String,
    rules: Connections,
    /// The certificates of the system are read once, for all pools of the world.
    tls: Arc<OnceLock<Result<rustls::ClientConfig, String>>>,
    client: Mutex<Client>,
    /// Who may use the connections to a host.
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    active: AtomicUsize,
    gauge: IntGauge,
    opened: IntCounter,
}

enum Client {
    Unmade,
    Made(Result<reqwest::Client, String>),
    Closed,
}

/// Hosts beyond which those that nobody uses are forgotten.
const MANY_HOSTS: usize = 256;
/// How long a ping over HTTP/2 may take.
const PONG: std::time::Duration = std::time::Duration::from_secs(10);

impl ConnectionPoolManager {
    /// The pool of a service under these rules: the one that there is, or a new one.
    pub(crate) fn http_pool(
        &self,
        service: &str,
        rules: Connections,
        metrics: &Metrics,
    ) -> Arc<HttpPool> {
        let all = self.http();
        let mut pools = all.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        let same = |pool: &Arc<HttpPool>| pool.service == service && pool.rules == rules;
        if let Some(pool) = pools.iter().filter_map(Weak::upgrade).find(same) {
            return pool;
        }
        let pool = Arc::new(HttpPool {
            service: service.to_owned(),
            rules,
            tls: Arc::clone(&all.tls),
            client: Mutex::new(if self.is_closed() {
                Client::Closed
            } else {
                Client::Unmade
            }),
            hosts: Mutex::default(),
            active: AtomicUsize::new(0),
            gauge: metrics.connections.with_label_values(&[service]),
            opened: metrics.opened.with_label_values(&[service]),
        });
        pools.push(Arc::downgrade(&pool));
        let known: Arc<dyn Pooled> = Arc::clone(&pool) as _;
        self.register(&known);
        pool
    }
}

impl HttpPool {
    /// The client. The TLS set-up is made at the first request, not at start.
    pub(super) fn client(&self) -> Result<reqwest::Client> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Client::Unmade = *client {
            *client = Client::Made(self.make());
        }
        match &*client {
            Client::Made(made) => made.clone().map_err(Error::internal),
            Client::Unmade | Client::Closed => Err(closed()),
        }
    }

    fn make(&self) -> Result<reqwest::Client, String> {
        let mut tls = self.tls.get_or_init(tls).clone()?;
        let rules = &self.rules;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("business-tools/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(rules.connect_timeout)
            .pool_idle_timeout(rules.idle_timeout)
            .pool_max_idle_per_host(rules.max_idle_per_host as usize)
            .connector_layer(Opened(self.opened.clone()))
            // A redirect would carry credentials and bodies to a host nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        if rules.http2 {
            tls.alpn_protocols.insert(0, b"h2".to_vec());
        } else {
            builder = builder.http1_only();
        }
        let ask = Some(rules.keep_alive).filter(|time| !time.is_zero());
        builder = builder.tcp_keepalive(ask);
        if let Some(ask) = ask {
            builder = builder
                .http2_keep_alive_interval(ask)
                .http2_keep_alive_timeout(PONG)
                .http2_keep_alive_while_idle(true);
        }
        builder
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| error.to_string())
    }

    /// Takes the right to use a connection to the host of `url`, which is waited for while too many do.
    pub(super) async fn enter(self: &Arc<Self>, url: &Url) -> Result<InUse> {
        let places = self.host(&url[..Position::AfterPort]);
        let patience = self.rules.connect_timeout;
        let Ok(Ok(place)) = tokio::time::timeout(patience, places.acquire_owned()).await else {
            return Err(Error::new(
                Kind::RateLimited,
                "All connections to the provider are in use",
            )
            .fate(Fate::NotSent)
            .status(Status::Temporary)
            .hint("Make fewer calls at once, or raise `connections.max_per_host`"));
        };
        self.active.fetch_add(1, Ordering::Relaxed);
        self.gauge.inc();
        Ok(InUse {
            pool: Arc::clone(self),
            _place: place,
        })
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let most = self.rules.max_per_host as usize;
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = hosts.get(host) {
            return Arc::clone(places);
        }
        if hosts.len() >= MANY_HOSTS {
            hosts.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = Arc::new(Semaphore::new(most));
        hosts.insert(host.to_owned(), Arc::clone(&places));
        places
    }
}

#[async_trait]
impl Pooled for HttpPool {
    fn service(&self) -> &str {
        &self.service
    }

    fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that are under way have clones, and end with them.
        *client = Client::Closed;
    }
}

/// A connection that a request uses, until the end of its answer.
pub(super) struct InUse {
    pool: Arc<HttpPool>,
    _place: OwnedSemaphorePermit,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.pool.active.fetch_sub(1, Ordering::Relaxed);
        self.pool.gauge.dec();
    }
}

/// What is trusted: what the system trusts.
fn tls() -> Result<rustls::ClientConfig, String> {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    let chosen = CryptoProvider::get_default().cloned();
    let provider = chosen.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| error.to_string())?;
    Ok(config.with_no_client_auth())
}

/// Counts the connections that are made.
#[derive(Clone)]
struct Opened(IntCounter);

impl<S> Layer<S> for Opened {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        let opened = self.0.clone();
        Counted { inner, opened }
    }
}

#[derive(Clone)]
struct Counted<S> {
    inner: S,
    opened: IntCounter,
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let (connecting, opened) = (self.inner.call(to), self.opened.clone());
        Box::pin(async move {
            let connection = connecting.await?;
            opened.inc();
            Ok(connection)
        })
    }
}
