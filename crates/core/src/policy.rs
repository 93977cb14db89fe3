//! What an upstream bears, as plain data: quotas, time-outs, retries, breaker.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Seconds, for policies written as constants.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Milliseconds, for policies written as constants.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// So many requests in a window. Several hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The name a tool refers to with [`Spec::quota`](crate::Spec::quota); empty means every request.
    pub name: &'static str,
    /// Requests per window.
    pub requests: u32,
    /// The window.
    pub window: Duration,
}

impl Quota {
    /// A quota on every request.
    pub const fn all(requests: u32, window: Duration) -> Self {
        Self {
            name: "",
            requests,
            window,
        }
    }

    /// A quota on the requests of the tools that name it.
    pub const fn named(name: &'static str, requests: u32, window: Duration) -> Self {
        Self {
            name,
            requests,
            window,
        }
    }
}

/// How often and after which waits a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// The longest first wait; the real one is drawn between zero and this (full jitter).
    pub base: Duration,
    /// By how much the wait grows each time.
    pub multiplier: f64,
    /// No wait is longer, unless the provider asks for it.
    pub max: Duration,
}

/// When a circuit opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one probe is let through.
    pub recovery: Duration,
}

/// The connections to the hosts of one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connections {
    /// Requests that use a host's connections at once, whosever they are.
    pub max_per_host: u32,
    /// Connections to a host that are kept open while nobody uses them.
    pub max_idle_per_host: u32,
    /// How long a connection that nobody uses is kept open.
    pub idle_timeout: Duration,
    /// How long one may take to be made, or one of a full host to become free.
    pub connect_timeout: Duration,
    /// How long a connection may be silent before the other side is asked whether it is there; zero never asks.
    pub keep_alive: Duration,
    /// Whether HTTP/2 is spoken with hosts that offer it.
    pub http2: bool,
}

impl Connections {
    /// What holds where nobody says anything else.
    pub const DEFAULT: Self = Self {
        max_per_host: 256,
        max_idle_per_host: 32,
        idle_timeout: secs(60),
        connect_timeout: secs(10),
        keep_alive: secs(30),
        http2: true,
    };

    /// The same with the operator's numbers.
    pub fn with(mut self, over: &ConnectionRules) -> Self {
        if let Some(n) = over.max_per_host {
            self.max_per_host = n.max(1);
        }
        if let Some(n) = over.max_idle_per_host {
            self.max_idle_per_host = n;
        }
        if let Some(Span(d)) = over.idle_timeout {
            self.idle_timeout = d;
        }
        if let Some(Span(d)) = over.connect_timeout {
            self.connect_timeout = d;
        }
        if let Some(Span(d)) = over.keep_alive {
            self.keep_alive = d;
        }
        if let Some(yes) = over.http2 {
            self.http2 = yes;
        }
        self
    }
}

/// Everything the two planes need to know about a provider. The operator may override each number.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The provider's documented limits.
    pub quotas: &'static [Quota],
    /// Requests in flight at once, per tenant and account.
    pub in_flight: usize,
    /// The time for a whole call, retries and waits included.
    pub deadline: Duration,
    /// The time for one attempt.
    pub attempt_timeout: Duration,
    /// Retries.
    pub retry: Backoff,
    /// The circuit breaker.
    pub breaker: Trip,
    /// The largest answer that is read, in bytes.
    pub max_answer: usize,
    /// Requests per second the operator allows on top of `quotas`; `None` means no further limit.
    pub requests_per_second: Option<u32>,
    /// The connections to its hosts.
    pub connections: Connections,
    /// Whether requests carry the trace that they belong to (`traceparent`, `tracestate`).
    pub trace_propagation: bool,
}

impl Policy {
    /// What holds where a provider says nothing else.
    pub const DEFAULT: Self = Self {
        quotas: &[],
        in_flight: 32,
        deadline: secs(45),
        attempt_timeout: secs(15),
        retry: Backoff {
            attempts: 3,
            base: millis(200),
            multiplier: 2.0,
            max: secs(5),
        },
        breaker: Trip {
            failures: 5,
            recovery: secs(60),
        },
        max_answer: 8 << 20,
        requests_per_second: None,
        connections: Connections::DEFAULT,
        trace_propagation: false,
    };

    /// The policy with the operator's numbers in place of the provider's.
    pub fn with(mut self, over: &Overrides) -> Self {
        let Overrides {
            rate_limits,
            retry,
            circuit_breaker,
            timeouts,
            connections,
            trace_propagation,
        } = over;
        if let Some(n) = rate_limits.requests_per_second {
            self.requests_per_second = Some(n);
        }
        if let Some(n) = rate_limits.max_in_flight {
            self.in_flight = n;
        }
        if let Some(n) = retry.max_attempts {
            self.retry.attempts = n.max(1);
        }
        if let Some(n) = retry.backoff_multiplier {
            self.retry.multiplier = n;
        }
        if let Some(Span(d)) = retry.base_delay {
            self.retry.base = d;
        }
        if let Some(Span(d)) = retry.max_delay {
            self.retry.max = d;
        }
        if let Some(n) = circuit_breaker.failure_threshold {
            self.breaker.failures = n.max(1);
        }
        if let Some(Span(d)) = circuit_breaker.recovery_timeout {
            self.breaker.recovery = d;
        }
        if let Some(Span(d)) = timeouts.call {
            self.deadline = d;
        }
        if let Some(Span(d)) = timeouts.attempt {
            self.attempt_timeout = d;
        }
        self.connections = self.connections.with(connections);
        if let Some(on) = trace_propagation {
            self.trace_propagation = *on;
        }
        self
    }
}

