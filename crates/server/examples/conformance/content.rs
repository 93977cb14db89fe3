//! Fixed content: results, prompts and resources as they stand on the wire.

#![allow(
    deprecated,
    reason = "the suite still wants log notifications and samplings"
)]

use std::time::Duration;

use rmcp::model::{
    CacheScope, CallToolRequestParams, ClientCapabilities, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, LoggingLevel, LoggingMessageNotificationParam, Prompt,
    PromptArgument, ReadResourceResponse, ReadResourceResult, Resource, ResourceTemplate, Tool,
};
use serde_json::{Value, json};

use super::{Called, Context, argument, result, text, tool, whole, wire};

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// One sample of silence.
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool("greet", "Greets.", json!({"name": {"type": "string"}})),
        tool("test_audio_content", "Answers with a sound.", json!({})),
        tool(
            "test_custom_header",
            "Takes a value that is repeated in a header.",
            json!({"value": {"type": "string", "x-mcp-header": "Value"}}),
        ),
        tool(
            "test_embedded_resource",
            "Answers with a resource.",
            json!({}),
        ),
        tool("test_image_content", "Answers with an image.", json!({})),
        tool(
            "test_logging_tool",
            "Logs to clients that ask for it.",
            json!({}),
        ),
        tool(
            "test_missing_capability",
            "Needs a client that samples.",
            json!({}),
        ),
        tool(
            "test_multiple_content_types",
            "Answers with text, an image and a resource.",
            json!({}),
        ),
        tool("test_tool_with_logging", "Logs three times.", json!({})),
        whole(
            "json_schema_2020_12_tool",
            "Has a schema full of keywords.",
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "$defs": {"address": {
                    "$anchor": "addressDef",
                    "type": "object",
                    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
                }},
                "properties": {
                    "name": {"type": "string"},
                    "address": {"$ref": "#/$defs/address"},
                    "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                    "phone": {"type": "string"},
                    "email": {"type": "string"},
                },
                "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
                "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
                "then": {"required": ["phone"]},
                "else": {"required": ["email"]},
                "additionalProperties": false,
            }),
        ),
    ]
}

pub(super) async fn call(params: &CallToolRequestParams, context: &Context) -> Option<Called> {
    Some(match &*params.name {
        "greet" => text(format!("Hello, {}!", argument(params, "name"))),
        "json_schema_2020_12_tool" | "test_custom_header" => text("Taken."),
        "test_audio_content" => {
            result(json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]))
        }
        "test_embedded_resource" => result(json!([{"type": "resource", "resource": {
            "uri": "test://embedded-resource",
            "mimeType": "text/plain",
            "text": "This is an embedded resource content.",
        }}])),
        "test_image_content" => result(json!([image()])),
        "test_multiple_content_types" => result(json!([
            {"type": "text", "text": "Multiple content types test:"},
            image(),
            {"type": "resource", "resource": {
                "uri": "test://mixed-content-resource",
                "mimeType": "application/json",
                "text": r#"{"test":"data","value":123}"#,
            }},
        ])),
        "test_logging_tool" => {
            if context.meta.log_level().is_some() {
                log(context, "As you asked").await;
            }
            text("Logged, if that was wanted.")
        }
        "test_missing_capability" => {
            match context.client_capabilities().and_then(|can| can.sampling) {
                Some(_) => text("The client samples."),
                None => Err(ErrorData::missing_required_client_capability(
                    ClientCapabilities::builder().enable_sampling().build(),
                )),
            }
        }
        "test_tool_with_logging" => {
            for line in [
                "Tool execution started",
                "Tool processing data",
                "Tool execution completed",
            ] {
                log(context, line).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            text("Logged three times.")
        }
        _ => return None,
    })
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

async fn log(context: &Context, line: &str) {
    let note = LoggingMessageNotificationParam::new(LoggingLevel::Info, line.into());
    let _ = context.peer.notify_logging_message(note).await;
}

pub(super) fn prompts() -> Vec<Prompt> {
    let prompt = |name: &str, about: &str, arguments: &[&str]| {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|name| PromptArgument::new(*name).with_required(true))
            .collect();
        Prompt::new(
            name,
            Some(about),
            (!arguments.is_empty()).then_some(arguments),
        )
    };
    vec![
        prompt(
            "test_input_required_result_prompt",
            "Asks for a context first.",
            &[],
        ),
        prompt(
            "test_prompt_with_arguments",
            "Has two arguments.",
            &["arg1", "arg2"],
        ),
        prompt(
            "test_prompt_with_embedded_resource",
            "Has a resource.",
            &["resourceUri"],
        ),
        prompt("test_prompt_with_image", "Has an image.", &[]),
        prompt("test_simple_prompt", "Is simple.", &[]),
    ]
}

pub(super) fn prompt(params: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let given = |name: &str| {
        let value = params
            .arguments
            .as_ref()
            .and_then(|arguments| arguments.get(name))
            .and_then(Value::as_str);
        value.ok_or_else(|| {
            ErrorData::invalid_params(format!("The argument `{name}` is required"), None)
        })
    };
    let contents = match &*params.name {
        "test_simple_prompt" => vec![said("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (one, two) = (given("arg1")?, given("arg2")?);
            vec![said(&format!(
                "Prompt with arguments: arg1='{one}', arg2='{two}'"
            ))]
        }
        "test_prompt_with_embedded_resource" => vec![
            json!({"type": "resource", "resource": {
                "uri": given("resourceUri")?,
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            }}),
            said("Please process the embedded resource above."),
        ],
        "test_prompt_with_image" => vec![image(), said("Please analyze the image above.")],
        other => {
            return Err(ErrorData::invalid_params(
                format!("Unknown prompt: {other}"),
                None,
            ));
        }
    };
    messages(contents)
}

/// A prompt of the given contents, all of them said by the user.
pub(super) fn messages(contents: Vec<Value>) -> Result<GetPromptResponse, ErrorData> {
    let messages: Vec<_> = contents
        .into_iter()
        .map(|content| json!({"role": "user", "content": content}))
        .collect();
    Ok(GetPromptResult::new(wire(messages.into())?).into())
}

pub(super) fn said(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

pub(super) fn resources() -> Vec<Resource> {
    vec![
        Resource::new("test://static-text", "static-text").with_mime_type("text/plain"),
        Resource::new("test://static-binary", "static-binary").with_mime_type("image/png"),
        Resource::new("test://watched-resource", "watched-resource").with_mime_type("text/plain"),
    ]
}

pub(super) fn resource_templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("test://template/{id}/data", "template")
            .with_mime_type("application/json"),
    ]
}

pub(super) fn read(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let mut contents = match uri {
        "test://static-text" => {
            json!({"mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"mimeType": "image/png", "blob": PNG}),
        "test://watched-resource" => json!({"mimeType": "text/plain", "text": "Watched."}),
        other => match other
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"))
        {
            Some(id) => {
                let data =
                    json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                json!({"mimeType": "application/json", "text": data.to_string()})
            }
            None => {
                return Err(ErrorData::resource_not_found(
                    "There is no such resource",
                    Some(json!({ "uri": uri })),
                ));
            }
        },
    };
    contents["uri"] = uri.into();
    let result = ReadResourceResult::new(wire(json!([contents]))?);
    Ok(result
        .with_ttl_ms(60_000)
        .with_cache_scope(CacheScope::Private)
        .into())
}
