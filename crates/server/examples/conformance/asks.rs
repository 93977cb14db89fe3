//! Fixtures that ask the client: by a request of their own in the legacy generation, by a result that
//! requires input in the modern one.

#![allow(deprecated, reason = "the suite still wants samplings and roots")]

use std::time::Duration;

use business_tools_core::call::confirm::Seal;
use rmcp::model::{
    CallToolRequestParams, CreateMessageRequestParams, ErrorData, GetPromptRequestParams,
    GetPromptResponse, InputRequests, InputRequiredResult, InputResponses, SamplingMessage, Tool,
};
use serde_json::{Value, json};

use super::{Called, Context, argument, content, text, tool, wire};

/// How long a legacy client may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fixtures, with the seal that the product puts on its own states.
pub(super) struct Asks {
    seal: Seal,
}

pub(super) fn tools() -> Vec<Tool> {
    let prompt = json!({"prompt": {"type": "string"}});
    let message = json!({"message": {"type": "string"}});
    vec![
        tool(
            "test_elicitation",
            "Asks for a name and an address.",
            message,
        ),
        tool(
            "test_elicitation_sep1034_defaults",
            "Asks with defaults.",
            json!({}),
        ),
        tool(
            "test_elicitation_sep1330_enums",
            "Asks with choices.",
            json!({}),
        ),
        tool(
            "test_input_required_result_capabilities",
            "Asks what the client can be asked.",
            json!({}),
        ),
        tool(
            "test_input_required_result_elicitation",
            "Asks for a name.",
            json!({}),
        ),
        tool(
            "test_input_required_result_list_roots",
            "Asks for roots.",
            json!({}),
        ),
        tool(
            "test_input_required_result_multi_round",
            "Asks twice.",
            json!({}),
        ),
        tool(
            "test_input_required_result_multiple_inputs",
            "Asks three things at once.",
            json!({}),
        ),
        tool(
            "test_input_required_result_request_state",
            "Asks with a state.",
            json!({}),
        ),
        tool(
            "test_input_required_result_sampling",
            "Asks a model.",
            json!({}),
        ),
        tool(
            "test_input_required_result_tampered_state",
            "Asks with a state.",
            json!({}),
        ),
        tool("test_sampling", "Asks the client's model.", prompt),
    ]
}

impl Asks {
    pub(super) fn new(seal: Seal) -> Self {
        Self { seal }
    }

    pub(super) async fn call(
        &self,
        params: &CallToolRequestParams,
        context: &Context,
    ) -> Option<Called> {
        Some(match &*params.name {
            "test_sampling" => sample(argument(params, "prompt"), context).await,
            "test_elicitation" => elicit(argument(params, "message"), contact(), context).await,
            "test_elicitation_sep1034_defaults" => {
                elicit("Check the defaults", defaults(), context).await
            }
            "test_elicitation_sep1330_enums" => elicit("Choose", choices(), context).await,
            name => {
                let round = Round {
                    seal: &self.seal,
                    answers: params.input_responses.as_ref(),
                    state: params.request_state.as_deref(),
                };
                return rounds(
                    name.strip_prefix("test_input_required_result_")?,
                    &round,
                    context,
                )
                .await;
            }
        })
    }

    pub(super) fn prompt(
        &self,
        params: &GetPromptRequestParams,
    ) -> Option<Result<GetPromptResponse, ErrorData>> {
        if params.name != "test_input_required_result_prompt" {
            return None;
        }
        let round = Round {
            seal: &self.seal,
            answers: params.input_responses.as_ref(),
            state: params.request_state.as_deref(),
        };
        Some(match round.answer("user_context") {
            Some(answer) => content::messages(vec![content::said(&format!("With {}", answer["content"]))]),
            None => round
                .ask(json!({"user_context": form("What context should the prompt use?", &["context"])}), None)
                .map(Into::into),
        })
    }
}

/// One round of a call in the modern generation.
struct Round<'a> {
    seal: &'a Seal,
    answers: Option<&'a InputResponses>,
    state: Option<&'a str>,
}

