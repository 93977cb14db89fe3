//! What the rate limit headers say.

use std::time::Duration;

use business_tools_core::egress::Pace;
use business_tools_core::egress::transport::HttpResponse;

/// The longest silence. The headers name the time until a limit is full again, but limits refill steadily and most
/// of them count minutes; and they belong to one model, while a pause holds for the whole account.
const LONGEST: Duration = Duration::from_mins(1);

/// A pause when the requests or the tokens of the minute are used up, and never before.
pub(crate) fn pace(answer: &HttpResponse) -> Pace {
    let wait = |unit: &str| {
        let left = answer.header(&format!("x-ratelimit-remaining-{unit}"))?;
        if left.trim() != "0" {
            return None;
        }
        span(answer.header(&format!("x-ratelimit-reset-{unit}"))?)
    };
    let pause = wait("requests").max(wait("tokens"));
    Pace {
        pause: pause
            .filter(|pause| !pause.is_zero())
            .map(|pause| pause.min(LONGEST)),
    }
}

/// A duration as the headers write it: `1s`, `6m0s`, `120ms`, `1h30m`, `8.64s`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let split = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(split);
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let scale = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = next;
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use business_tools_core::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use bytes::Bytes;

    use super::*;

    fn paused(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let answer = HttpResponse::new(StatusCode::OK, headers, Bytes::new());
        pace(&answer).pause
    }

    #[test]
    fn durations_are_read_as_the_headers_write_them() {
        for (text, millis) in [
            ("1s", 1_000),
            ("6m0s", 360_000),
            ("120ms", 120),
            ("8.64s", 8_640),
            ("1h30m", 5_400_000),
            ("0s", 0),
        ] {
            assert_eq!(span(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "1", "s", "1 s", "soon", "1y", "-1s", "1.2.3s", "1e400s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_used_up_limit_pauses_and_never_for_longer_than_a_minute() {
        let full = [
            ("x-ratelimit-remaining-requests", "1"),
            ("x-ratelimit-reset-requests", "9s"),
        ];
        assert_eq!(paused(&full), None);
        let none = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "2s"),
        ];
        assert_eq!(paused(&none), Some(Duration::from_secs(2)));
        let both = [
            &none[..],
            &[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
        ]
        .concat();
        assert_eq!(paused(&both), Some(LONGEST));
        assert_eq!(paused(&[("x-ratelimit-remaining-tokens", "0")]), None);
        let now = [
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "0s"),
        ];
        assert_eq!(paused(&now), None);
    }
}
