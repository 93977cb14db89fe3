//! A layer is one async function: [`Around`] is written, a real [`tower::Layer`] comes out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower::{Layer, Service, ServiceExt};

use crate::error::{Error, Result};

/// What can stand inside a layer: a service that is cloned for each request.
pub trait Inner<Q>:
    Service<Q, Error = Error, Future: Send, Response: Send + 'static> + Clone + Send + Sync + 'static
{
}

impl<Q, S> Inner<Q> for S where
    S: Service<Q, Error = Error, Future: Send, Response: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A layer as one function around the rest of the stack.
pub trait Around<Q, R>: Clone + Send + Sync + 'static {
    /// Handles a request; `next` is everything further in, and may be run never, once or often.
    fn around<S>(&self, request: Q, next: Next<S>) -> impl Future<Output = Result<R>> + Send
    where
        S: Inner<Q, Response = R>;
}

/// The rest of the stack.
#[derive(Clone)]
pub struct Next<S>(S);

impl<S> Next<S> {
    /// Runs the rest of the stack.
    pub async fn run<Q>(&self, request: Q) -> Result<S::Response>
    where
        S: Inner<Q>,
    {
        self.0.clone().oneshot(request).await
    }
}

/// Makes a [`tower::Layer`] of an [`Around`].
pub fn around<A>(around: A) -> AroundLayer<A> {
    AroundLayer(around)
}

/// The [`tower::Layer`] of an [`Around`].
#[derive(Debug, Clone)]
pub struct AroundLayer<A>(A);

impl<A: Clone, S> Layer<S> for AroundLayer<A> {
    type Service = AroundService<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AroundService {
            around: self.0.clone(),
            inner,
        }
    }
}

/// The [`tower::Service`] of an [`Around`].
#[derive(Debug, Clone)]
pub struct AroundService<A, S> {
    around: A,
    inner: S,
}

impl<A, S, Q> Service<Q> for AroundService<A, S>
where
    Q: Send + 'static,
    S: Inner<Q>,
    A: Around<Q, S::Response>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        // Every request runs on a clone of its own, which waits for its own readiness.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let around = self.around.clone();
        let next = Next(self.inner.clone());
        Box::pin(async move { around.around(request, next).await })
    }
}