impl Round<'_> {
    /// An answer, if it is one: what comes from outside may be anything.
    fn answer(&self, key: &str) -> Option<&Value> {
        self.answers?.get(key).filter(|answer| answer.is_object())
    }

    fn ask(&self, requests: Value, bound: Option<&str>) -> Result<InputRequiredResult, ErrorData> {
        let requests: InputRequests = wire(requests)?;
        Ok(InputRequiredResult::new(
            Some(requests),
            bound
                .map(|bound| self.seal.seal(bound))
                .transpose()
                .map_err(internal)?,
        ))
    }

    async fn check(&self, bound: &str) -> Result<(), ErrorData> {
        match self.state {
            Some(state) if self.seal.open(state, bound).await.map_err(internal)? => Ok(()),
            _ => Err(ErrorData::invalid_params("requestState rejected", None)),
        }
    }

    /// Asks until every request has its answer, then tells them all.
    async fn all(&self, requests: Value, bound: Option<&str>) -> Called {
        let keys: Vec<String> = requests
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect();
        let answers: Option<Vec<&Value>> = keys.iter().map(|key| self.answer(key)).collect();
        let Some(answers) = answers else {
            return Ok(self.ask(requests, bound)?.into());
        };
        if let Some(bound) = bound {
            self.check(bound).await?;
        }
        text(format!("state-ok: {}", json!(answers)))
    }
}

async fn rounds(which: &str, round: &Round<'_>, context: &Context) -> Option<Called> {
    let name = || form("What is your name?", &["name"]);
    Some(match which {
        "elicitation" => round.all(json!({"user_name": name()}), None).await,
        "sampling" => {
            round
                .all(
                    json!({"capital_question": sampling("What is the capital of France?", 100)}),
                    None,
                )
                .await
        }
        "list_roots" => round.all(json!({"client_roots": roots()}), None).await,
        "request_state" | "tampered_state" => {
            let confirm = json!({"method": "elicitation/create", "params": {
                "mode": "form",
                "message": "Please confirm",
                "requestedSchema": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
            }});
            round.all(json!({"confirm": confirm}), Some(which)).await
        }
        "multiple_inputs" => {
            round
                .all(
                    json!({
                        "user_name": name(),
                        "greeting": sampling("Generate a greeting", 50),
                        "client_roots": roots(),
                    }),
                    Some(which),
                )
                .await
        }
        "multi_round" => two_rounds(round).await,
        "capabilities" => {
            let can = context.client_capabilities().unwrap_or_default();
            let mut requests = json!({});
            if can.elicitation.is_some() {
                requests["user_name"] = name();
            }
            if can.sampling.is_some() {
                requests["greeting"] = sampling("Generate a greeting", 50);
            }
            if can.roots.is_some() {
                requests["client_roots"] = roots();
            }
            round.all(requests, None).await
        }
        _ => return None,
    })
}

async fn two_rounds(round: &Round<'_>) -> Called {
    if let Some(color) = round.answer("step2") {
        round.check("step2").await?;
        return text(format!("You like {}", color["content"]["color"]));
    }
    if round.answer("step1").is_some() {
        round.check("step1").await?;
        let ask = json!({"step2": form("Step 2: What is your favorite color?", &["color"])});
        return Ok(round.ask(ask, Some("step2"))?.into());
    }
    let ask = json!({"step1": form("Step 1: What is your name?", &["name"])});
    Ok(round.ask(ask, Some("step1"))?.into())
}

fn internal(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// A form of required strings, as a request.
pub(super) fn form(message: &str, fields: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> = fields
        .iter()
        .map(|field| ((*field).to_owned(), json!({"type": "string"})))
        .collect();
    json!({"method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": {"type": "object", "properties": properties, "required": fields},
    }})
}

fn sampling(prompt: &str, tokens: u32) -> Value {
    json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}],
        "maxTokens": tokens,
    }})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

async fn sample(prompt: &str, context: &Context) -> Called {
    let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    match tokio::time::timeout(PATIENCE, context.peer.create_message(params)).await {
        Ok(Ok(answer)) => text(format!("LLM response: {}", json!(answer.message.content))),
        Ok(Err(error)) => Err(ErrorData::invalid_params(error.to_string(), None)),
        Err(_) => Err(ErrorData::invalid_params("The client did not answer", None)),
    }
}

async fn elicit(message: &str, schema: Value, context: &Context) -> Called {
    let params = wire(json!({"mode": "form", "message": message, "requestedSchema": schema}))?;
    match context
        .peer
        .create_elicitation_with_timeout(params, Some(PATIENCE))
        .await
    {
        Ok(answer) => text(format!(
            "Elicitation completed: action={}, content={}",
            json!(answer.action),
            json!(answer.content)
        )),
        Err(error) => Err(ErrorData::invalid_params(error.to_string(), None)),
    }
}

fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

fn defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

fn choices() -> Value {
    let plain = ["option1", "option2", "option3"];
    let titled = json!([
        {"const": "value1", "title": "First"},
        {"const": "value2", "title": "Second"},
        {"const": "value3", "title": "Third"},
    ]);
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }})
}
