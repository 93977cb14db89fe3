//! What a MongoDB deployment bears, as far as anyone can say beforehand.

use business_tools_core::{Backoff, Connections, Policy, millis, secs};

/// The protocol has no quotas: what is bounded here is our own share of the server.
pub(crate) const POLICY: Policy = Policy {
    in_flight: 32,
    deadline: secs(60),
    // Above the default `max_time_ms`, so that the server's own time-out is heard first.
    attempt_timeout: secs(35),
    // Waiting for a server is the driver's part of an attempt; one more try is for what broke half-way.
    retry: Backoff {
        attempts: 2,
        base: millis(200),
        multiplier: 2.0,
        max: secs(2),
    },
    // What the connection string says is stronger.
    connections: Connections {
        max_per_host: 16,
        // Authenticating anew costs more than keeping: what firewalls forget silently is soon enough.
        idle_timeout: secs(300),
        connect_timeout: secs(5),
        ..Connections::DEFAULT
    },
    ..Policy::DEFAULT
};

/// How long a server is looked for when the connection string says nothing. The driver's own 30 s
/// would use up half a call.
pub(crate) const SERVER_SELECTION: std::time::Duration = secs(5);
