//! What each method of the protocol takes.
//!
//! The protocol library reads a known method with wrong parameters as an unknown method, and answers so. Here the
//! caller hears what is wrong and where. Methods that are not listed pass: the library knows best that it has none.

use rmcp::model::{
    ClientCapabilities, Implementation, InitializeRequestParams, SubscriptionFilter,
};
use serde_json::{Map, Value};

use super::Fault;
use super::field::{At, Wrong, is_text_map};

const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Checks `params` of a request or a notification.
pub(super) fn check(method: &str, message: &Map<String, Value>) -> Result<(), Wrong> {
    let none = Map::new();
    let params = match message.get("params") {
        None => &none,
        Some(Value::Object(params)) => params,
        Some(_) => return Err((Fault::Params, "`params` must be an object".to_owned())),
    };
    let at = At::new(params, "", Fault::Params);
    meta(at)?;
    match method {
        "initialize" => initialize(at),
        "server/discover" => modern_meta(params),
        "tools/call" => {
            at.required("name", "a non-empty string", |name| name.as_str().is_some_and(|n| !n.is_empty()))?;
            at.optional_object("arguments")?;
            answers(at)
        }
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" | "skills/list" => {
            cursor(at)
        }
        "resources/directory/read" => {
            at.text("uri")?;
            cursor(at)
        }
        "resources/read" => {
            at.text("uri")?;
            answers(at)
        }
        "resources/subscribe" | "resources/unsubscribe" | "skills/get" => at.text("uri"),
        "prompts/get" => {
            at.text("name")?;
            at.optional("arguments", "an object of strings", is_text_map)?;
            answers(at)
        }
        "completion/complete" => completion(at),
        "logging/setLevel" => at.required("level", "one of the log levels of RFC 5424", |level| {
            level.as_str().is_some_and(|level| LEVELS.contains(&level))
        }),
        "subscriptions/listen" => {
            let filter = at.object("notifications")?;
            at.reads_as::<SubscriptionFilter>("notifications", &Value::Object(filter.clone()))
        }
        "tasks/get" | "tasks/cancel" => at.text("taskId"),
        "tasks/update" => {
            at.text("taskId")?;
            at.object("inputResponses").map(|_| ())
        }
        "notifications/cancelled" => {
            at.optional_id("requestId")?;
            at.optional_text("reason")
        }
        "notifications/progress" => {
            at.required("progressToken", "a string or an integer", super::shape::is_id)?;
            at.required("progress", "a number", Value::is_number)?;
            at.optional("total", "a number", Value::is_number)?;
            at.optional_text("message")
        }
        _ => Ok(()),
    }
}

/// `_meta`, wherever it stands: the members that the protocol reserves.
fn meta(at: At<'_>) -> Result<(), Wrong> {
    let is_meta = |(_, what)| (Fault::Meta, what);
    at.optional_object("_meta").map_err(is_meta)?;
    let Some(Value::Object(meta)) = at.object.get("_meta") else { return Ok(()) };
    let at = At::new(meta, "_meta.", Fault::Meta);
    at.optional_id("progressToken")?;
    at.optional_text(VERSION)?;
    at.optional(LEVEL, "one of the log levels of RFC 5424", |level| {
        level.as_str().is_some_and(|level| LEVELS.contains(&level))
    })?;
    at.optional_object(CAPABILITIES)?;
    at.optional_object(CLIENT)?;
    if let Some(capabilities @ Value::Object(_)) = meta.get(CAPABILITIES) {
        at.reads_as::<ClientCapabilities>(CAPABILITIES, capabilities)?;
    }
    if let Some(client @ Value::Object(object)) = meta.get(CLIENT) {
        let inner = At::new(object, "_meta.io.modelcontextprotocol/clientInfo.", Fault::Meta);
        inner.text("name")?;
        inner.text("version")?;
        at.reads_as::<Implementation>(CLIENT, client)?;
    }
    Ok(())
}

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The members of `_meta` that every request of the newer generation must have.
fn modern_meta(params: &Map<String, Value>) -> Result<(), Wrong> {
    let meta = At::new(params, "", Fault::Meta).object("_meta")?;
    let at = At::new(meta, "_meta.", Fault::Meta);
    at.text(VERSION)?;
    at.object(CAPABILITIES).map(|_| ())
}

/// Whether a request says everything that opens a connection of the newer generation, and in which version.
pub(crate) fn inline_version(message: &Value) -> Option<&str> {
    let params = message.get("params")?.as_object()?;
    modern_meta(params).ok()?;
    params.get("_meta")?.get(VERSION)?.as_str()
}

fn initialize(at: At<'_>) -> Result<(), Wrong> {
    at.text("protocolVersion")?;
    at.object("capabilities")?;
    let client = At::new(at.object("clientInfo")?, "clientInfo.", Fault::Params);
    client.text("name")?;
    client.text("version")?;
    let params = Value::Object(at.object.clone());
    match serde_json::from_value::<InitializeRequestParams>(params) {
        Ok(_) => Ok(()),
        Err(_) => Err((
            Fault::Params,
            "`capabilities` or `clientInfo` has a member of a wrong type".to_owned(),
        )),
    }
}

/// What a client brings when it repeats a request that needed its input.
fn answers(at: At<'_>) -> Result<(), Wrong> {
    at.optional_object("inputResponses")?;
    at.optional_text("requestState")
}

/// No list of ours has a second page, so no cursor is one of ours: not even the empty one.
fn cursor(at: At<'_>) -> Result<(), Wrong> {
    at.optional_text("cursor")?;
    match at.object.get("cursor") {
        Some(Value::String(_)) => {
            Err((Fault::Params, "unknown cursor: the list has one page".to_owned()))
        }
        _ => Ok(()),
    }
}

fn completion(at: At<'_>) -> Result<(), Wrong> {
    let reference = At::new(at.object("ref")?, "ref.", Fault::Params);
    match reference.object.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => {
            reference.text("name")?;
            reference.optional_text("title")?;
        }
        Some("ref/resource") => reference.text("uri")?,
        _ => return reference.required("type", "\"ref/prompt\" or \"ref/resource\"", |_| false),
    }
    let argument = At::new(at.object("argument")?, "argument.", Fault::Params);
    argument.text("name")?;
    argument.text("value")?;
    at.optional_object("context")?;
    if let Some(Value::Object(context)) = at.object.get("context") {
        At::new(context, "context.", Fault::Params).optional("arguments", "an object of strings", is_text_map)?;
    }
    Ok(())
}
