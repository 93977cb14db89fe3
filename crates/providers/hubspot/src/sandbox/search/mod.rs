//! Search: filters, words, order and pages.

mod filter;
mod value;
mod words;

use std::cmp::Ordering;

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::{self, Body, Desk};
use super::kinds::Type;
use super::record::{Record, Wanted};
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::{objects, paged};
use filter::{Filter, Test};
use value::Comparable;

/// Results of one page, and those that can be reached at all.
const MOST: u64 = 200;
const REACH: u64 = 10_000;
/// Groups, filters in one, and filters in all.
const GROUPS: usize = 5;
const FILTERS: usize = 10;
const ALL_FILTERS: usize = 25;
const LONGEST_QUERY: usize = 3000;

#[derive(Deserialize)]
pub(super) struct Named {
    object_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Search {
    query: Option<String>,
    filter_groups: Vec<Group>,
    /// The filters of a single group may stand alone.
    filters: Vec<Filter>,
    sorts: Vec<Sort>,
    properties: Vec<String>,
    limit: Value,
    after: Value,
}

#[derive(Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

/// `name`, `-name`, or with the direction in words.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sort {
    Short(String),
    #[serde(rename_all = "camelCase")]
    Long {
        property_name: String,
        direction: Option<String>,
    },
}

pub(super) async fn search(
    desk: Desk,
    Path(named): Path<Named>,
    Body(search): Body<Search>,
) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let size = number(&search.limit, "limit", 10)?;
    if size > MOST {
        return Err(Refusal::invalid(format!(
            "Invalid limit {size}: it must be at most {MOST}"
        )));
    }
    let after = number(&search.after, "after", 0)?;
    if after + size > REACH {
        return Err(Refusal::invalid(format!(
            "The results of a search end at {REACH}: `after` {after} with `limit` {size} is beyond it"
        )));
    }
    desk.with(|account| {
        let found = found(account, &kind, &search)?;
        let wanted = Wanted {
            properties: search.properties.clone(),
            history: Vec::new(),
        };
        let (start, size) = (to_usize(after), to_usize(size));
        let results: Vec<Value> = found
            .iter()
            .skip(start)
            .take(size)
            .map(|record| objects::show(account, &kind, record, desk.portal(), &wanted))
            .collect();
        let next = start + results.len();
        let more = next < found.len() && !results.is_empty();
        let mut body = json!({"total": found.len(), "results": results});
        if more {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(json::ok(&body))
    })
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A number that may be written as text.
fn number(value: &Value, name: &str, default: u64) -> Answer<u64> {
    let text = desk::text(value).unwrap_or_default();
    match text.parse::<u64>() {
        Ok(number) => Ok(number.min(u64::from(u32::MAX))),
        Err(_) if value.is_null() || text.is_empty() => Ok(default),
        Err(_) if name == "after" => Err(paged::bad_cursor(&text)),
        Err(_) => Err(Refusal::invalid(format!("Invalid {name} {text}"))),
    }
}

/// Everything that fits, in order.
fn found<'a>(account: &'a Account, kind: &Type, search: &Search) -> Answer<Vec<&'a Record>> {
    let groups = groups(account, kind, search)?;
    let order = order(account, kind, &search.sorts)?;
    let query = search.query.as_deref().unwrap_or_default();
    if query.chars().count() > LONGEST_QUERY {
        return Err(Refusal::invalid(format!(
            "`query` is longer than {LONGEST_QUERY} characters"
        )));
    }
    let words = words::of_query(query);
    let records = account.all(kind).into_iter().flat_map(|all| all.values());
    let fits = |record: &&Record| {
        record.archived.is_none()
            && (groups.is_empty()
                || groups
                    .iter()
                    .any(|tests| tests.iter().all(|test| test.holds(account, kind, record))))
            && words::hold(kind, record, &words)
    };
    let mut found: Vec<&Record> = records.filter(fits).collect();
    if let Some(order) = order {
        found.sort_by(|a, b| order.compare(a, b));
    }
    Ok(found)
}

fn groups(account: &Account, kind: &Type, search: &Search) -> Answer<Vec<Vec<Test>>> {
    let alone = (!search.filters.is_empty()).then_some(&search.filters);
    let all: Vec<&Vec<Filter>> = search
        .filter_groups
        .iter()
        .map(|group| &group.filters)
        .chain(alone)
        .collect();
    if all.len() > GROUPS {
        return Err(too_many("filterGroups", GROUPS, all.len()));
    }
    if let Some(long) = all.iter().find(|filters| filters.len() > FILTERS) {
        return Err(too_many("filters in a group", FILTERS, long.len()));
    }
    let count = all.iter().map(|filters| filters.len()).sum();
    if count > ALL_FILTERS {
        return Err(too_many("filters in all", ALL_FILTERS, count));
    }
    let tests = |filters: &Vec<Filter>| {
        filters
            .iter()
            .map(|filter| filter.test(account, kind))
            .collect()
    };
    all.into_iter()
        .filter(|filters| !filters.is_empty())
        .map(tests)
        .collect()
}

fn too_many(what: &str, most: usize, count: usize) -> Refusal {
    Refusal::invalid(format!(
        "Too many {what}: at most {most} are allowed, got {count}"
    ))
}

/// One property, up or down.
struct Order {
    property: String,
    shape: super::fields::Shape,
    down: bool,
}

impl Order {
    /// Records without a value come last, and equal ones stay in the order they were made.
    fn compare(&self, a: &Record, b: &Record) -> Ordering {
        let value = |record: &Record| Some(Comparable::of(self.shape, record.get(&self.property)?));
        match (value(a), value(b)) {
            (Some(a), Some(b)) if self.down => b.compare(&a),
            (Some(a), Some(b)) => a.compare(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

fn order(account: &Account, kind: &Type, sorts: &[Sort]) -> Answer<Option<Order>> {
    let sort = match sorts {
        [] => return Ok(None),
        [sort] => sort,
        _ => return Err(too_many("sorts", 1, sorts.len())),
    };
    let (property, down) = match sort {
        Sort::Short(text) => match text.strip_prefix('-') {
            Some(property) => (property, true),
            None => (text.as_str(), false),
        },
        Sort::Long {
            property_name,
            direction,
        } => match direction.as_deref() {
            None | Some("ASCENDING") => (property_name.as_str(), false),
            Some("DESCENDING") => (property_name.as_str(), true),
            Some(other) => return Err(Refusal::invalid(format!("Invalid sort direction {other}"))),
        },
    };
    let field = account
        .field(kind, property)
        .ok_or_else(|| filter::unknown(property))?;
    Ok(Some(Order {
        property: property.to_owned(),
        shape: field.shape,
        down,
    }))
}
