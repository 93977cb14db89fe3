//! The models that there are.

use business_tools_core::{Cx, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::READ;
use super::files::time;
use crate::OpenAi;
use crate::models::Listed;
use crate::service::today;

/// List models and their shutdown dates.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/models/list> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListModels {
    /// Part of the name.
    #[schemars(length(min = 1, max = 100))]
    search: Option<String>,
}

/// A model.
#[derive(Debug, Serialize)]
pub struct Model {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_date: Option<String>,
    /// The kinds of work it does where a call names no model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    default_for: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owned_by: Option<String>,
}

/// The models, and what an operator should know about the ones in the settings.
#[derive(Debug, Serialize)]
pub struct Models {
    items: Vec<Model>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for ListModels {
    type Provider = OpenAi;
    type Output = Models;
    const SPEC: Spec = Spec::read("openai_list_models").scopes(READ).cached(3600);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Models> {
        let service = &openai.service;
        let listed = service.client.models(cx).await?;
        let defaults = service.models.all();
        let warnings = warnings(&defaults, &listed, &today());
        let search = self
            .search
            .map(|part| part.to_lowercase())
            .unwrap_or_default();
        let items = listed
            .into_iter()
            .filter(|model| model.id.to_lowercase().contains(&search))
            .map(|model| Model {
                default_for: defaults
                    .iter()
                    .filter(|(_, default)| *default == model.id)
                    .map(|(work, _)| *work)
                    .collect(),
                created: time(&model.created.into()).filter(|_| model.created > 0),
                owned_by: model.owned_by,
                shutdown_date: model.shutdown_date,
                id: model.id,
            })
            .collect();
        Ok(Models { items, warnings })
    }
}

/// The defaults that are gone or will be.
fn warnings(defaults: &[(&'static str, &str)], listed: &[Listed], day: &str) -> Vec<String> {
    let about = |(work, default): &(&str, &str)| {
        let Some(model) = listed.iter().find(|model| model.id == *default) else {
            return Some(format!("models.{work}: `{default}` is not there"));
        };
        let end = model.shutdown_date.as_deref()?;
        let verb = if model.lives_on(day) { "is" } else { "was" };
        Some(format!(
            "models.{work}: `{default}` {verb} shut down on {end}"
        ))
    };
    defaults.iter().filter_map(about).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_that_are_gone_or_will_be_are_told() {
        let listed: Vec<Listed> = serde_json::from_value(json!([
            {"id": "stays"}, {"id": "ends", "shutdown_date": "2027-01-06"},
            {"id": "ended", "shutdown_date": "2026-10-23"},
        ]))
        .unwrap();
        let defaults = [
            ("text", "stays"),
            ("speech", "ends"),
            ("image", "ended"),
            ("vision", "never"),
        ];
        assert_eq!(
            warnings(&defaults, &listed, "2026-11-22"),
            [
                "models.speech: `ends` is shut down on 2027-01-06",
                "models.image: `ended` was shut down on 2026-10-23",
                "models.vision: `never` is not there",
            ]
        );
    }
}
