//! The accept loop: bounded heads, bounded connections, and an end that running requests survive.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::conns::{Place, Table};
use super::refusal::{closing, refuse};
use super::stall::Stalling;

/// How long to wait after an error of `accept` that concerns the process, not one connection.
const BACK_OFF: Duration = Duration::from_millis(50);

/// How long a connection that is over stays open for the peer to read its last answer.
const LINGER: Duration = Duration::from_secs(3);

/// What clients may use up together.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many connections there may be at once.
    pub connections: usize,
    /// How long a client may take to send the head of a request.
    pub head_time: Duration,
    /// The largest head, in bytes.
    pub head_bytes: usize,
    /// How long a client may leave a response untaken.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The other half of the file descriptors is for what the calls themselves open.
            connections: (soft_fd_limit().unwrap_or(1024) / 2).clamp(1, 10_000),
            head_time: Duration::from_secs(10),
            head_bytes: 32 << 10,
            stall: Duration::from_mins(1),
        }
    }
}

fn soft_fd_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match soft.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

/// Serves until `drain`, then until every connection is gone, or until `kill`.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    drain: CancellationToken,
    kill: CancellationToken,
) -> std::io::Result<()> {
    listener.local_addr()?;
    let table = Table::new(limits.connections);
    let running = TaskTracker::new();
    let accepting = async {
        loop {
            let Some((stream, from)) = accept(&listener).await else {
                continue;
            };
            let place = table.admit().await;
            let connection = Connection {
                place,
                from,
                app: app.clone(),
                limits,
                drain: drain.clone(),
                kill: kill.clone(),
            };
            running.spawn(connection.serve(stream));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = drain.cancelled() => {}
        () = kill.cancelled() => {}
    }
    drop(listener);
    running.close();
    // Killed connections end by themselves; this waits until their sockets are closed.
    running.wait().await;
    Ok(())
}

async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, from)) => {
            // Answers are small and final: waiting for more to send would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, from))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(BACK_OFF).await;
            None
        }
    }
}

struct Connection {
    place: Arc<Place>,
    from: SocketAddr,
    app: Router,
    limits: Limits,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let Self {
            place,
            from,
            app,
            limits,
            drain,
            kill,
        } = self;
        let held = place.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(from));
            let (busy, app) = (held.begin(), app.clone());
            // A large head that arrives in one piece gets past the bound of the read buffer.
            let large = head_size(request.uri(), request.headers()) > limits.head_bytes;
            async move {
                let response = if large {
                    too_large()
                } else {
                    let Ok(response) = app.oneshot(request.map(Body::new)).await;
                    response
                };
                Ok::<_, Infallible>(response.map(|body| busy.over(body)))
            }
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head_bytes.max(8 << 10))
            .keep_alive(true)
            .serve_connection(TokioIo::new(Stalling::new(stream, limits.stall)), service);
        let mut draining = false;
        let ended = loop {
            tokio::select! {
                // In this order: a request that has already arrived is begun before the rest is looked at.
                biased;
                ended = &mut connection => break ended,
                () = kill.cancelled() => return,
                () = drain.cancelled(), if !draining => {}
                // An idle connection goes at once, even in the middle of a head.
                () = place.evicted(), if !draining => {
                    if place.is_idle() {
                        return;
                    }
                }
            }
            draining = true;
            Pin::new(&mut connection).graceful_shutdown();
        };
        let parts = connection.into_parts();
        let (last, time) = match &ended {
            Ok(()) => ("", LINGER),
            // Less patience: what failed is a head, and the rest of a head is short.
            Err(error) => {
                tracing::debug!(%error, "a connection failed");
                (last_word(error, &parts.read_buf), LINGER / 10)
            }
        };
        tokio::select! {
            () = parts.io.into_inner().linger(last.as_bytes(), time) => {}
            () = drain.cancelled() => {}
            () = kill.cancelled() => {}
            () = place.evicted() => {}
        }
    }
}

/// The answer to what the HTTP library ends without one.
fn last_word(error: &hyper::Error, unread: &[u8]) -> &'static str {
    if error.is_timeout() && !unread.is_empty() {
        "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    } else if error.is_parse() && unread.starts_with(b"PRI * HTTP/2") {
        "HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    } else {
        ""
    }
}

/// About as many bytes as the head had on the wire.
fn head_size(uri: &Uri, headers: &HeaderMap) -> usize {
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let fields = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + fields.sum::<usize>()
}

fn too_large() -> Response {
    closing(refuse(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "INVALID_REQUEST",
        "the head of the request is too large",
        "Send fewer and shorter headers.",
    ))
}
