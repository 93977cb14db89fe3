//! Search: filters, words and order over one kind of records.

use std::collections::BTreeMap;

use business_tools_core::http::Method;
use business_tools_core::{Cx, Detail, Error, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{READ, SEARCHES};
use crate::HubSpot;
use crate::client::{Pairs, Resource};
use crate::policy::SEARCH;
use crate::types::{Names, ObjectType, wanted};
use crate::view::Record;

/// Results beyond this one cannot be reached by any page.
const REACH: u64 = 10_000;
/// Conditions in all, and in one group.
const CONDITIONS: usize = 25;
const IN_GROUP: usize = 10;
/// What is asked for where the caller says nothing.
const DEFAULT_LIMIT: u64 = 20;

// How a property compares. A doc comment would stand in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

// One condition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Name.
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]{1,120}$"))]
    property: String,
    /// Test.
    operator: Operator,
    /// For most.
    #[schemars(length(max = 3000))]
    value: Option<String>,
    /// IN, BETWEEN.
    #[schemars(length(max = 100), inner(length(max = 3000)))]
    values: Option<Vec<String>>,
    /// Number.
    #[schemars(range(min = 1, max = 5))]
    group: Option<u8>,
}

impl Filter {
    fn check(&self, at: &str, faults: &mut Faults) {
        use Operator::{Between, HasProperty, In, NotHasProperty, NotIn};
        let values = self.values.as_ref().map_or(0, Vec::len);
        let (value, list) = match self.operator {
            In | NotIn => (false, 1..=100),
            Between => (false, 2..=2),
            HasProperty | NotHasProperty => (false, 0..=0),
            _ => (true, 0..=0),
        };
        if self.value.is_some() != value {
            faults.add(
                format!("{at}/value"),
                if value {
                    "is required for this operator"
                } else {
                    "is not for this operator"
                },
            );
        }
        if !list.contains(&values) {
            let right = match self.operator {
                In | NotIn => "must have at least one value for this operator",
                Between => "must have two values, the lower and the upper bound",
                _ => "is for IN, NOT_IN and BETWEEN",
            };
            faults.add(format!("{at}/values"), right);
        }
    }

    fn body(self) -> Value {
        let mut body = json!({"propertyName": self.property, "operator": self.operator});
        match (self.operator, self.value, self.values) {
            (Operator::Between, _, Some(bounds)) => {
                let mut bounds = bounds.into_iter();
                body["value"] = bounds.next().into();
                body["highValue"] = bounds.next().into();
            }
            (_, _, Some(values)) if !values.is_empty() => body["values"] = values.into(),
            (_, Some(value), _) => body["value"] = value.into(),
            _ => {}
        }
        body
    }
}

/// Search CRM records by words and property filters.
///
/// # Notes
/// Filters of one group must all hold, and one group is enough. The index lags some seconds behind a change, and
/// reaches the first 10,000 results.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRecords {
    object_type: ObjectType,
    /// Words.
    #[schemars(length(min = 1, max = 3000))]
    query: Option<String>,
    /// ANDed; groups ORed.
    #[schemars(length(max = 25))]
    filters: Option<Vec<Filter>>,
    /// Or -property.
    #[schemars(regex(pattern = "^-?[A-Za-z0-9_.]{1,120}$"))]
    sort: Option<String>,
    properties: Option<Names>,
    /// Default 20.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u64>,
    /// `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
    /// Default summary.
    detail: Option<Detail>,
}

/// A page of a search.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The page.
    #[serde(flatten)]
    pub page: Page<Record>,
    /// Whether this is the last page although there are more results.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What cannot be reached, and how to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A page as HubSpot gives it.
#[derive(Deserialize)]
struct Answer {
    total: u64,
    results: Vec<Resource>,
    #[serde(default)]
    paging: Value,
}

impl Tool for SearchRecords {
    type Provider = HubSpot;
    type Output = Found;
    const SPEC: Spec = Spec::read("hubspot_search_records")
        .scopes(READ)
        .quota(SEARCH)
        .cached_as(SEARCHES, 10)
        .untrusted(&["properties"]);

