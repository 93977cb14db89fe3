//! Answers of the Responses API as they are shown: the text, and everything that kept it from being whole.

use business_tools_core::artifact::ResourceLink;
use business_tools_core::{Cx, Result};
use serde::Serialize;
use serde_json::Value;

use crate::client::Resource;
use crate::fault;
use crate::price::Usage;
use crate::service::Service;

/// What a model answered.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    id: String,
    model: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The text as data, when a schema was given for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    /// Why the model would not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// Why the text ends early, or what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// What the API says about a response that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    /// Calls of functions that the model wants to be made, and other items that are no text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<Value>,
    /// The whole of a text that is too long for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ResourceLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

/// What an [`Answer`] is made of besides the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// The model that was asked for.
    pub(crate) asked: &'a str,
    /// Whether a schema was given for the text.
    pub(crate) structured: bool,
    /// Whether what was used is counted now, or only shown.
    pub(crate) count: bool,
}

impl Service {
    /// A response as it is shown.
    pub(crate) async fn answer(
        &self,
        cx: &Cx,
        response: Resource,
        shape: Shape<'_>,
    ) -> Result<Answer> {
        let text = |name: &str| {
            response
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (id, status) = (text("id").to_owned(), text("status").to_owned());
        let model = text("model").to_owned();
        let said = read(&response);
        let mut answer = Answer {
            note: note(&response, &status),
            error: response
                .get("error")
                .filter(|error| !error.is_null())
                .cloned(),
            items: said.items,
            refusal: Some(said.refusal).filter(|refusal| !refusal.is_empty()),
            ..Answer::default()
        };
        let mut text = said.text;
        if shape.structured && status == "completed" {
            answer.json = serde_json::from_str(&text).ok();
        }
        answer.file = self.shorten(cx, &mut text, "answer.txt").await?;
        if answer.file.is_some() {
            answer.json = None;
        }
        // Data is given once: as data.
        answer.text = Some(text).filter(|text| !text.is_empty() && answer.json.is_none());
        if let Some(usage) = response.get("usage").filter(|usage| usage.is_object()) {
            let usage = Usage::read(usage);
            answer.usage = if shape.count {
                self.pay(cx, shape.asked, Some(&model), &usage)
            } else {
                usage.show(self.price(shape.asked, Some(&model), &usage))
            };
        }
        Ok(Answer {
            id,
            model,
            status,
            ..answer
        })
    }
}

/// What a response says: text, refusal, and items that are neither.
#[derive(Default)]
struct Said {
    text: String,
    refusal: String,
    items: Vec<Value>,
}

fn read(response: &Resource) -> Said {
    let mut said = Said::default();
    let output = response.get("output").and_then(Value::as_array);
    for item in output.into_iter().flatten() {
        match item["type"].as_str() {
            Some("message") => {
                for part in item["content"].as_array().into_iter().flatten() {
                    match part["type"].as_str() {
                        Some("output_text") => said
                            .text
                            .push_str(part["text"].as_str().unwrap_or_default()),
                        Some("refusal") => said
                            .refusal
                            .push_str(part["refusal"].as_str().unwrap_or_default()),
                        _ => {}
                    }
                }
            }
            // How a model came to its answer is not the answer.
            Some("reasoning") => {}
            _ => said.items.push(item.clone()),
        }
    }
    said
}

/// What a caller should know about a response that is not simply done.
fn note(response: &Resource, status: &str) -> Option<String> {
    let reason = response
        .get("incomplete_details")
        .and_then(|details| details["reason"].as_str());
    match (status, reason) {
        ("incomplete", Some("max_output_tokens")) => Some(
            "The text was cut off: give more `max_output_tokens`, which reasoning uses too"
                .to_owned(),
        ),
        ("incomplete", Some("content_filter")) => {
            Some("The text was cut off by OpenAI's content filter".to_owned())
        }
        ("incomplete", reason) => Some(format!(
            "The text was cut off: {}",
            reason.unwrap_or("no reason given")
        )),
        ("queued" | "in_progress", _) => {
            Some("Still at work: look with openai_get_response in some seconds".to_owned())
        }
        ("cancelled", _) => Some("It was cancelled".to_owned()),
        _ => None,
    }
}

/// A response that failed as an error; any other as it is.
pub(crate) fn unless_failed(response: Resource) -> Result<Resource> {
    match response.get("status").and_then(Value::as_str) {
        Some("failed") => Err(fault::failed(response.get("error").unwrap_or(&Value::Null))),
        _ => Ok(response),
    }
}

/// Whether nothing more will come of a response.
pub(crate) fn is_over(response: &Resource) -> bool {
    let status = response.get("status").and_then(Value::as_str);
    !matches!(status, Some("queued" | "in_progress"))
}
