//! Pages by cursor: `limit` and `after`.

use std::ops::Range;

use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, json};
use serde_json::{Value, json};

use super::desk::Desk;
use super::refusal::{Answer, Refusal};

/// Which of the things are on a page, and the cursor of the one after it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) range: Range<usize>,
    pub(super) next: Option<u64>,
}

/// `limit` of a query string.
pub(super) fn limit(query: &Form, default: usize, most: usize) -> Answer<usize> {
    let Some(text) = query.given("limit") else {
        return Ok(default);
    };
    match text.parse::<usize>() {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(
            Refusal::invalid(format!("Invalid limit {text}: it must be from 1 to {most}"))
                .with_context("limit", [text]),
        ),
    }
}

/// The page of things with rising ids that starts where `after` says: at an id, so that it stays right when
/// things come and go.
pub(super) fn by_id(
    ids: impl Iterator<Item = u64> + Clone,
    query: &Form,
    size: usize,
) -> Answer<Page> {
    let after = match query.given("after") {
        None => 0,
        Some(text) => text.parse::<u64>().map_err(|_| bad_cursor(text))?,
    };
    let start = ids.clone().take_while(|id| *id < after).count();
    let mut rest = ids.skip(start);
    let taken = rest.by_ref().take(size).count();
    Ok(Page {
        range: start..start + taken,
        next: rest.next(),
    })
}

pub(super) fn bad_cursor(text: &str) -> Refusal {
    Refusal::invalid(format!("Invalid paging cursor `{text}`")).with_context("after", [text])
}

impl Page {
    pub(super) fn empty() -> Self {
        Self {
            range: 0..0,
            next: None,
        }
    }

    /// The answer to a GET.
    pub(super) fn answer(&self, results: Vec<Value>, desk: &Desk, query: &Form) -> Response {
        let mut body = json!({ "results": results });
        if let Some(next) = self.next {
            body["paging"] = paging(next, desk, query);
        }
        json::ok(&body)
    }
}

fn paging(next: u64, desk: &Desk, query: &Form) -> Value {
    let mut pairs: Vec<(&str, String)> = query
        .iter()
        .filter(|(name, _)| *name != "after")
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    pairs.push(("after", next.to_string()));
    let query = pairs.into_iter().collect::<Form>().encode();
    json!({"next": {"after": next.to_string(), "link": format!("{}?{query}", desk.here())}})
}
