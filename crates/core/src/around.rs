//! A layer is one async function: [`Around`] is written, a real [`tower::Layer`] comes out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
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
pub trait Around<Q, R>: Send + Sync + 'static {
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
    AroundLayer(Arc::new(around))
}

/// The [`tower::Layer`] of an [`Around`].
#[derive(Debug)]
pub struct AroundLayer<A>(Arc<A>);

impl<A> Clone for AroundLayer<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, S> Layer<S> for AroundLayer<A> {
    type Service = AroundService<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AroundService {
            around: Arc::clone(&self.0),
            inner,
        }
    }
}

/// The [`tower::Service`] of an [`Around`].
#[derive(Debug)]
pub struct AroundService<A, S> {
    // A stack is cloned for every request, and each layer again for what is further in.
    around: Arc<A>,
    inner: S,
}

impl<A, S: Clone> Clone for AroundService<A, S> {
    fn clone(&self) -> Self {
        Self {
            around: Arc::clone(&self.around),
            inner: self.inner.clone(),
        }
    }
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
        let around = Arc::clone(&self.around);
        let next = Next(self.inner.clone());
        Box::pin(async move { around.around(request, next).await })
    }
}
