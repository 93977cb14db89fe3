//! Runs simulators on loopback.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::conn::{Control, Controlled};
use crate::dispatch::{Shared, dispatch};
use crate::outbox::{Office, Sent};
use crate::simulator::{Kind, Simulator};
use crate::{Seed, Switchboard, control};

/// The head of a request: line and headers.
const HEAD: usize = 64 * 1024;
const BACKLOG: u32 = 4096;

/// What one client may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// HTTP connections at a time; more wait in the kernel's queue. 20,000.
    pub connections: usize,
    /// For a request's head, and for an idle connection. 75 seconds.
    pub head_timeout: Duration,
    /// For a request's body; then 408. One minute.
    pub body_timeout: Duration,
    /// For requests in flight at shutdown. 2 seconds.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(2),
        }
    }
}

/// A set of simulators to run.
#[derive(Debug)]
pub struct Sandbox {
    simulators: Vec<Simulator>,
    limits: Limits,
    seed: Seed,
    shutdown: CancellationToken,
}

impl Sandbox {
    /// These simulators.
    pub fn new(simulators: Vec<Simulator>) -> Self {
        Self {
            simulators,
            limits: Limits::default(),
            seed: Seed::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Other limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the simulators hold at the start, [nothing](Seed::Empty) unless set.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Shut down when `token` is cancelled.
    pub fn until(mut self, token: &CancellationToken) -> Self {
        self.shutdown = token.child_token();
        self
    }

    /// Listen on `addr`, port 0 for a free one. TCP simulators get ports of their own on the same
    /// address.
    ///
    /// # Errors
    /// `InvalidInput` for an address beyond loopback (the sandbox takes any credentials and shows
    /// what it was sent), for two simulators of one name and for names that no path can have;
    /// what binding fails with.
    #[expect(
        clippy::unused_async,
        reason = "it spawns: it must be called inside a runtime"
    )]
    pub async fn start(self, addr: SocketAddr) -> io::Result<Running> {
        if !addr.ip().is_loopback() {
            return Err(invalid(format!(
                "the sandbox listens on loopback only (127.0.0.1 or ::1), not on {addr}"
            )));
        }
        let mut simulators = BTreeMap::new();
        for simulator in self.simulators {
            let id = simulator.id;
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            if id.is_empty() || id.starts_with('_') || !id.chars().all(plain) {
                return Err(invalid(format!("`{id}` cannot be the name of a simulator")));
            }
            if simulators.insert(id, simulator).is_some() {
                return Err(invalid(format!("there are two simulators named `{id}`")));
            }
        }

        // All ports are bound before anything runs, so that a failure leaves nothing behind.
        let http = listen(addr)?;
        let mut servers = Vec::new();
        let mut tcp = BTreeMap::new();
        for simulator in simulators.values() {
            if let Kind::Tcp { server, port, .. } = &simulator.kind {
                let listener = listen(SocketAddr::new(addr.ip(), *port))?;
                tcp.insert(simulator.id, listener.local_addr()?);
                servers.push((Arc::clone(server), listener));
            }
        }

        let stop = self.shutdown;
        let shared = Arc::new(Shared {
            simulators,
            switchboard: Arc::default(),
            limits: self.limits,
            outgoing: Office::until(stop.clone()),
            seed: self.seed,
            http: http.local_addr()?,
            tcp: tcp.clone(),
            stop: stop.clone(),
        });
        shared.sow();
        let runner = Runner {
            routes: control::routes(Arc::clone(&shared)),
            shared: Arc::clone(&shared),
            tasks: TaskTracker::new(),
            kill: CancellationToken::new(),
        };
        for (server, listener) in servers {
            let (board, stop) = (Arc::clone(&shared.switchboard), stop.clone());
            let serve = async move { server.serve(listener, board, stop).await };
            runner
                .tasks
                .spawn(runner.kill.clone().run_until_cancelled_owned(serve));
        }
        let kill = runner.kill.clone();
        let done = CancellationToken::new();
        let finished = done.clone().drop_guard();
        tokio::spawn(async move {
            runner.run(http).await;
            drop(finished);
        });
        Ok(Running {
            http: shared.http,
            tcp,
            shared,
            kill,
            done,
        })
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows the option lets two processes share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("the sandbox cannot listen on {addr}: {error}"),
        )
    })?;
    socket.listen(BACKLOG)
}

struct Runner {
    shared: Arc<Shared>,
    routes: Router,
    tasks: TaskTracker,
    kill: CancellationToken,
}

