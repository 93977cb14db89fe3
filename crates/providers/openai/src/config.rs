//! The settings of one account, checked when it is connected.

use std::collections::BTreeMap;

use business_tools_core::{Error, Kind, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::models::Models;
use crate::price::Price;

const HOST: &str = "api.openai.com";

/// The settings of one OpenAI project.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The API key, `sk-…`.
    pub api_key: Secret,
    /// The organization that pays, `org-…`, for keys that belong to several.
    #[schemars(length(max = 200))]
    pub organization: Option<String>,
    /// The project that pays, `proj_…`, for keys that belong to several.
    #[schemars(length(max = 200))]
    pub project: Option<String>,
    /// Another host with the same API, up to and with `/v1`.
    #[serde(default = "default_base_url")]
    #[schemars(with = "String")]
    pub base_url: Url,
    /// The model of each kind of work, where a call names none.
    #[serde(default)]
    pub models: Models,
    /// What models cost, by their names. Nothing is built in: the cost of a model that is not here is not counted.
    #[serde(default)]
    pub prices: BTreeMap<String, Price>,
}

#[expect(clippy::expect_used, reason = "a constant that a test reads")]
fn default_base_url() -> Url {
    Url::parse("https://api.openai.com/v1").expect("a valid URL")
}

impl OpenAiConfig {
    /// Tells everything that cannot work. No value is quoted: it may be a secret in the wrong place.
    ///
    /// # Errors
    /// `NOT_CONFIGURED` with every fault there is.
    pub(crate) fn check(&self) -> Result<()> {
        let mut faults: Vec<(String, &str)> = Vec::new();
        let key = self.api_key.expose();
        if key.is_empty() || !is_token(key) {
            faults.push((
                "api_key is empty or holds white space or other characters that no key has"
                    .to_owned(),
                "Copy the key again to OPENAI_API_KEY, without spaces, quotes and line breaks",
            ));
        } else if self.base_url.host_str() == Some(HOST) && !key.starts_with("sk-") {
            // Other hosts have keys of other forms.
            faults.push((
                format!("api_key does not begin with sk-, as every key of {HOST} does"),
                "Make a key at https://platform.openai.com/api-keys and set OPENAI_API_KEY",
            ));
        }
        for (field, value, variable) in [
            (
                "organization",
                &self.organization,
                "Set OPENAI_ORG_ID to the id, org-…, or leave it out",
            ),
            (
                "project",
                &self.project,
                "Set OPENAI_PROJECT_ID to the id, proj_…, or leave it out",
            ),
        ] {
            if value.as_deref().is_some_and(|value| !is_token(value)) {
                faults.push((format!("{field} is not an id"), variable));
            }
        }
        if !is_bare(&self.base_url) {
            faults.push((
                "base_url is not an http or https URL of a host and a path".to_owned(),
                "Write https://host/v1 or leave base_url out",
            ));
        }
        for (name, model) in self.models.all() {
            if !is_model(model) {
                faults.push((
                    format!("models.{name} is not the name of a model"),
                    "Write a name that openai_list_models gives",
                ));
            }
        }
        if !self.prices.values().all(Price::is_sound) {
            faults.push((
                "prices holds a number that is negative or not finite".to_owned(),
                "Write prices in US dollars, such as 2.50",
            ));
        }
        if faults.is_empty() {
            return Ok(());
        }
        let (wrong, right): (Vec<_>, Vec<_>) = faults.into_iter().unzip();
        Err(Error::new(Kind::NotConfigured, wrong.join("; ")).hint(right.join("; ")))
    }
}

/// Whether a text can stand in a header as it is.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text can be a model's name, fine-tuned ones (`ft:gpt-…:org::id`) included.
pub(crate) fn is_model(text: &str) -> bool {
    (1..=256).contains(&text.len()) && is_token(text)
}

/// A user name or a query would end up in previews and logs.
fn is_bare(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(fields: &Value) -> OpenAiConfig {
        let mut all = json!({"api_key": "sk-proj-abcdefghijklmnopqrstuvwx"});
        if let (Some(all), Some(fields)) = (all.as_object_mut(), fields.as_object()) {
            all.extend(fields.clone());
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_key_is_enough() {
        let config = config(&json!({}));
        config.check().unwrap();
        assert_eq!(config.base_url.as_str(), "https://api.openai.com/v1");
    }

    #[test]
    fn a_key_of_another_form_is_refused_at_the_real_host_alone() {
        let there = json!({"api_key": "another-form"});
        let error = config(&there).check().unwrap_err();
        assert_eq!(error.kind(), Kind::NotConfigured);
        assert!(error.hint_text().unwrap().contains("OPENAI_API_KEY"));
        let elsewhere =
            json!({"api_key": "another-form", "base_url": "https://llm.example.com/v1"});
        config(&elsewhere).check().unwrap();
    }

    #[test]
    fn every_fault_is_told_and_no_value_is_quoted() {
        let bad = config(&json!({
            "api_key": "sk-with CANARY", "organization": "org CANARY", "project": "proj\nCANARY",
            "base_url": "https://user:CANARY@host/v1", "models": {"text": "the CANARY"},
            "prices": {"CANARY": {"input_per_million": -1}},
        }));
        let error = bad.check().unwrap_err();
        for part in [
            "api_key",
            "organization",
            "project",
            "base_url",
            "models.text",
            "prices",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        assert!(!error.to_string().contains("CANARY"), "{error}");
        for key in ["", "sk-a\tb", "sk-ä"] {
            assert!(config(&json!({"api_key": key})).check().is_err(), "{key}");
        }
        for url in [
            "ftp://host/v1",
            "https://host/v1?key=1",
            "https://host/v1#x",
        ] {
            assert!(config(&json!({"base_url": url})).check().is_err(), "{url}");
        }
    }
}
