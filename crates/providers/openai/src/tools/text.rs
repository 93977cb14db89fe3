//! Text: the Responses API.

use business_tools_core::http::Method;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{COSTS, ID, MODEL, READ, WRITE, check_schema, put};
use crate::OpenAi;
use crate::answer::{Answer, Shape, is_over, unless_failed};
use crate::models::Work;

const EFFORT: &str = "^(none|minimal|low|medium|high|xhigh|max)$";

/// How hard a model thinks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the API's and say what they are")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

/// Generate text. Paid.
///
/// The response is not stored at OpenAI unless `store` or `background` says so.
///
/// # Errors
/// `NOT_FOUND` for a model that is gone: the hint names one that is there. `QUOTA_EXCEEDED` without credit.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/responses/create> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateText {
    /// Prompt.
    #[schemars(length(min = 1, max = 2_000_000))]
    input: String,
    /// System prompt.
    #[schemars(length(min = 1, max = 500_000))]
    instructions: Option<String>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
    /// Limit.
    #[schemars(range(min = 16, max = 1_000_000))]
    max_output_tokens: Option<u32>,
    /// 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    temperature: Option<f64>,
    /// low, medium, high…
    #[schemars(with = "Option<String>", regex(pattern = EFFORT))]
    reasoning_effort: Option<Effort>,
    /// Answer form.
    json_schema: Option<Map<String, Value>>,
    /// Continues it.
    #[schemars(regex(pattern = ID))]
    previous_response_id: Option<String>,
    /// Return at once.
    background: Option<bool>,
    /// Keep it there.
    store: Option<bool>,
}

impl Tool for GenerateText {
    type Provider = OpenAi;
    type Output = Answer;
    const SPEC: Spec = Spec::write("openai_generate_text")
        .repeatable()
        .scopes(WRITE)
        .untrusted_data(&["text", "json"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        if self.background == Some(true) && self.store == Some(false) {
            faults.add(
                "/store",
                "must be true with `background`: what is not stored cannot be polled",
            );
        }
        check_schema(self.json_schema.as_ref(), faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Answer> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Text);
        let background = self.background == Some(true);
        let structured = self.json_schema.is_some();
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(&mut body, "input", Some(self.input));
        put(&mut body, "instructions", self.instructions);
        put(&mut body, "max_output_tokens", self.max_output_tokens);
        put(&mut body, "temperature", self.temperature);
        let reasoning = self
            .reasoning_effort
            .map(|effort| json!({ "effort": effort }));
        put(&mut body, "reasoning", reasoning);
        let format = self.json_schema.map(|schema| {
            json!({"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": true}})
        });
        put(&mut body, "text", format);
        put(&mut body, "previous_response_id", self.previous_response_id);
        put(&mut body, "background", self.background);
        put(&mut body, "store", Some(self.store.unwrap_or(background)));
        let request = service.client.post(&["responses"], Value::Object(body));
        let response = service.ask_json(cx, Work::Text, &model, request).await?;
        let response = unless_failed(response)?;
        let over = is_over(&response);
        if let (false, Some(id)) = (over, response.get("id").and_then(Value::as_str)) {
            service.owe(id);
        }
        let shape = Shape {
            asked: &model,
            structured,
            count: over,
        };
        service.answer(cx, response, shape).await
    }
}

/// Get a background or stored response.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/responses/get> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetResponse {
    /// resp_…
    #[schemars(regex(pattern = ID))]
    response_id: String,
}

impl Tool for GetResponse {
    type Provider = OpenAi;
    type Output = Answer;
    const SPEC: Spec = Spec::read("openai_get_response")
        .scopes(READ)
        .cached(2)
        .untrusted_data(&["text", "json"]);

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Answer> {
        let service = &openai.service;
        let request = service
            .client
            .request(Method::GET, &["responses", &self.response_id]);
        let response = service.client.json(cx, request).await?;
        polled(openai, cx, response, &self.response_id).await
    }
}

/// Cancel a background response.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/responses/cancel> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelResponse {
    /// resp_…
    #[schemars(regex(pattern = ID))]
    response_id: String,
}

impl Tool for CancelResponse {
    type Provider = OpenAi;
    type Output = Answer;
    const SPEC: Spec = Spec::destructive("openai_cancel_response")
        .idempotent()
        .scopes(WRITE)
        .forgets(&["openai_get_response"])
        .untrusted_data(&["text", "json"]);

    fn confirm(&self) -> Option<String> {
        Some(format!(
            "Cancel the background response {}?",
            self.response_id
        ))
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Answer> {
        let client = &openai.service.client;
        let request = client.request(Method::POST, &["responses", &self.response_id, "cancel"]);
        let response = client.json(cx, request).await?;
        polled(openai, cx, response, &self.response_id).await
    }
}

/// A response that somebody looked at. Whoever first finds a background response done counts its cost.
async fn polled(
    openai: &OpenAi,
    cx: &Cx,
    response: Map<String, Value>,
    id: &str,
) -> Result<Answer> {
    let service = &openai.service;
    let model = response
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let structured = response
        .get("text")
        .is_some_and(|text| text["format"]["type"] == "json_schema");
    let shape = Shape {
        asked: &model,
        structured,
        count: is_over(&response) && service.settle(id),
    };
    service.answer(cx, response, shape).await
}
