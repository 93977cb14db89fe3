//! Request bodies: not too large, not too slow, and not broken.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready as try_ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use futures_util::future::{Either, FutureExt as _, Map};
use http::{Request, StatusCode, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::refusal::{closing, refuse};

/// What all bodies that are arriving at the same time may hold together, in bytes.
///
/// Each one alone is small, but thousands of connections could each stop just short of the end of theirs.
const ROOM: usize = 256 << 20;

/// A layer that bounds the bodies of requests, each in size and time and all together in size.
pub fn limit(max_bytes: usize, time: Duration) -> Limit {
    Limit {
        max_bytes,
        time,
        room: Arc::new(Semaphore::new(0)),
    }
    .within(ROOM)
}

/// What [`limit`] makes.
#[derive(Debug, Clone)]
pub struct Limit {
    max_bytes: usize,
    time: Duration,
    room: Arc<Semaphore>,
}

impl Limit {
    /// What all bodies that are arriving at the same time may hold together, in bytes [default: 256 MiB].
    ///
    /// A single body always finds room, so this is never less than one may have.
    #[must_use]
    pub fn within(mut self, total_bytes: usize) -> Self {
        let room = total_bytes.max(self.max_bytes).min(u32::MAX as usize);
        self.room = Arc::new(Semaphore::new(room));
        self
    }
}

/// What was wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has more bytes than are allowed.
    TooLarge,
    /// It did not end in time.
    Slow,
    /// It broke off, or its framing is wrong.
    Broken,
    /// All the bodies together are too large just now.
    Crowded,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is too large",
            Self::Slow => "the body did not arrive in time",
            Self::Broken => "the body is broken",
            Self::Crowded => "too many bodies are arriving at once",
        })
    }
}

impl StdError for Fault {}

impl Fault {
    /// The fault in a chain of errors; what is not known is a broken body.
    pub(super) fn find(error: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref::<Self>() {
                return *fault;
            }
            if error.is::<http_body_util::LengthLimitError>() {
                return Self::TooLarge;
            }
            next = error.source();
        }
        Self::Broken
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn response(self) -> Response {
        let (code, hint) = match self {
            Self::TooLarge => ("INVALID_REQUEST", "Send less at once."),
            Self::Slow => ("INVALID_REQUEST", "Send the whole body without pauses."),
            Self::Broken => ("INVALID_REQUEST", "Send the body again."),
            Self::Crowded => ("UNAVAILABLE", "Try again in a moment."),
        };
        closing(refuse(self.status(), code, &self.to_string(), hint))
    }
}

impl<S> Layer<S> for Limit {
    type Service = LimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitService {
            inner,
            limit: self.clone(),
        }
    }
}

/// A service behind [`limit`].
#[derive(Debug, Clone)]
pub struct LimitService<S> {
    inner: S,
    limit: Limit,
}

type Seen = Arc<OnceLock<Fault>>;
type Answered<E> = Box<dyn FnOnce(Result<Response, E>) -> Result<Response, E> + Send>;

impl<S> Service<Request<Body>> for LimitService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<
        Ready<Result<Response, S::Error>>,
        Either<S::Future, Map<S::Future, Answered<S::Error>>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The framework's own limit would come first and is smaller.
        DefaultBodyLimit::disable().apply(&mut request);
        if request.body().is_end_stream() {
            return Either::Right(Either::Left(self.inner.call(request)));
        }
        let max = self.limit.max_bytes as u64;
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok());
        if declared.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > max)) {
            return Either::Left(ready(Ok(Fault::TooLarge.response())));
        }
        let seen = Seen::default();
        let (time, noted) = (self.limit.time, seen.clone());
        let room = self.limit.room.clone();
        let request = request.map(|inner| {
            let end = Box::pin(sleep(time));
            Body::new(Bounded {
                inner,
                left: max,
                end,
                seen: noted,
                failed: false,
                room,
                held: None,
            })
        });
        // The framework answers 400 to every fault that it does not know.
        let answered: Answered<S::Error> = Box::new(move |result| {
            result.map(|response| match seen.get() {
                Some(fault)
                    if response.status().is_client_error()
                        && response.status() != fault.status() =>
                {
                    fault.response()
                }
                Some(_) => closing(response),
                None => response,
            })
        });
        Either::Right(Either::Right(self.inner.call(request).map(answered)))
    }
}

/// A body that ends with a [`Fault`] when it goes on for too long.
struct Bounded {
    inner: Body,
    left: u64,
    end: Pin<Box<Sleep>>,
    seen: Seen,
    failed: bool,
    room: Arc<Semaphore>,
    /// What has arrived, until the whole body has been taken.
    held: Option<OwnedSemaphorePermit>,
}

impl Bounded {
    /// Takes room for what has arrived. Never waits: those who hold the room may be waiting too.
    fn hold(&mut self, size: u64) -> Option<()> {
        let size = u32::try_from(size).ok()?;
        let more = self.room.clone().try_acquire_many_owned(size).ok()?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Some(())
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.failed = true;
        let _ = self.seen.set(fault);
        Poll::Ready(Some(Err(fault)))
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        // First, so that a body of many small pieces cannot keep the clock from being looked at.
        if self.end.as_mut().poll(context).is_ready() {
            return self.fail(Fault::Slow);
        }
        match try_ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => {
                let size = frame.data_ref().map_or(0, Bytes::len) as u64;
                match self.left.checked_sub(size) {
                    Some(left) => self.left = left,
                    None => return self.fail(Fault::TooLarge),
                }
                if self.hold(size).is_none() {
                    return self.fail(Fault::Crowded);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => self.fail(Fault::Broken),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
