//! Meters each attempt: the provider's own time and answer, without our waiting.

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::cx::Tried;
use crate::egress::{Attempt, Request, Response};
use crate::error::{Kind, Result};
use crate::plugin::Info;

/// Counts and times requests to the provider.
#[derive(Clone)]
pub struct Observe {
    id: &'static str,
    env: Env,
}

impl Observe {
    /// Meters the requests of one provider.
    pub fn new(info: &'static Info, env: &Env) -> Self {
        Self {
            id: info.id,
            env: env.clone(),
        }
    }
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Observe {
    async fn around<S>(&self, attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        let metrics = &self.env.metrics;
        let request_id = attempt.cx.request_id().to_owned();
        let log = attempt.cx.attempts().cloned();
        let log = log.map(|log| (log, attempt.request.preview()));
        let started = tokio::time::Instant::now();
        let outcome = next.run(attempt).await;
        let took = started.elapsed();
        let status = outcome
            .as_ref()
            .err()
            .map_or("ok", |error| Kind::code(error.kind()));
        metrics.requests.with_label_values(&[self.id, status]).inc();
        metrics
            .request_latency
            .with_label_values(&[self.id])
            .observe(took.as_secs_f64());
        if let Some((log, request)) = log {
            log.add(Tried {
                request,
                failure: outcome.as_ref().err().cloned(),
                took,
            });
        }
        tracing::debug!(provider = self.id, request_id, status, ?took, "attempt");
        outcome
    }
}
