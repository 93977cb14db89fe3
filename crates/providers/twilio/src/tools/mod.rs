//! The tools, in listing order.

pub mod calls;
pub mod messages;
pub mod numbers;
pub mod recordings;
pub mod usage;
pub mod verify;

use business_tools_core::{Faults, ToolDef, tool};

use crate::Twilio;
use crate::client::Pairs;

pub(crate) const TOOLS: &[ToolDef<Twilio>] = &[
    tool::<messages::SendMessage>(),
    tool::<messages::SendWhatsapp>(),
    tool::<messages::ListMessages>(),
    tool::<messages::GetMessage>(),
    tool::<messages::CancelMessage>(),
    tool::<messages::RedactMessage>(),
    tool::<messages::DeleteMessage>(),
    tool::<calls::MakeCall>(),
    tool::<calls::ListCalls>(),
    tool::<calls::GetCall>(),
    tool::<calls::EndCall>(),
    tool::<calls::RedirectCall>(),
    tool::<recordings::ListRecordings>(),
    tool::<numbers::ListPhoneNumbers>(),
    tool::<numbers::LookupPhoneNumber>(),
    tool::<verify::StartVerification>(),
    tool::<verify::CheckVerification>(),
    tool::<usage::GetUsage>(),
];

const READ: &[&str] = &["twilio:read"];
const WRITE: &[&str] = &["twilio:write"];

/// E.164.
const NUMBER: &str = r"^\+[1-9]\d{1,14}$";

/// Whether a text is E.164.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Adds a parameter if it was given.
fn put(pairs: &mut Pairs, name: &'static str, value: Option<impl ToString>) {
    if let Some(value) = value {
        pairs.push((name, value.to_string()));
    }
}

/// How many of some alternatives were given.
fn given(alternatives: &[bool]) -> usize {
    alternatives.iter().filter(|given| **given).count()
}

/// The first moment of a day, `2026-01-31`, or an instant.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    if text.len() != 10 {
        return text.parse().ok();
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let start = day.at(0, 0, 0, 0);
    jiff::tz::Offset::UTC.to_timestamp(start).ok()
}

/// A span of time, given by the arguments `name_after` and `name_before`.
fn span(name: &str, after: Option<&str>, before: Option<&str>, faults: &mut Faults) {
    let mut read = |end: &str, text: Option<&str>| {
        let found = moment(text?);
        if found.is_none() {
            let at = format!("/{name}_{end}");
            faults.add(
                at,
                "must be a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z",
            );
        }
        found
    };
    let (after, before) = (read("after", after), read("before", before));
    if let (Some(after), Some(before)) = (after, before)
        && after > before
    {
        faults.add(
            format!("/{name}_after"),
            format!("is later than `{name}_before`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_are_moments_and_nothing_else_is() {
        for text in [
            "2026-01-31",
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.5+01:00",
        ] {
            assert!(moment(text).is_some(), "{text}");
        }
        for text in [
            "",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "yesterday",
            "2026-01-31T12:00",
        ] {
            assert!(moment(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_number_is_e164() {
        for number in ["+14155552345", "+49", "+123456789012345"] {
            assert!(is_number(number), "{number}");
        }
        for text in [
            "",
            "+",
            "+1",
            "14155552345",
            "+0155",
            "+1 415",
            "+1234567890123456",
            "a@b",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn every_fault_of_a_span_has_its_place() {
        let told = |after, before| {
            let mut faults = Faults::default();
            span("sent", after, before, &mut faults);
            faults
                .into_result()
                .err()
                .map(|error| error.message().to_owned())
        };
        assert_eq!(told(Some("2026-01-01"), Some("2026-01-01")), None);
        assert_eq!(told(None, None), None);
        let both = told(Some("x"), Some("y")).unwrap();
        assert!(
            both.contains("/sent_after") && both.contains("/sent_before"),
            "{both}"
        );
        let late = told(Some("2026-01-02"), Some("2026-01-01")).unwrap();
        assert!(late.contains("later than `sent_before`"), "{late}");
    }
}
