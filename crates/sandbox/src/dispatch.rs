//! One request: to the control routes, or past the recorder and the faults to a simulator.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::conn::{Aborted, Control};
use crate::outbox::{Office, Outbox};
use crate::simulator::{Kind, Mount, Simulator};
use crate::{Arrival, Limits, Seed, Switchboard, control, faults, json};

/// How much of a body over the limit is read and thrown away. Closing on a client that still sends
/// would reset the connection, and the client would not see why.
const DRAINED: usize = 100 * 1024 * 1024;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) simulators: BTreeMap<&'static str, Simulator>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) limits: Limits,
    pub(crate) outgoing: Arc<Office>,
    pub(crate) seed: Seed,
    pub(crate) http: SocketAddr,
    pub(crate) tcp: BTreeMap<&'static str, SocketAddr>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn base_url(&self, id: &str) -> String {
        match (
            self.tcp.get(id),
            self.simulators.get(id).map(|simulator| &simulator.kind),
        ) {
            (Some(addr), Some(Kind::Tcp { scheme, .. })) => format!("{scheme}://{addr}"),
            _ => format!("http://{}/{id}", self.http),
        }
    }
}

/// Answer one request, or break its connection.
pub(crate) async fn dispatch(
    shared: Arc<Shared>,
    controls: Router,
    connection: Arc<Control>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Aborted> {
    let path = request.uri().path();
    let (first, inner) = split(path);
    if first == control::NAME {
        return Ok(run(controls, request.map(Body::new)).await);
    }
    let Some(simulator) = shared.simulators.get(first) else {
        return Ok(control::not_found(&shared, path));
    };
    let Kind::Http(router) = &simulator.kind else {
        let message = format!(
            "`{first}` does not speak HTTP: it is at {}",
            shared.base_url(first)
        );
        return Ok(json::error(StatusCode::MISDIRECTED_REQUEST, message));
    };

    let inner = inner.to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (mut parts, incoming) = request.into_parts();
    let method = parts.method.as_str();
    let arrival = Arrival::new(simulator.id, method, &*inner)
        .query(&*query)
        .headers(parts.headers.clone());

    let limit = simulator.body_limit;
    let body = match tokio::time::timeout(shared.limits.body_timeout, read(incoming, limit)).await {
        Err(_) => {
            shared.switchboard.record(arrival);
            return Ok(last(faults::provider_error(
                simulator,
                StatusCode::REQUEST_TIMEOUT,
                None,
            )));
        }
        // The client went away while it was sending.
        Ok(Err(_)) => return Err(Aborted),
        Ok(Ok(None)) => {
            shared.switchboard.record(arrival);
            return Ok(last(faults::provider_error(
                simulator,
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
            )));
        }
        Ok(Ok(Some(body))) => body,
    };

    let fault = shared.switchboard.next(simulator.id, method, &inner);
    let kind = fault.as_ref().map(|fault| fault.kind);
    shared
        .switchboard
        .record(arrival.body(body.clone()).fault(kind));

    let target = if query.is_empty() {
        inner
    } else {
        format!("{inner}?{query}")
    };
    let Ok(target) = PathAndQuery::try_from(target) else {
        return Ok(json::error(
            StatusCode::BAD_REQUEST,
            "the path cannot be read",
        ));
    };
    parts.uri = Uri::from(target);
    parts.extensions.insert(Mount {
        // Never from the `Host` header: absolute links must not lead out of the sandbox.
        base_url: shared.base_url(simulator.id),
        prefix: format!("/{}", simulator.id),
        peer: Some(peer),
    });
    parts
        .extensions
        .insert(Outbox::new(simulator.id, &shared.outgoing));
    let answer = run(router.clone(), Request::from_parts(parts, Body::from(body)));
    match fault {
        None => Ok(answer.await),
        Some(fault) => faults::strike(fault, simulator, connection, &shared.stop, answer).await,
    }
}

/// `/shop/orders` → `shop`, `/orders`.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('/') {
        Some(slash) => path.split_at(slash),
        None => (path, "/"),
    }
}

async fn run(router: Router, request: Request<Body>) -> Response {
    // A panic in one handler is one 500, not a connection that dies without a word.
    match AssertUnwindSafe(router.oneshot(request))
        .catch_unwind()
        .await
    {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => json::error(StatusCode::INTERNAL_SERVER_ERROR, "the simulator panicked"),
    }
}

/// The whole body, or `None` if it is over the limit.
async fn read(mut body: Incoming, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        seen += data.len();
        if seen <= limit {
            kept.extend_from_slice(&data);
        } else if seen > limit.saturating_add(DRAINED) {
            break;
        } else {
            kept = BytesMut::new();
        }
    }
    Ok((seen <= limit).then(|| kept.freeze()))
}

/// The connection ends with this answer: what is left of the request cannot be skipped.
fn last(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_simulator() {
        assert_eq!(split("/shop/orders/1"), ("shop", "/orders/1"));
        assert_eq!(split("/shop"), ("shop", "/"));
        assert_eq!(split("/shop/"), ("shop", "/"));
        assert_eq!(split("/shop//x"), ("shop", "//x"));
        assert_eq!(split("/"), ("", "/"));
        assert_eq!(split("*"), ("*", "/"));
    }
}
