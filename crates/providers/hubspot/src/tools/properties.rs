//! Definitions of properties.

use business_tools_core::{Cx, Detail, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::READ;
use crate::HubSpot;
use crate::client::Pairs;
use crate::types::ObjectType;
use crate::view::pick;

/// The most choices of a property that a summary shows.
const CHOICES: usize = 30;

/// How delicate the data of a property is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Sensitivity {
    NonSensitive,
    Sensitive,
    HighlySensitive,
}

/// List the properties (fields) of a type: names, kinds, allowed values.
///
/// # Source
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/properties/get-properties> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListProperties {
    object_type: ObjectType,
    /// In name or label.
    #[schemars(length(min = 1, max = 100))]
    query: Option<String>,
    /// Kind.
    sensitivity: Option<Sensitivity>,
    /// Default summary.
    detail: Option<Detail>,
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

impl Tool for ListProperties {
    type Provider = HubSpot;
    type Output = Page<Value>;
    const SPEC: Spec = Spec::read("hubspot_list_properties")
        .scopes(READ)
        .cached(600);

    async fn run(self, hubspot: &HubSpot, cx: &Cx) -> Result<Page<Value>> {
        let mut query = Pairs::new();
        match self.sensitivity {
            Some(Sensitivity::Sensitive) => query.push(("dataSensitivity", "sensitive".to_owned())),
            Some(Sensitivity::HighlySensitive) => {
                query.push(("dataSensitivity", "highly_sensitive".to_owned()));
            }
            Some(Sensitivity::NonSensitive) | None => {}
        }
        let url = hubspot
            .client
            .crm("properties", &[self.object_type.as_str()]);
        let answer: Answer = hubspot.client.get(cx, url, query).await?;
        let words = self.query.map(|query| query.to_lowercase());
        let full = self.detail == Some(Detail::Full);
        let wanted = answer.results.into_iter().filter(|property| {
            // What HubSpot hides from people is for full detail.
            (full || property["hidden"] != true)
                && words.as_ref().is_none_or(|words| fits(property, words))
        });
        let items: Vec<Value> = wanted
            .map(|property| {
                if full {
                    property
                } else {
                    summary(&property).into()
                }
            })
            .collect();
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        Ok(Page::new(items, None).total(total))
    }
}

fn fits(property: &Value, words: &str) -> bool {
    ["name", "label"].iter().any(|member| {
        let text = property[*member].as_str().unwrap_or_default();
        text.to_lowercase().contains(words)
    })
}

fn summary(raw: &Value) -> Map<String, Value> {
    let mut shown = pick(
        raw,
        &[("name", "name"), ("label", "label"), ("type", "type")],
    );
    let options = raw["options"].as_array().into_iter().flatten();
    let visible = options.filter(|option| option["hidden"] != true);
    let values: Vec<Value> = visible.map(|option| option["value"].clone()).collect();
    if !values.is_empty() {
        if values.len() > CHOICES {
            shown.insert("more_options".to_owned(), (values.len() - CHOICES).into());
        }
        let values = values.into_iter().take(CHOICES).collect();
        shown.insert("options".to_owned(), values);
    }
    if raw["hasUniqueValue"] == true {
        shown.insert("unique".to_owned(), true.into());
    }
    if raw["calculated"] == true || raw["modificationMetadata"]["readOnlyValue"] == true {
        shown.insert("read_only".to_owned(), true.into());
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_summary_tells_what_may_be_written() {
        let options: Vec<_> = (0..32)
            .map(|n| json!({"value": n.to_string(), "label": "x", "hidden": n == 0}))
            .collect();
        let raw = json!({"name": "size", "label": "Size", "type": "enumeration", "description": "…", "options": options,
                         "hasUniqueValue": false, "modificationMetadata": {"readOnlyValue": true}});
        let shown = Value::from(summary(&raw));
        assert_eq!(
            (
                &shown["options"][0],
                &shown["more_options"],
                &shown["read_only"]
            ),
            (&json!("1"), &json!(1), &json!(true))
        );
        assert!(shown.get("unique").is_none() && shown.get("description").is_none());
        assert!(fits(&raw, "siz") && fits(&raw, "size") && !fits(&raw, "colour"));
    }
}
