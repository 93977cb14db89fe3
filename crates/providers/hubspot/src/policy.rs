//! What HubSpot bears. Each number has its source.

use business_tools_core::{Backoff, Policy, Quota, secs};

/// The quota of the search endpoints.
pub(crate) const SEARCH: &str = "search";

/// Read 2026-11 in <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>.
pub(crate) const POLICY: Policy = Policy {
    quotas: &[
        // The smallest allowance of all plans. What is left of a larger one, the headers tell.
        Quota::all(100, secs(10)),
        // <https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm>: per account, and its
        // answers carry no headers.
        Quota::named(SEARCH, 5, secs(1)),
    ],
    in_flight: 20,
    attempt_timeout: secs(20),
    // The window rolls over ten seconds: no wait without a Retry-After need be longer.
    retry: Backoff {
        attempts: 4,
        base: secs(1),
        multiplier: 2.5,
        max: secs(10),
    },
    ..Policy::DEFAULT
};
