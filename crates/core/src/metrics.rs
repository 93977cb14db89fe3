//! Prometheus metrics, registered with a registry that is handed in. Labels are bounded: never ids, never input.

use std::time::Duration;

use prometheus::{
    CounterVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use crate::cx::Cx;
use crate::error::Kind;
use crate::pools::ConnectionPoolManager;

const BUCKETS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Every metric of the call plane and the attempt plane.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// `mcp_api_calls_total{tool,status}`
    pub calls: IntCounterVec,
    /// `mcp_api_latency_seconds{tool}`
    pub latency: HistogramVec,
    /// `mcp_active_connections{service}`
    pub connections: IntGaugeVec,
    /// `mcp_connections_opened_total{service}`
    pub opened: IntCounterVec,
    /// `mcp_provider_requests_total{provider,status}`
    pub requests: IntCounterVec,
    /// `mcp_provider_latency_seconds{provider}`
    pub request_latency: HistogramVec,
    /// `mcp_cache_requests_total{provider,result}`
    pub cache: IntCounterVec,
    /// `mcp_retries_total{provider}`
    pub retries: IntCounterVec,
    /// `mcp_rate_limit_waits_seconds{provider}`
    pub waits: HistogramVec,
    /// `mcp_circuit_state{provider,account}`: 0 closed, 1 half open, 2 open
    pub circuit: IntGaugeVec,
    /// `mcp_auth_failures_total{reason}`: `missing`, `malformed`, `unknown`
    pub auth_failures: IntCounterVec,
    /// `mcp_cost_usd_total{provider,tool}`
    pub cost: CounterVec,
}

impl Metrics {
    /// Registers the metrics, those of `pools` among them.
    ///
    /// # Errors
    /// When `registry` holds metrics of these names already.
    pub fn new(
        registry: Registry,
        pools: &ConnectionPoolManager,
    ) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            let opts = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
            let histogram = HistogramVec::new(opts, labels)?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let connections = IntGaugeVec::new(
            Opts::new(
                "mcp_active_connections",
                "Connections in use over HTTP, and open in the pools of drivers",
            ),
            &["service"],
        )?;
        registry.register(Box::new(pools.shown(connections.clone())))?;
        let cost = CounterVec::new(
            Opts::new(
                "mcp_cost_usd_total",
                "What providers charged, in US dollars",
            ),
            &["provider", "tool"],
        )?;
        registry.register(Box::new(cost.clone()))?;
        Ok(Self {
            calls: counter("mcp_api_calls_total", "Tool calls", &["tool", "status"])?,
            latency: histogram("mcp_api_latency_seconds", "Tool call latency", &["tool"])?,
            connections,
            opened: counter(
                "mcp_connections_opened_total",
                "Connections that were made over HTTP",
                &["service"],
            )?,
            requests: counter(
                "mcp_provider_requests_total",
                "Requests to providers, retries included",
                &["provider", "status"],
            )?,
            request_latency: histogram(
                "mcp_provider_latency_seconds",
                "The provider's own time per request",
                &["provider"],
            )?,
            cache: counter(
                "mcp_cache_requests_total",
                "Cache look-ups",
                &["provider", "result"],
            )?,
            retries: counter("mcp_retries_total", "Requests tried again", &["provider"])?,
            waits: histogram(
                "mcp_rate_limit_waits_seconds",
                "Time spent waiting for the rate limit",
                &["provider"],
            )?,
            auth_failures: counter(
                "mcp_auth_failures_total",
                "Callers over HTTP that were not let in",
                &["reason"],
            )?,
            circuit: gauge(
                "mcp_circuit_state",
                "0 closed, 1 half open, 2 open",
                &["provider", "account"],
            )?,
            cost,
            registry,
        })
    }

    /// The registry, for the page that shows them.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn call_done(&self, tool: &str, failure: Option<Kind>, time: Duration) {
        let word = failure.map_or("ok", Kind::code);
        self.calls.with_label_values(&[tool, word]).inc();
        self.latency
            .with_label_values(&[tool])
            .observe(time.as_secs_f64());
    }
}

/// What one provider's calls cost, in US dollars.
#[derive(Clone, Debug)]
pub struct Spend {
    provider: &'static str,
    cost: CounterVec,
}

impl Spend {
    pub(crate) fn new(provider: &'static str, metrics: &Metrics) -> Self {
        Self {
            provider,
            cost: metrics.cost.clone(),
        }
    }

    /// Adds what a call cost. What is no amount of money counts as nothing.
    pub fn add(&self, cx: &Cx, usd: f64) {
        if usd.is_finite() && usd > 0.0 {
            let tool = cx.tool().map_or("none", |spec| spec.name);
            self.cost
                .with_label_values(&[self.provider, tool])
                .inc_by(usd);
        }
    }
}
