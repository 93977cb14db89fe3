//! Times the way providers write them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// `2026-03-01T12:30:05Z`, whole seconds.
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-03-01T12:30:05.042Z`.
pub fn rfc3339_millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `Sun, 01 Mar 2026 12:30:05 +0000`: two digits for the day and `+0000` for UTC, as mail and most
/// APIs write it. (jiff's own printer writes one digit and, for timestamps, `-0000`.)
pub fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Read either form back.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| rfc2822::DateTimeParser::new().parse_timestamp(text).ok())
}

/// `2026-03-01`, in UTC.
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_providers_write_them() {
        let at: Timestamp = "2026-03-01T12:30:05.042Z".parse().unwrap();
        assert_eq!(rfc3339(at), "2026-03-01T12:30:05Z");
        assert_eq!(rfc3339_millis(at), "2026-03-01T12:30:05.042Z");
        assert_eq!(rfc2822(at), "Sun, 01 Mar 2026 12:30:05 +0000");
        assert_eq!(date(at), "2026-03-01");
    }

    #[test]
    fn both_forms_are_read_back() {
        let at = parse("2026-03-01T12:30:05Z").unwrap();
        assert_eq!(parse(&rfc2822(at)), Some(at));
        assert_eq!(parse("Sun, 01 Mar 2026 14:30:05 +0200"), Some(at));
        assert_eq!(parse("yesterday"), None);
    }
}
