//! The types of the fields that the protocol library would misread, method by method.

use rmcp::model::{ClientCapabilities, Implementation, SubscriptionFilter};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What is wrong with the parameters.
pub(super) struct Wrong {
    pub(super) what: String,
    /// Whether it is `_meta`, which the HTTP transport itself reads.
    pub(super) meta: bool,
}

type Checked = Result<(), Wrong>;
type Object = Map<String, Value>;

const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// The methods that the modern generation of the protocol no longer has.
const REMOVED: [&str; 4] = [
    "initialize",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// Whether a request describes itself, as those of the modern generation do.
fn is_modern(params: &Object) -> bool {
    params
        .get("_meta")
        .and_then(|meta| meta.get("io.modelcontextprotocol/protocolVersion"))
        .and_then(Value::as_str)
        .is_some_and(|version| version >= "2026-07-28")
}

fn wrong(what: impl Into<String>) -> Wrong {
    Wrong {
        what: what.into(),
        meta: false,
    }
}

/// A string, or an integer as large as the library reads.
pub(super) fn is_id(value: &Value) -> bool {
    value.is_string() || value.as_i64().is_some()
}

/// Checks the parameters of a call, and takes away nulls that mean "absent".
pub(super) fn check(method: &str, message: &mut Object) -> Checked {
    let mut none = Object::new();
    let params = match message.get_mut("params") {
        None => &mut none,
        Some(Value::Object(params)) => params,
        Some(_) => return Err(wrong("`params` must be an object")),
    };
    meta(params)?;
    if REMOVED.contains(&method) && is_modern(params) {
        // Its answer is that there is no such method, whatever the parameters.
        return Ok(());
    }
    match method {
        "initialize" => initialize(params),
        "tools/call" => tool_call(params),
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            cursor(params)
        }
        "resources/read" => {
            text(params, "uri")?;
            answers(params)
        }
        "resources/subscribe" | "resources/unsubscribe" => text(params, "uri"),
        "prompts/get" => prompt(params),
        "completion/complete" => completion(params),
        "logging/setLevel" => level(params, "level"),
        "subscriptions/listen" => {
            object(params, "notifications")?;
            reads_as::<SubscriptionFilter>(params, "notifications")
        }
        "tasks/get" | "tasks/cancel" => text(params, "taskId"),
        "tasks/update" => {
            text(params, "taskId")?;
            object(params, "inputResponses").map(|_| ())
        }
        "server/discover" => object(params, "_meta").map(|_| ()).map_err(about_meta),
        "notifications/cancelled" => cancelled(params),
        _ => Ok(()),
    }
}

const META_TEXT: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const META_LEVEL: &str = "io.modelcontextprotocol/logLevel";

fn meta(params: &mut Object) -> Checked {
    drop_null(params, "_meta");
    match optional_object(params, "_meta") {
        Ok(None) => Ok(()),
        Ok(Some(meta)) => reserved(meta).map_err(|wrong| Wrong {
            what: format!("in `_meta`: {}", wrong.what),
            meta: true,
        }),
        Err(wrong) => Err(about_meta(wrong)),
    }
}

fn about_meta(wrong: Wrong) -> Wrong {
    Wrong {
        meta: true,
        ..wrong
    }
}

/// The members of `_meta` that the protocol gives a meaning. The library takes one that it cannot read for absent.
fn reserved(meta: &Object) -> Checked {
    if meta.get("progressToken").is_some_and(|token| !is_id(token)) {
        return Err(wrong("`progressToken` must be a string or an integer"));
    }
    if meta.contains_key(META_TEXT) {
        text(meta, META_TEXT)?;
    }
    if meta.contains_key(META_LEVEL) {
        level(meta, META_LEVEL)?;
    }
    if optional_object(meta, META_CLIENT)?.is_some() {
        reads_as::<Implementation>(meta, META_CLIENT)?;
    }
    if optional_object(meta, META_CAPABILITIES)?.is_some() {
        reads_as::<ClientCapabilities>(meta, META_CAPABILITIES)?;
    }
    Ok(())
}

fn initialize(params: &Object) -> Checked {
    text(params, "protocolVersion")?;
    object(params, "capabilities")?;
    let client = object(params, "clientInfo")?;
    for key in ["name", "version"] {
        text(client, key).map_err(|_| wrong(format!("`clientInfo.{key}` must be a string")))?;
    }
    reads_as::<Implementation>(params, "clientInfo")?;
    reads_as::<ClientCapabilities>(params, "capabilities")
}

