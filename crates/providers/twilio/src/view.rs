//! What of Twilio's resources is shown: the members an agent uses, without empty ones, in one form of time.

use business_tools_core::{Detail, Page};
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
        // A currency of nothing: most things have a price only later.
        if !shown.contains_key("price") {
            shown.shift_remove("price_unit");
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

    /// A page of resources, each shown in the same way.
    pub(crate) fn page(
        page: Page<Map<String, Value>>,
        members: &[&str],
        detail: Option<Detail>,
    ) -> Page<Self> {
        let items = page.items.into_iter();
        let items = items.map(|resource| Self::of(resource, members, detail));
        Page::new(items.collect(), page.next_cursor)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(resource: Value, detail: Option<Detail>) -> Value {
        let Value::Object(resource) = resource else {
            panic!("an object");
        };
        let view = View::of(
            resource,
            &["sid", "price", "price_unit", "date_sent"],
            detail,
        );
        serde_json::to_value(view).unwrap()
    }

    #[test]
    fn what_is_not_there_is_left_out_and_times_have_one_form() {
        let message = json!({"uri": "/x", "sid": "SM1", "price": null, "price_unit": "USD",
                             "date_sent": "Thu, 24 Aug 2023 05:01:45 +0000"});
        assert_eq!(
            shown(message.clone(), None),
            json!({"sid": "SM1", "date_sent": "2023-08-24T05:01:45Z"})
        );
        assert_eq!(shown(message, Some(Detail::Full))["uri"], "/x");
        let paid = json!({"price": "-0.0079", "price_unit": "USD"});
        assert_eq!(shown(paid.clone(), None), paid);
    }

    #[test]
    fn a_time_in_another_form_stays_as_it_is() {
        for text in ["2023-08-24T05:01:45Z", "", "soon"] {
            assert_eq!(shown(json!({"date_sent": text}), None)["date_sent"], text);
        }
        // Twilio means UTC, whatever offset it writes.
        let west = json!({"date_sent": "Thu, 24 Aug 2023 00:01:45 -0500"});
        assert_eq!(shown(west, None)["date_sent"], "2023-08-24T05:01:45Z");
    }
}