impl Runner {
    /// Accept until told to stop, then wait for what is in flight.
    async fn run(self, listener: TcpListener) {
        let stop = self.shared.stop.clone();
        let _ = stop.run_until_cancelled(self.accept(&listener)).await;
        drop(listener);
        self.tasks.close();
        let _ = tokio::time::timeout(self.shared.limits.grace, self.tasks.wait()).await;
        self.kill.cancel();
        self.tasks.wait().await;
    }

    async fn accept(&self, listener: &TcpListener) {
        let slots = Arc::new(Semaphore::new(self.shared.limits.connections));
        // The semaphore is never closed.
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = self.connection(stream, peer, slot);
                    self.tasks
                        .spawn(self.kill.clone().run_until_cancelled_owned(connection));
                }
                // Out of descriptors, or a client that left: neither ends the sandbox.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let (shared, routes) = (Arc::clone(&self.shared), self.routes.clone());
        let (stop, limits) = (shared.stop.clone(), shared.limits);
        async move {
            let _slot = slot;
            // Small answers must not wait for the acknowledgement of the last one.
            let _ = stream.set_nodelay(true);
            let control = Arc::new(Control::default());
            let io = TokioIo::new(Controlled::new(stream, Arc::clone(&control)));
            let service = service_fn(move |request| {
                dispatch(
                    shared.clone(),
                    routes.clone(),
                    control.clone(),
                    peer,
                    request,
                )
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_timeout)
                .max_buf_size(HEAD)
                .serve_connection(io, service)
                .with_upgrades();
            let mut serving = pin!(serving);
            // Errors are the client's, or a fault that did its work.
            tokio::select! {
                _ = serving.as_mut() => {}
                () = stop.cancelled() => {
                    serving.as_mut().graceful_shutdown();
                    let _ = serving.await;
                }
            }
        }
    }
}

impl Shared {
    /// Let every simulator fill its state.
    fn sow(&self) {
        let hooks = self.simulators.values().filter_map(|s| s.seed.as_ref());
        hooks.for_each(|hook| hook(self.seed));
    }

    /// Back to the state after the start.
    pub(crate) async fn reset(&self) {
        self.switchboard.clear(None);
        self.outgoing.forget();
        for simulator in self.simulators.values() {
            for hook in &simulator.reset {
                hook();
            }
            if let Kind::Tcp { server, .. } = &simulator.kind {
                server.reset().await;
            }
        }
        self.sow();
        // Last, for requests that arrive meanwhile belong to the state that is gone.
        self.switchboard.clear_requests();
        self.outgoing.clear();
    }
}

/// A sandbox that runs. It ends when this is dropped.
pub struct Running {
    /// Where all HTTP simulators and the control routes are.
    pub http: SocketAddr,
    /// Where each TCP simulator is.
    pub tcp: BTreeMap<&'static str, SocketAddr>,
    shared: Arc<Shared>,
    kill: CancellationToken,
    done: CancellationToken,
}

impl Running {
    /// The faults and the requests, without a detour over HTTP.
    pub fn switchboard(&self) -> Arc<Switchboard> {
        Arc::clone(&self.shared.switchboard)
    }

    /// Where the simulator `id` is: `http://127.0.0.1:4010/shop`, or the scheme and the address of
    /// a TCP simulator. No slash at the end.
    pub fn base_url(&self, id: &str) -> String {
        self.shared.base_url(id)
    }

    /// Every simulator and where it is.
    pub fn base_urls(&self) -> BTreeMap<&'static str, String> {
        self.shared
            .simulators
            .keys()
            .map(|id| (*id, self.base_url(id)))
            .collect()
    }

    /// The callbacks that went out, oldest first, as `GET /_sandbox/callbacks` shows them.
    pub fn callbacks(&self) -> Vec<Sent> {
        self.shared.outgoing.list(None, 0, usize::MAX)
    }

    /// What `POST /_sandbox/reset` does.
    pub async fn reset(&self) {
        self.shared.reset().await;
    }

    /// Stop accepting, let requests in flight finish for the [grace](Limits::grace), then end.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.done.cancelled().await;
    }

    /// Wait until it has ended, by [`shutdown`](Self::shutdown) or by the token of
    /// [`Sandbox::until`].
    pub async fn ended(&self) {
        self.done.cancelled().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.kill.cancel();
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("http", &self.http)
            .field("tcp", &self.tcp)
            .finish_non_exhaustive()
    }
}
