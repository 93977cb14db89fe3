//! Meters each attempt: the provider's own time and answer, without our waiting.

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Level, Span};

use crate::Env;
use crate::around::{Around, Inner, Next};
use crate::cx::Tried;
use crate::egress::{Attempt, Request, Response};
use crate::error::{Kind, Result};
use crate::plugin::Info;
use crate::policy::Policy;

/// Counts, times and traces requests to the provider.
#[derive(Clone)]
pub struct Observe {
    id: &'static str,
    propagates: bool,
    env: Env,
}

impl Observe {
    /// Meters the requests of one provider.
    pub fn new(info: &'static Info, policy: &Policy, env: &Env) -> Self {
        Self {
            id: info.id,
            propagates: policy.trace_propagation,
            env: env.clone(),
        }
    }

    /// The span of one attempt: what kind of request, never what it says.
    fn span<Q: Request>(&self, attempt: &Attempt<Q>) -> Span {
        // A request that belongs to no call, such as a health check, belongs to no trace.
        if attempt.cx.tool().is_none() || !tracing::span_enabled!(Level::DEBUG) {
            return Span::none();
        }
        let label = attempt.request.label();
        tracing::debug_span!(
            "attempt",
            provider = self.id,
            account = attempt.cx.account(),
            attempt = i64::from(attempt.number),
            method = &*label.method,
            route = (!label.route.is_empty()).then_some(label.route.as_str()),
            status = Empty,
            outcome = Empty,
            duration_ms = Empty,
        )
    }
}

impl<Q: Request, R: Response> Around<Attempt<Q>, R> for Observe {
    async fn around<S>(&self, mut attempt: Attempt<Q>, next: Next<S>) -> Result<R>
    where
        S: Inner<Attempt<Q>, Response = R>,
    {
        let mut open = Open {
            span: self.span(&attempt),
            started: Instant::now(),
            status: None,
            outcome: Kind::Cancelled.code(),
        };
        if self.propagates {
            let ours = self.env.traces.as_ref().and_then(|it| it.place(&open.span));
            attempt.trace = ours.or_else(|| attempt.cx.trace().cloned());
        }
        let metrics = &self.env.metrics;
        let request_id = attempt.cx.request_id().to_owned();
        let log = attempt.cx.attempts().cloned();
        let log = log.map(|log| (log, attempt.request.preview()));
        let outcome = next.run(attempt).instrument(open.span.clone()).await;
        let took = open.started.elapsed();
        let status = outcome
            .as_ref()
            .err()
            .map_or("ok", |error| Kind::code(error.kind()));
        open.outcome = status;
        open.status = match &outcome {
            Ok(answer) => answer.status().map(i64::from),
            Err(error) => error
                .details()
                .get("upstream_status")
                .and_then(serde_json::Value::as_i64),
        };
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
        open.span.in_scope(|| {
            let (outcome, status) = (open.outcome, open.status);
            tracing::debug!(
                provider = self.id,
                request_id,
                outcome,
                status,
                ?took,
                "attempt"
            );
        });
        outcome
    }
}

/// Closes the span when it is dropped, so that an attempt whose caller went away has an end too.
struct Open {
    span: Span,
    started: Instant,
    status: Option<i64>,
    outcome: &'static str,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.span.is_none() {
            return;
        }
        let took = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span.record("status", self.status);
        self.span.record("outcome", self.outcome);
        self.span.record("duration_ms", took);
    }
}
