//! Pipelines and their stages.

use business_tools_core::{Cx, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::READ;
use crate::HubSpot;
use crate::client::Pairs;
use crate::types::ObjectType;
use crate::view::pick;

/// List the pipelines of deals, tickets… and their stages.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/get-pipelines> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPipelines {
    object_type: ObjectType,
    /// `next_cursor`.
    #[schemars(length(max = 4096))]
    #[expect(
        dead_code,
        reason = "the API has no pages; what is too long for one result is cut by core"
    )]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Value>,
}

impl Tool for ListPipelines {
    type Provider = HubSpot;
    type Output = Page<Map<String, Value>>;
    const SPEC: Spec = Spec::read("hubspot_list_pipelines")
        .scopes(READ)
        .cached(600);

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Self::Output> {
        let url = hubspot
            .client
            .crm("pipelines", &[self.object_type.as_str()]);
        let answer: Answer = hubspot.client.get(cx, url, Pairs::new()).await?;
        Ok(Page::new(
            in_order(&answer.results).map(pipeline).collect(),
            None,
        ))
    }
}

/// Those that are in use, in the order in which people see them.
fn in_order(all: &[Value]) -> impl Iterator<Item = &Value> {
    let mut used: Vec<_> = all.iter().filter(|one| one["archived"] != true).collect();
    used.sort_by_key(|one| one["displayOrder"].as_i64().unwrap_or(i64::MAX));
    used.into_iter()
}

fn pipeline(raw: &Value) -> Map<String, Value> {
    let mut shown = pick(raw, &[("id", "id"), ("label", "label")]);
    let stages = raw["stages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    shown.insert("stages".to_owned(), in_order(stages).map(stage).collect());
    shown
}

/// A stage with what tells won from lost and open from closed.
fn stage(raw: &Value) -> Value {
    let mut shown = pick(raw, &[("id", "id"), ("label", "label")]);
    let meaning = [
        ("probability", "probability"),
        ("isClosed", "closed"),
        ("ticketState", "state"),
    ];
    shown.extend(pick(&raw["metadata"], &meaning));
    shown.into()
}
