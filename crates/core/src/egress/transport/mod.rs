//! HTTP: the only folder that knows reqwest.

mod deliver;
mod fetch;
mod pool;
mod probe;
mod request;
mod response;
mod unsent;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tower::Service;

use crate::cx::Cx;
use crate::egress::{Attempt, Egress, Pace, Upstream};
use crate::error::{Error, Fate, Result, Status};
use crate::tool::Repeat;

pub use deliver::Courier;
pub use fetch::{Fetched, Fetcher, PrivateHosts};
pub use probe::{Probed, probe};
pub use request::{Body, HttpRequest, Part};
pub use response::HttpResponse;

pub(crate) use pool::{HttpPool, HttpPools};
use response::bad_answer;
use unsent::unsent;

/// Turns an answer outside 200..300 into an error.
pub type MapError = fn(&HttpResponse) -> Error;

/// What an answer, good or bad, says about the provider's limits.
pub type PaceOf = fn(&HttpResponse) -> Pace;

/// The client of a provider that speaks HTTP, behind the attempt plane.
#[derive(Clone)]
pub struct Http {
    egress: Egress<HttpRequest, HttpResponse>,
    upstream: Upstream,
    transport: Transport,
}

impl Http {
    /// A client whose failures are explained by `map_error`.
    pub fn new(upstream: &Upstream, map_error: MapError) -> Self {
        let transport = Transport {
            provider: upstream.provider(),
            pool: upstream.pool(),
            map_error,
            pace: None,
            max_answer: upstream.policy().max_answer,
        };
        Self {
            egress: upstream.around(transport.clone()),
            upstream: upstream.clone(),
            transport,
        }
    }

    /// Learns the provider's limits from answers in its own way, in place of the usual headers.
    pub fn paced_by(mut self, pace: PaceOf) -> Self {
        self.transport.pace = Some(pace);
        self.egress = self.upstream.around(self.transport.clone());
        self
    }

    /// Sends a request under the rules of the tool that is being called.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn send(&self, cx: &Cx, request: HttpRequest) -> Result<HttpResponse> {
        self.egress.send(cx, request).await
    }

    /// Sends a request whose repeatability is not that of the tool.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn send_as(
        &self,
        cx: &Cx,
        repeat: Repeat,
        request: HttpRequest,
    ) -> Result<HttpResponse> {
        self.egress.send_as(cx, repeat, request).await
    }

    /// Sends a request and reads the answer as JSON.
    ///
    /// An answer that cannot be read counts as lost: the write may have been done.
    ///
    /// # Errors
    /// As [`Egress::send`].
    pub async fn json<T: DeserializeOwned>(&self, cx: &Cx, request: HttpRequest) -> Result<T> {
        let answer = self.send(cx, request).await?;
        answer
            .json()
            .map_err(|error| match cx.tool().map(crate::Spec::repeat) {
                Some(Repeat::IfUnprocessed) => super::lost_answer(error, cx),
                _ => error,
            })
    }
}

#[derive(Clone)]
struct Transport {
    provider: &'static str,
    pool: Arc<HttpPool>,
    map_error: MapError,
    pace: Option<PaceOf>,
    max_answer: usize,
}

impl Transport {
    async fn exchange(self, attempt: Attempt<HttpRequest>) -> Result<HttpResponse> {
        let client = self.pool.client()?;
        let (cx, request) = (&attempt.cx, &attempt.request);
        let _in_use = self.pool.enter(request.url()).await?;
        let token = request.token(self.provider, cx).await?;
        let request = request
            .build(&client, token.as_ref(), attempt.trace.as_ref())
            .await?;
        let mut answer = request.send().await.map_err(unsent)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| {
            bad_answer("an answer that broke off half-way")
                .status(Status::Temporary)
                .source(error.without_url())
        })? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(
                    bad_answer(&format!("more than {} MB", self.max_answer >> 20))
                        .hint("Ask for less: a smaller `limit` or fewer fields"),
                );
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(status, headers, body.freeze());
        if let Some(pace) = self.pace {
            answer.pace = pace(&answer);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let error = (self.map_error)(&answer);
        match token {
            // Refused for its token alone, so nothing was done.
            Some(token)
                if status == StatusCode::UNAUTHORIZED
                    && attempt.request.has_another(self.provider, cx, &token).await =>
            {
                Err(error
                    .status(Status::Temporary)
                    .fate(Fate::Refused)
                    .retry_after(Duration::ZERO))
            }
            _ => Err(error),
        }
    }
}

impl Service<Attempt<HttpRequest>> for Transport {
    type Response = HttpResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt<HttpRequest>) -> Self::Future {
        Box::pin(self.clone().exchange(attempt))
    }
}
