//! Bodies arrive whole, within a size and a time, before anything looks at them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use tower::{Layer, Service};

use super::refusal::Refusal;

/// The size of a body where nobody said otherwise.
pub const DEFAULT_MAX: usize = 4 << 20;
/// The time of a body where nobody said otherwise.
pub const DEFAULT_TIME: Duration = Duration::from_secs(30);

/// The body of a request that [`limit`] has read.
#[derive(Debug, Clone)]
pub struct Whole(pub Bytes);

/// Reads each body before the request goes on: at most `max_bytes`, in at most `time`.
///
/// Answers 413, 408, or 400 for a body whose framing is broken. What comes after never waits for a client.
pub fn limit(max_bytes: usize, time: Duration) -> Limit {
    Limit { max_bytes, time }
}

/// The layer of [`limit`].
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    max_bytes: usize,
    time: Duration,
}

impl<S> Layer<S> for Limit {
    type Service = Limiting<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limiting {
            limit: *self,
            inner,
        }
    }
}

/// The service of [`limit`].
#[derive(Debug, Clone)]
pub struct Limiting<S> {
    limit: Limit,
    inner: S,
}

impl<S> Service<Request> for Limiting<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Limit { max_bytes, time } = self.limit;
        // The clone stays behind, because it is the other one that said it is ready.
        let inner = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, inner);
        Box::pin(async move {
            if request.body().is_end_stream() {
                return Ok(inner.call(request).await?.into_response());
            }
            if says_more_than(&request, max_bytes) {
                return Ok(too_large(max_bytes).into_response());
            }
            let (mut parts, body) = request.into_parts();
            let bytes = match read(body, max_bytes, time).await {
                Ok(bytes) => bytes,
                Err(refusal) => return Ok(refusal.into_response()),
            };
            parts.extensions.insert(Whole(bytes.clone()));
            Ok(inner
                .call(Request::from_parts(parts, Body::from(bytes)))
                .await?
                .into_response())
        })
    }
}

/// Whether the head announces a body that is too large: then none of it is read.
fn says_more_than(request: &Request, max_bytes: usize) -> bool {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    match length.map(str::parse::<u64>) {
        Some(Ok(length)) => usize::try_from(length).map_or(true, |length| length > max_bytes),
        _ => false,
    }
}

/// Reads a body to its end.
pub(crate) async fn read(body: Body, max_bytes: usize, time: Duration) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, max_bytes).collect();
    match tokio::time::timeout(time, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(too_large(max_bytes))
        }
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "INVALID_REQUEST",
            "The body is broken: it ended early, or its chunks are not as they announce",
            "Send the body whole, with a correct Content-Length or correct chunks.",
        )
        .close()),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "TIMEOUT",
            format!("The body did not arrive within {} s", time.as_secs_f32()),
            "Send the body without pauses.",
        )
        .close()),
    }
}

fn too_large(max_bytes: usize) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "INVALID_REQUEST",
        format!("The body is larger than {max_bytes} bytes"),
        "Send less at once.",
    )
    .close()
}