/// The operator's numbers: the members of a provider block that all providers share.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// How many requests there may be.
    pub rate_limits: RateLimits,
    /// How often a failed request is tried again.
    pub retry: Retries,
    /// When a failing provider is left alone.
    pub circuit_breaker: Breaker,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// The connections to the provider's hosts, where they differ from those of all providers.
    pub connections: ConnectionRules,
    /// Whether requests tell the provider which trace they belong to. It learns the ids of your traces, and what
    /// your other systems put into `tracestate`: for gateways and services of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_propagation: Option<bool>,
}

/// `rate_limits` of a provider block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// Requests per second, per tenant and account.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Requests in flight at once.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<usize>,
}

/// `retry` of a provider block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// Attempts in all.
    #[schemars(range(min = 1, max = 20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Growth of the waits.
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_multiplier: Option<f64>,
    /// Longest first wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_delay: Option<Span>,
    /// Longest wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<Span>,
}

/// `circuit_breaker` of a provider block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row that open the circuit.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    /// Time until a probe is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_timeout: Option<Span>,
}

/// `timeouts` of a provider block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// A whole call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Span>,
    /// One attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Span>,
}

/// `connections`, of all providers or of a provider block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionRules {
    /// Requests that use a host's connections at once; MongoDB: the size of the pool.
    #[schemars(range(min = 1, max = 65536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_host: Option<u32>,
    /// Connections to a host that are kept open while nobody uses them.
    #[schemars(range(max = 65536))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle_per_host: Option<u32>,
    /// How long a connection that nobody uses is kept open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// How long a connection may take to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// How long a connection may be silent before the other side is asked whether it is there; 0 never asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<Span>,
    /// Whether HTTP/2 is spoken with hosts that offer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2: Option<bool>,
}

impl ConnectionRules {
    /// These, and where they say nothing, those of all providers.
    pub fn or(self, all: &Self) -> Self {
        Self {
            max_per_host: self.max_per_host.or(all.max_per_host),
            max_idle_per_host: self.max_idle_per_host.or(all.max_idle_per_host),
            idle_timeout: self.idle_timeout.or(all.idle_timeout),
            connect_timeout: self.connect_timeout.or(all.connect_timeout),
            keep_alive: self.keep_alive.or(all.keep_alive),
            http2: self.http2.or(all.http2),
        }
    }
}

/// The longest span: longer ones overflow clocks, and nobody means them.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// A length of time as people write it: `500ms`, `30s`, `5m`, `1h`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"],
            "pattern": r"^ *[0-9]+(\.[0-9]+)? *(ms|s|m|h|d)? *$",
            "minimum": 0,
            "x-span": true,
        })
    }
}

impl std::fmt::Display for Span {
    /// As it would be written: in the largest unit that leaves no fraction.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        let units = [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
        ];
        match units
            .iter()
            .find(|(_, unit)| millis != 0 && millis.is_multiple_of(*unit))
        {
            Some((name, unit)) => write!(f, "{}{name}", millis / unit),
            None if millis == 0 => f.write_str("0s"),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let split = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let scale = match unit.trim() {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => {
                return Err(format!(
                    "`{text}` is not a length of time; write 500ms, 30s, 5m or 1h"
                ));
            }
        };
        number
            .parse::<f64>()
            .ok()
            .and_then(|n| Duration::try_from_secs_f64(n * scale).ok())
            .filter(|span| *span <= LONGEST)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a length of time; write 500ms, 30s, 5m or 1h"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(f64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(n) => Duration::try_from_secs_f64(n)
                .ok()
                .filter(|span| *span <= LONGEST)
                .map(Self)
                .ok_or_else(|| serde::de::Error::custom("must be between 0 and a year")),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, want) in [
            ("500ms", Some(millis(500))),
            ("30s", Some(secs(30))),
            (" 1.5 m ", Some(secs(90))),
            ("1h", Some(secs(3600))),
            ("1d", Some(secs(86400))),
            ("7", Some(secs(7))),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1 fortnight", None),
            ("1e300", None),
            ("99999999999999999999s", None),
            ("NaN", None),
        ] {
            assert_eq!(text.parse::<Span>().ok().map(|span| span.0), want, "{text}");
        }
        assert!(serde_json::from_str::<Span>("1e300").is_err());
        assert!(serde_json::from_str::<Span>("-1").is_err());
        assert_eq!(serde_json::from_str::<Span>("2.5").unwrap().0, millis(2500));
    }

    #[test]
    fn lengths_of_time_are_shown_as_they_are_written() {
        for text in ["500ms", "30s", "90s", "5m", "1h", "7d", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("60s".parse::<Span>().unwrap().to_string(), "1m");
    }

    #[test]
    fn the_operators_numbers_replace_single_ones() {
        let over: Overrides = serde_json::from_value(serde_json::json!({
            "rate_limits": {"requests_per_second": 9, "max_in_flight": 2},
            "retry": {"max_attempts": 1},
            "timeouts": {"attempt": "3s"},
        }))
        .unwrap();
        let policy = Policy::DEFAULT.with(&over);
        assert_eq!((policy.requests_per_second, policy.in_flight), (Some(9), 2));
        assert_eq!(
            (policy.retry.attempts, policy.retry.base),
            (1, Policy::DEFAULT.retry.base)
        );
        assert_eq!(
            (policy.attempt_timeout, policy.deadline),
            (secs(3), Policy::DEFAULT.deadline)
        );
        let unknown = serde_json::json!({"retry": {"attempts": 1}});
        assert!(serde_json::from_value::<Overrides>(unknown).is_err());
    }
}
