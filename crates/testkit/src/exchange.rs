//! What went over the wire: a tap on a simulator that keeps requests with their answers.

use std::sync::{Arc, Mutex, PoisonError};

use business_tools_core::http::{HeaderMap, header};
use business_tools_sandbox::Simulator;
use business_tools_sandbox::axum::body::{Body, to_bytes};
use business_tools_sandbox::axum::extract::Request;
use business_tools_sandbox::axum::middleware::{self, Next};
use business_tools_sandbox::axum::response::Response;
use bytes::Bytes;

/// The largest body that is kept.
const LARGEST: usize = 32 << 20;

/// A request and its answer, whole and unmasked.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path as the provider sees it, percent-encoded as it was sent.
    pub path: String,
    /// The query string, without `?`.
    pub query: String,
    /// The headers of the request, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The content type of the request, without parameters; empty if there is none.
    pub content_type: String,
    /// The body of the request.
    pub body: Bytes,
    /// The status of the answer.
    pub status: u16,
    /// The content type of the answer, without parameters; empty if there is none.
    pub answer_type: String,
    /// The body of the answer.
    pub answer: Bytes,
}

/// Keeps the exchanges of a simulator.
#[derive(Debug, Clone, Default)]
pub struct Tap(Arc<Mutex<Vec<Exchange>>>);

impl Tap {
    /// The same simulator, listened to.
    pub fn on(&self, simulator: Simulator) -> Simulator {
        let tap = self.clone();
        simulator.wrap(move |router| {
            let keep = move |request, next| keep(tap.clone(), request, next);
            router.layer(middleware::from_fn(keep))
        })
    }

    /// Everything so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn keep(tap: Tap, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    let mut exchange = Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers(&parts.headers),
        content_type: content_type(&parts.headers),
        body: body.clone(),
        status: 0,
        answer_type: String::new(),
        answer: Bytes::new(),
    };
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    exchange.status = parts.status.as_u16();
    exchange.answer_type = content_type(&parts.headers);
    exchange.answer = body.clone();
    tap.0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(exchange);
    Response::from_parts(parts, Body::from(body))
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = headers.iter();
    all.map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect()
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let kind = text.and_then(|text| text.split(';').next());
    kind.unwrap_or_default().trim().to_ascii_lowercase()
}
