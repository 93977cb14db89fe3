//! What the metrics tell of the state: read when they are asked for.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use super::State;

/// What a store counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Requests that it did not do.
    pub failures: u64,
    /// Processes that share it and live, as far as is known.
    pub replicas: u32,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            failures: 0,
            replicas: 1,
        }
    }
}

/// `mcp_state_up{store}`, `mcp_state_failures_total{store}` and `mcp_state_replicas{store}`.
pub struct StateMetrics {
    state: State,
    up: IntGaugeVec,
    replicas: IntGaugeVec,
    failures: IntCounterVec,
}

impl StateMetrics {
    /// Those of a state.
    ///
    /// # Errors
    /// Never in practice: the names are fixed and well-formed.
    pub fn new(state: State) -> Result<Self, prometheus::Error> {
        let opts = |name: &str, help: &str| Opts::new(name, help);
        Ok(Self {
            state,
            up: IntGaugeVec::new(
                opts(
                    "mcp_state_up",
                    "Whether the store of state does what it is asked",
                ),
                &["store"],
            )?,
            replicas: IntGaugeVec::new(
                opts(
                    "mcp_state_replicas",
                    "Processes that share the store and live",
                ),
                &["store"],
            )?,
            failures: IntCounterVec::new(
                opts(
                    "mcp_state_failures_total",
                    "Requests that the store did not do",
                ),
                &["store"],
            )?,
        })
    }
}

impl Collector for StateMetrics {
    fn desc(&self) -> Vec<&Desc> {
        [self.up.desc(), self.replicas.desc(), self.failures.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some((name, trouble)) = self.state.look() else {
            return Vec::new();
        };
        let figures = self.state.store().figures();
        let label = &[name];
        self.up
            .with_label_values(label)
            .set(i64::from(trouble.is_none()));
        self.replicas
            .with_label_values(label)
            .set(i64::from(figures.replicas));
        let failures = self.failures.with_label_values(label);
        failures.inc_by(figures.failures.saturating_sub(failures.get()));
        [
            self.up.collect(),
            self.replicas.collect(),
            self.failures.collect(),
        ]
        .concat()
    }
}
