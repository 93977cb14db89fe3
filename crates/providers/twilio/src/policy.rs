//! What Twilio bears.

use business_tools_core::{Backoff, Policy, millis, secs};

/// Read 2026-11. There is no published number of requests a second, only a bound on requests at once.
pub(crate) const POLICY: Policy = Policy {
    in_flight: 50,
    attempt_timeout: secs(15),
    // https://www.twilio.com/docs/api/errors/20429: back off exponentially, no Retry-After to rely on.
    retry: Backoff {
        attempts: 3,
        base: millis(250),
        multiplier: 2.0,
        max: secs(4),
    },
    ..Policy::DEFAULT
};
