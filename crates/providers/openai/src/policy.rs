//! What the API bears. Each number has its source.

use business_tools_core::{Policy, Quota, secs};

pub(crate) const POLICY: Policy = Policy {
    // <https://example.com/docs/rate-limits> (read YYYY-MM)
    quotas: &[Quota::all(10, secs(1))],
    ..Policy::DEFAULT
};
