//! Chat completions, which stay supported beside the Responses API.

use business_tools_core::artifact::ResourceLink;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{COSTS, MODEL, WRITE, check_schema, put};
use crate::OpenAi;
use crate::client::bad_answer;
use crate::models::Work;
use crate::price::Usage;

const ROLES: [&str; 5] = ["developer", "system", "user", "assistant", "tool"];

/// Create a chat completion. Paid.
///
/// # Source
/// <https://developers.openai.com/api/docs/api-reference/chat/create> (read 2026-11)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChatCompletion {
    /// With `role` and `content`.
    #[schemars(length(min = 1, max = 500))]
    messages: Vec<Map<String, Value>>,
    /// Model.
    #[schemars(regex(pattern = MODEL))]
    model: Option<String>,
    /// Limit.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_completion_tokens: Option<u32>,
    /// 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    temperature: Option<f64>,
    /// Choices.
    #[schemars(range(min = 1, max = 128))]
    n: Option<u32>,
    /// Answer form.
    json_schema: Option<Map<String, Value>>,
    /// Functions.
    #[schemars(length(max = 128))]
    tools: Option<Vec<Map<String, Value>>>,
}

/// What the model answered, as often as was asked for.
#[derive(Debug, Serialize)]
pub struct Completion {
    id: String,
    model: String,
    choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

/// One answer.
#[derive(Debug, Serialize)]
pub struct Choice {
    index: u64,
    finish_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The text as data, when a schema was given for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Value>,
    /// Why the text ends early.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// The whole of a text that is too long for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ResourceLink>,
}

impl Tool for CreateChatCompletion {
    type Provider = OpenAi;
    type Output = Completion;
    const SPEC: Spec = Spec::write("openai_create_chat_completion")
        .repeatable()
        .scopes(WRITE)
        .untrusted_data(&["text", "json"])
        .find_out(COSTS);

    fn check(&self, faults: &mut Faults) {
        for (n, message) in self.messages.iter().enumerate() {
            let role = message.get("role").and_then(Value::as_str);
            if !role.is_some_and(|role| ROLES.contains(&role)) {
                let what = format!("must be one of {}", ROLES.join(", "));
                faults.add(format!("/messages/{n}/role"), what);
            }
        }
        check_schema(self.json_schema.as_ref(), faults);
    }

    async fn run(self, openai: &OpenAi, cx: &Cx) -> Result<Completion> {
        let service = &openai.service;
        let model = service.model(self.model, Work::Text);
        let structured = self.json_schema.is_some();
        let mut body = Map::new();
        put(&mut body, "model", Some(&model));
        put(&mut body, "messages", Some(self.messages));
        put(
            &mut body,
            "max_completion_tokens",
            self.max_completion_tokens,
        );
        put(&mut body, "temperature", self.temperature);
        put(&mut body, "n", self.n);
        let format = self.json_schema.map(|schema| {
            json!({"type": "json_schema",
                   "json_schema": {"name": "answer", "schema": schema, "strict": true}})
        });
        put(&mut body, "response_format", format);
        put(&mut body, "tools", self.tools);
        put(&mut body, "store", Some(false));
        let request = service
            .client
            .post(&["chat", "completions"], Value::Object(body));
        let given = service.ask_json(cx, Work::Text, &model, request).await?;
        let text = |name: &str| {
            given
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (id, answered) = (text("id"), text("model"));
        let usage = given.get("usage").filter(|usage| usage.is_object());
        let usage =
            usage.and_then(|usage| service.pay(cx, &model, Some(&answered), &Usage::read(usage)));
        let mut choices = Vec::new();
        for choice in given
            .get("choices")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            choices.push(chosen(openai, cx, choice, structured).await?);
        }
        if choices.is_empty() {
            return Err(bad_answer("OpenAI sent a completion without a choice"));
        }
        Ok(Completion {
            id,
            model: answered,
            choices,
            usage,
        })
    }
}

async fn chosen(openai: &OpenAi, cx: &Cx, choice: &Value, structured: bool) -> Result<Choice> {
    let message = &choice["message"];
    let finish_reason = choice["finish_reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut text = message["content"].as_str().unwrap_or_default().to_owned();
    let whole = structured && finish_reason == "stop";
    let json = whole.then(|| serde_json::from_str(&text).ok()).flatten();
    let file = openai.service.shorten(cx, &mut text, "answer.txt").await?;
    let json: Option<Value> = json.filter(|_| file.is_none());
    Ok(Choice {
        index: choice["index"].as_u64().unwrap_or_default(),
        // Data is given once: as data.
        text: Some(text).filter(|text| !text.is_empty() && json.is_none()),
        json,
        refusal: message["refusal"].as_str().map(str::to_owned),
        tool_calls: message
            .get("tool_calls")
            .filter(|calls| !calls.is_null())
            .cloned(),
        note: match finish_reason.as_str() {
            "length" => Some(
                "The text was cut off: give more `max_completion_tokens`, which reasoning uses too",
            ),
            "content_filter" => Some("The text was cut off by OpenAI's content filter"),
            _ => None,
        },
        file,
        finish_reason,
    })
}
