//! What each fault does to an exchange.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::conn::{Aborted, Control};
use crate::json;
use crate::simulator::Simulator;
use crate::switchboard::{Fault, FaultKind};

/// The longest a client is left hanging: long past every client's patience, short of forever.
const HANG: Duration = Duration::from_mins(10);
const LATENCY: Duration = Duration::from_secs(1);
const DRIP: Duration = Duration::from_millis(50);
const CHUNK: usize = 64 * 1024;
const HUGE: usize = 100 * 1024 * 1024;

/// Let `fault` strike. `answer` is what the simulator would say, and do, if it is polled.
pub(crate) async fn strike(
    fault: Fault,
    simulator: &Simulator,
    control: Arc<Control>,
    stop: &CancellationToken,
    answer: impl Future<Output = Response>,
) -> Result<Response, Aborted> {
    let pause = sleep(match (fault.kind, fault.delay) {
        (FaultKind::SlowBody, _) => Duration::ZERO,
        (FaultKind::Latency, None) => LATENCY,
        (_, delay) => delay.unwrap_or_default(),
    });
    let answer = if runs(fault.kind) {
        Some(answer.await)
    } else {
        None
    };
    // After the simulator ran: a client that does not wait this long has still changed the state.
    pause.await;
    match (fault.kind, answer) {
        (FaultKind::Latency, Some(answer)) => Ok(answer),
        (FaultKind::Truncate, Some(answer)) => truncate(answer, control).await,
        (FaultKind::SlowBody, Some(answer)) => drip(answer, fault.delay.unwrap_or(DRIP)).await,
        (FaultKind::Garbage, _) => Ok(garbage()),
        (FaultKind::Status, _) => Ok(status(&fault, simulator)),
        (FaultKind::Html, _) => Ok(html(&fault)),
        (FaultKind::Huge, _) => Ok(huge()),
        (FaultKind::Reset | FaultKind::ResetAfterWrite, _) => Err(control.reset()),
        (FaultKind::Hang, _) => {
            // hyper drops this future when the client goes away.
            tokio::select! {
                () = sleep(HANG) => {}
                () = stop.cancelled() => {}
            }
            Err(Aborted)
        }
        // The three that show an answer have one.
        (FaultKind::Latency | FaultKind::Truncate | FaultKind::SlowBody, None) => Err(Aborted),
    }
}

/// Whether the simulator gets the request.
fn runs(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Latency
        | FaultKind::ResetAfterWrite
        | FaultKind::Truncate
        | FaultKind::Garbage
        | FaultKind::SlowBody => true,
        FaultKind::Status
        | FaultKind::Reset
        | FaultKind::Hang
        | FaultKind::Html
        | FaultKind::Huge => false,
    }
}

/// The provider's own error answer.
pub(crate) fn provider_error(
    simulator: &Simulator,
    status: StatusCode,
    code: Option<&str>,
) -> Response {
    match &simulator.fault_answer {
        Some(answer) => answer(status, code),
        None => json::error(status, status.canonical_reason().unwrap_or("error")),
    }
}

fn status(fault: &Fault, simulator: &Simulator) -> Response {
    let status = status_or(fault, StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = provider_error(simulator, status, fault.code.as_deref());
    retry_after(response.headers_mut(), fault);
    response
}

fn status_or(fault: &Fault, default: StatusCode) -> StatusCode {
    fault
        .status
        .and_then(|code| StatusCode::from_u16(code).ok())
        // 1xx would not be an answer.
        .filter(|status| !status.is_informational())
        .unwrap_or(default)
}

fn retry_after(headers: &mut HeaderMap, fault: &Fault) {
    if let Some(seconds) = fault.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        // A finer word of the provider's own would say otherwise.
        headers.remove("retry-after-ms");
    }
}

async fn truncate(answer: Response, control: Arc<Control>) -> Result<Response, Aborted> {
    let sized = answer.body().size_hint().exact().is_some();
    let (mut parts, body) = answer.into_parts();
    let whole = body.collect().await.map_err(|_| Aborted)?.to_bytes();
    if whole.is_empty() {
        // Nothing to cut in the body, so the head is cut.
        return Err(Aborted);
    }
    if sized {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    }
    let half = whole.slice(..whole.len().div_ceil(2).min(whole.len() - 1));
    // The error ends the connection; before the flush it would swallow the half as well.
    let cut = stream::once(async move {
        control.flushed().await;
        Err(Aborted)
    });
    let body = stream::once(async move { Ok(half) }).chain(cut);
    Ok(Response::from_parts(parts, Body::from_stream(body)))
}

fn garbage() -> Response {
    let bytes: &[u8] = b"{\"id\": \"\xff\xfe\x00, <<<<<<< \x80 not json";
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

fn html(fault: &Fault) -> Response {
    let status = status_or(fault, StatusCode::BAD_GATEWAY);
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\n\
         <body><center><h1>{status}</h1></center><hr><center>gateway</center></body></html>\n"
    );
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (status, kind, page).into_response();
    retry_after(response.headers_mut(), fault);
    response
}

/// Without a `Content-Length`, so that a client must count for itself.
fn huge() -> Response {
    let chunk = Bytes::from(vec![b'a'; CHUNK]);
    let chunks = std::iter::once(Bytes::from_static(b"{\"data\":\""))
        .chain(std::iter::repeat_n(chunk, HUGE / CHUNK))
        .chain(std::iter::once(Bytes::from_static(b"\"}")));
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn drip(answer: Response, delay: Duration) -> Result<Response, Aborted> {
    let (mut parts, body) = answer.into_parts();
    let whole = body.collect().await.map_err(|_| Aborted)?.to_bytes();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let bytes = stream::iter(0..whole.len()).then(move |at| {
        let byte = whole.slice(at..=at);
        async move {
            sleep(delay).await;
            Ok::<_, Infallible>(byte)
        }
    });
    Ok(Response::from_parts(parts, Body::from_stream(bytes)))
}
