//! What HubSpot bears. Each number has its source.

use std::time::Duration;

use business_tools_core::egress::Pace;
use business_tools_core::egress::transport::HttpResponse;
use business_tools_core::{Backoff, Policy, Quota, millis, secs};

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

/// The longest window that HubSpot has beside the day.
const WINDOW: Duration = secs(10);

/// Nothing left of the window means silence until it is over. The day's rest is left to the 429 that names it.
pub(crate) fn pace(answer: &HttpResponse) -> Pace {
    let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
    let pause = match number("x-hubspot-ratelimit-remaining") {
        Some(0) => {
            let window = number("x-hubspot-ratelimit-interval-milliseconds").map(millis);
            Some(window.unwrap_or(WINDOW).min(WINDOW))
        }
        _ => None,
    };
    Pace { pause }
}

#[cfg(test)]
mod tests {
    use business_tools_core::http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn pause(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers.iter();
        let headers: HeaderMap = headers
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        pace(&HttpResponse::new(StatusCode::OK, headers, "".into())).pause
    }

    #[test]
    fn nothing_left_is_a_pause_as_long_as_the_window() {
        let left = "x-hubspot-ratelimit-remaining";
        let window = "x-hubspot-ratelimit-interval-milliseconds";
        assert_eq!(pause(&[(left, "0"), (window, "2500")]), Some(millis(2500)));
        assert_eq!(pause(&[(left, "0")]), Some(WINDOW));
        assert_eq!(pause(&[(left, "0"), (window, "86400000")]), Some(WINDOW));
        assert_eq!(pause(&[(left, "1"), (window, "10000")]), None);
        // Search has no headers.
        assert_eq!(pause(&[]), None);
        assert_eq!(pause(&[(left, "many")]), None);
    }
}
