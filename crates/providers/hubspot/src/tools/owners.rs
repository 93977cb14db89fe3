//! Owners: the people of the account.

use business_tools_core::{Cx, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::READ;
use crate::HubSpot;
use crate::client::Pairs;
use crate::view::pick;

/// List the users who own records (hubspot_owner_id).
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/owners/get-owners> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOwners {
    /// Exact.
    #[schemars(length(min = 3, max = 254))]
    email: Option<String>,
    /// Former ones.
    archived: Option<bool>,
    /// Default 100.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
    /// `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Value>,
    #[serde(default)]
    paging: Value,
}

impl Tool for ListOwners {
    type Provider = HubSpot;
    type Output = Page<Map<String, Value>>;
    const SPEC: Spec = Spec::read("hubspot_list_owners").scopes(READ).cached(300);

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Self::Output> {
        let mut query: Pairs = vec![("limit", self.limit.unwrap_or(100).to_string())];
        let others = [
            ("email", self.email),
            (
                "archived",
                self.archived.map(|archived| archived.to_string()),
            ),
            ("after", self.cursor),
        ];
        for (name, value) in others {
            query.extend(value.map(|value| (name, value)));
        }
        let url = hubspot.client.crm("owners", &[]);
        let answer: Answer = hubspot.client.get(cx, url, query).await?;
        let next = answer.paging["next"]["after"].as_str().map(str::to_owned);
        Ok(Page::new(answer.results.iter().map(owner).collect(), next))
    }
}

fn owner(raw: &Value) -> Map<String, Value> {
    let mut shown = pick(
        raw,
        &[("id", "id"), ("email", "email"), ("userId", "user_id")],
    );
    let names = [&raw["firstName"], &raw["lastName"]];
    let name: Vec<_> = names
        .into_iter()
        .filter_map(Value::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    if !name.is_empty() {
        shown.insert("name".to_owned(), name.join(" ").into());
    }
    let teams = raw["teams"].as_array().into_iter().flatten();
    let teams: Vec<_> = teams.filter_map(|team| team["name"].as_str()).collect();
    if !teams.is_empty() {
        shown.insert("teams".to_owned(), teams.into());
    }
    if raw["archived"] == true {
        shown.insert("archived".to_owned(), true.into());
    }
    shown
}
