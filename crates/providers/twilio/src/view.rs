//! What of Twilio's resources is shown: the members an agent uses, without empty ones, in one form of time.

use business_tools_core::Detail;
use serde::Serialize;
use serde_json::{Map, Value};

/// A resource of Twilio as it is shown.
///
/// Numbers that the API gives as text (`price`, `duration`, `num_segments`) stay text; times are RFC 3339.
#[derive(Debug, Clone, Serialize)]
pub struct View(Map<String, Value>);

impl View {
    /// The `members` of a resource that are there, or with full detail all of it.
    pub(crate) fn of(
        mut resource: Map<String, Value>,
        members: &[&str],
        detail: Option<Detail>,
    ) -> Self {
        let mut shown = Map::new();
        for member in members {
            if let Some(value) = resource
                .shift_remove(*member)
                .filter(|value| !value.is_null())
            {
                shown.insert((*member).to_owned(), value);
            }
        }
        if detail == Some(Detail::Full) {
            shown.extend(resource.into_iter().filter(|(_, value)| !value.is_null()));
        }
        for (member, value) in &mut shown {
            if (member.starts_with("date_") || member.ends_with("_time"))
                && let Some(at) = value.as_str().and_then(time)
            {
                *value = at.into();
            }
        }
        Self(shown)
    }

    /// A view of our own making.
    pub(crate) fn new(members: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self(
            members
                .into_iter()
                .map(|(member, value)| (member.to_owned(), value))
                .collect(),
        )
    }
}

/// RFC 2822, as the older API writes it, becomes RFC 3339.
fn time(text: &str) -> Option<String> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
