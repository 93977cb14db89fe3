//! `mcp_api_calls_total` and `mcp_api_latency_seconds`, for every call whatever its end.

use tokio::time::Instant;

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::call::{Call, Reply};
use crate::error::{Kind, Result};
use crate::metrics::Metrics;

/// Counts and times calls.
#[derive(Clone)]
pub struct Observe {
    metrics: Metrics,
}

impl Observe {
    /// Counts with the metrics of `env`.
    pub fn new(env: &Env) -> Self {
        Self {
            metrics: env.metrics.clone(),
        }
    }
}

impl Around<Call, Reply> for Observe {
    async fn around<S>(&self, call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        let mut open = Open {
            metrics: &self.metrics,
            tool: call.spec().name,
            started: Instant::now(),
            status: Some(Kind::Cancelled),
        };
        let outcome = next.run(call).await;
        open.status = outcome.as_ref().err().map(crate::Error::kind);
        outcome
    }
}

/// Counts when it is dropped, so that a caller who went away is counted too.
struct Open<'a> {
    metrics: &'a Metrics,
    tool: &'static str,
    started: Instant,
    status: Option<Kind>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.metrics
            .call_done(self.tool, self.status, self.started.elapsed());
    }
}