/// What a client brings when it repeats a request that needed its input.
fn answers(params: &mut Object) -> Checked {
    for key in ["inputResponses", "requestState"] {
        drop_null(params, key);
    }
    optional_object(params, "inputResponses")?;
    if params.contains_key("requestState") {
        text(params, "requestState")?;
    }
    Ok(())
}

fn tool_call(params: &mut Object) -> Checked {
    text(params, "name")?;
    if params.get("name").and_then(Value::as_str) == Some("") {
        return Err(wrong("`name` must not be empty"));
    }
    drop_null(params, "arguments");
    optional_object(params, "arguments")?;
    answers(params)
}

/// Every list of ours has one page, so that no cursor was ever given out.
fn cursor(params: &mut Object) -> Checked {
    drop_null(params, "cursor");
    match params.get("cursor") {
        None => Ok(()),
        Some(Value::String(_)) => Err(wrong("unknown cursor")),
        Some(_) => Err(wrong("`cursor` must be a string")),
    }
}

fn prompt(params: &mut Object) -> Checked {
    text(params, "name")?;
    drop_null(params, "arguments");
    match optional_object(params, "arguments")? {
        Some(arguments) if !arguments.values().all(Value::is_string) => {
            Err(wrong("every one of `arguments` must be a string"))
        }
        _ => answers(params),
    }
}

fn completion(params: &mut Object) -> Checked {
    let target = object(params, "ref")?;
    let key = match target.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => "name",
        Some("ref/resource") => "uri",
        _ => return Err(wrong("`ref.type` must be ref/prompt or ref/resource")),
    };
    text(target, key).map_err(|_| wrong(format!("`ref.{key}` must be a string")))?;
    if key == "name"
        && !target
            .get("title")
            .is_none_or(|title| title.is_string() || title.is_null())
    {
        return Err(wrong("`ref.title` must be a string"));
    }
    let argument = object(params, "argument")?;
    for key in ["name", "value"] {
        text(argument, key).map_err(|_| wrong(format!("`argument.{key}` must be a string")))?;
    }
    drop_null(params, "context");
    if let Some(context) = optional_object(params, "context")?
        && let Some(arguments) = context.get("arguments").filter(|value| !value.is_null())
        && !arguments
            .as_object()
            .is_some_and(|all| all.values().all(Value::is_string))
    {
        return Err(wrong("`context.arguments` must be an object of strings"));
    }
    Ok(())
}

fn level(params: &Object, key: &str) -> Checked {
    match params.get(key).and_then(Value::as_str) {
        Some(level) if LEVELS.contains(&level) => Ok(()),
        _ => Err(wrong(format!(
            "`{key}` must be one of {}",
            LEVELS.join(", ")
        ))),
    }
}

fn cancelled(params: &mut Object) -> Checked {
    drop_null(params, "reason");
    if !params.get("requestId").is_some_and(is_id) {
        return Err(wrong("`requestId` must be a string or an integer"));
    }
    match params.get("reason") {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(wrong("`reason` must be a string")),
    }
}

fn drop_null(params: &mut Object, key: &str) {
    if params.get(key).is_some_and(Value::is_null) {
        params.shift_remove(key);
    }
}

fn text(params: &Object, key: &str) -> Checked {
    if params.get(key).is_some_and(Value::is_string) {
        Ok(())
    } else {
        Err(wrong(format!("`{key}` must be a string")))
    }
}

fn object<'a>(params: &'a Object, key: &str) -> Result<&'a Object, Wrong> {
    optional_object(params, key)?.ok_or_else(|| wrong(format!("`{key}` must be an object")))
}

fn optional_object<'a>(params: &'a Object, key: &str) -> Result<Option<&'a Object>, Wrong> {
    match params.get(key) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(wrong(format!("`{key}` must be an object"))),
    }
}

/// Checks what is nested deeper with the library's own eyes: its types change more often than this file.
fn reads_as<T: DeserializeOwned>(params: &Object, key: &str) -> Checked {
    match params.get(key).map(T::deserialize) {
        Some(Err(_)) => Err(wrong(format!("a member of `{key}` has the wrong type"))),
        _ => Ok(()),
    }
}