    fn check(&self, faults: &mut Faults) {
        let filters = self.filters.as_deref().unwrap_or_default();
        if filters.len() > CONDITIONS {
            faults.add("/filters", "has more than 25 conditions");
        }
        let mut groups = BTreeMap::new();
        for (n, filter) in filters.iter().enumerate() {
            filter.check(&format!("/filters/{n}"), faults);
            *groups.entry(filter.group.unwrap_or(1)).or_insert(0) += 1;
        }
        for (group, _) in groups.into_iter().filter(|(_, count)| *count > IN_GROUP) {
            faults.add(
                "/filters",
                format!("has more than 10 conditions in group {group}"),
            );
        }
    }

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Found> {
        let after = self.cursor.as_deref().map_or(Some(0), start);
        let after =
            after.ok_or_else(|| Error::argument("/cursor", "is not a place in this search"))?;
        // The last page ends where the search does: a longer one would be refused as a whole.
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).min(REACH - after);
        let names = wanted(self.properties.as_ref(), &self.object_type);
        let mut groups: BTreeMap<u8, Vec<Value>> = BTreeMap::new();
        for filter in self.filters.into_iter().flatten() {
            groups
                .entry(filter.group.unwrap_or(1))
                .or_default()
                .push(filter.body());
        }
        let groups: Vec<_> = groups
            .into_values()
            .map(|filters| json!({"filters": filters}))
            .collect();
        let mut body = Map::new();
        if let Some(query) = self.query {
            body.insert("query".to_owned(), query.into());
        }
        body.insert("filterGroups".to_owned(), groups.into());
        // A property, or a minus and a property: text, as the description says, and not an object as some pages do.
        body.insert("sorts".to_owned(), self.sort.into_iter().collect());
        body.insert("properties".to_owned(), json!(names));
        body.insert("limit".to_owned(), limit.into());
        body.insert("after".to_owned(), after.to_string().into());
        let url = hubspot
            .client
            .crm("objects", &[self.object_type.as_str(), "search"]);
        let answer: Answer = hubspot
            .client
            .send(cx, Method::POST, url, Pairs::new(), body.into())
            .await?;
        let asked = self.properties.map(|names| names.0).unwrap_or_default();
        Ok(found(answer, &asked, self.detail))
    }
}

/// Where a page starts, if the search reaches as far.
fn start(cursor: &str) -> Option<u64> {
    cursor.parse().ok().filter(|after| *after < REACH)
}

fn found(answer: Answer, asked: &[String], detail: Option<Detail>) -> Found {
    let named = answer.paging["next"]["after"].as_str();
    let next = named
        .filter(|after| start(after).is_some())
        .map(str::to_owned);
    let items = answer.results.into_iter();
    let items = items.map(|raw| Record::of(raw, asked, detail)).collect();
    let beyond = answer.total > REACH;
    Found {
        truncated: beyond && next.is_none(),
        page: Page::new(items, next).total(answer.total),
        note: beyond.then(|| {
            format!(
                "Search reaches the first 10,000 of these {} results: narrow `filters` (such as a span of createdate) for the rest",
                answer.total
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_that_can_be_reached_says_so() {
        let page = |total: u64, after: Value| {
            let answer: Answer = serde_json::from_value(json!({
                "total": total, "results": [], "paging": {"next": {"after": after}}}))
            .unwrap();
            let found = found(answer, &[], None);
            (
                found.page.next_cursor,
                found.truncated,
                found.note.is_some(),
            )
        };
        assert_eq!(
            page(10_000, json!("20")),
            (Some("20".to_owned()), false, false)
        );
        assert_eq!(
            page(10_001, json!("9980")),
            (Some("9980".to_owned()), false, true)
        );
        assert_eq!(page(12_000, json!("10000")), (None, true, true));
        assert_eq!(page(5, Value::Null), (None, false, false));
    }
}
