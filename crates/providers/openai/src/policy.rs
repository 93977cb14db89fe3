//! What OpenAI bears.

use business_tools_core::{Backoff, Policy, Quota, millis, secs};

/// The quota of uploads.
pub(crate) const UPLOADS: &str = "uploads";

/// Read 2026-11. Requests and tokens per minute belong to the account's tier and are not published as numbers: what
/// an answer says about them is obeyed instead, see [`crate::pace`].
pub(crate) const POLICY: Policy = Policy {
    // https://developers.openai.com/api/docs/api-reference/files: 1,000 uploads a minute for each user.
    quotas: &[Quota::named(UPLOADS, 1000, secs(60))],
    // Reasoning and images take minutes; OpenAI's own clients give a request ten.
    attempt_timeout: secs(300),
    deadline: secs(600),
    // As OpenAI's own clients do: three attempts, half a second doubling to eight.
    retry: Backoff {
        attempts: 3,
        base: millis(500),
        multiplier: 2.0,
        max: secs(8),
    },
    // Ten large images in base64.
    max_answer: 64 << 20,
    ..Policy::DEFAULT
};
