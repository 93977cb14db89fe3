//! One JSON-RPC message, read strictly, before the protocol library sees it.
//!
//! The library reads messages as untagged alternatives: a request with one field of the wrong type is taken for a
//! custom request, or for nothing at all and left without an answer. Here every message that it would misread gets
//! its error, and what passes is written anew, so that both sides read the same message.

use serde_json::{Map, Value, json};

use super::fields;

/// The text is not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// The JSON is not a JSON-RPC message.
pub const INVALID_REQUEST: i64 = -32600;
/// The parameters do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id, and wants an answer.
    Request,
    /// It has a method and no id.
    Notification,
    /// It answers a request of ours.
    Response,
}

/// A message that may pass.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// What it is.
    pub kind: Kind,
    /// Its method, unless it is a response.
    pub method: Option<String>,
    /// The message, cleaned.
    pub value: Value,
}

impl Inspected {
    /// The message written anew: one line, every key once.
    pub fn canonical(&self) -> Vec<u8> {
        self.value.to_string().into_bytes()
    }
}

/// A message that may not pass, and its answer.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The id of the request, where one could be read.
    pub id: Option<Value>,
    /// The JSON-RPC code.
    pub code: i64,
    /// What is wrong, without repeating what was sent.
    pub message: String,
    /// The HTTP status that goes with it.
    pub status: u16,
}

impl Rejection {
    /// The JSON-RPC error response.
    pub fn to_json(&self) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": self.id,
            "error": { "code": self.code, "message": self.message },
        })
    }

    pub(super) fn parse(message: impl Into<String>) -> Self {
        Self {
            id: None,
            code: PARSE_ERROR,
            message: message.into(),
            status: 400,
        }
    }

    pub(super) fn invalid(id: Option<Value>, message: impl Into<String>) -> Self {
        Self {
            id,
            code: INVALID_REQUEST,
            message: message.into(),
            status: 400,
        }
    }
}

/// Reads one message.
///
/// # Errors
/// The answer that the sender gets instead.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, Rejection> {
    // The parser's own text may quote the input, its position never does.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Rejection::parse(format!(
            "Parse error: not JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let Value::Object(mut message) = value else {
        let what = if value.is_array() {
            "batches are not supported"
        } else {
            "not an object"
        };
        return Err(Rejection::invalid(None, format!("Invalid Request: {what}")));
    };
    if message.contains_key("method") {
        call(message)
    } else {
        response(&mut message)
    }
}

fn call(mut message: Map<String, Value>) -> Result<Inspected, Rejection> {
    let id = match message.get("id") {
        None => None,
        Some(id) if fields::is_id(id) => Some(id.clone()),
        Some(_) => {
            return Err(Rejection::invalid(
                None,
                "Invalid Request: `id` must be a string or an integer",
            ));
        }
    };
    let invalid = |what: &str| Rejection::invalid(id.clone(), format!("Invalid Request: {what}"));
    version(&message).map_err(invalid)?;
    let Some(method) = message
        .get("method")
        .and_then(Value::as_str)
        .map(str::to_owned)
    else {
        return Err(invalid("`method` must be a string"));
    };
    if message.contains_key("result") || message.contains_key("error") {
        return Err(invalid("a message is either a call or a response"));
    }
    if message.get("params").is_some_and(Value::is_null) {
        message.shift_remove("params");
    }
    fields::check(&method, &mut message).map_err(|wrong| Rejection {
        // Only a request has an answer in the protocol; anything else is refused by the transport.
        status: if wrong.meta || id.is_none() { 400 } else { 200 },
        id: id.clone(),
        code: INVALID_PARAMS,
        message: format!("Invalid params: {}", wrong.what),
    })?;
    let kind = if id.is_some() {
        Kind::Request
    } else {
        Kind::Notification
    };
    Ok(Inspected {
        kind,
        method: Some(method),
        value: Value::Object(message),
    })
}

/// The id of a response is one of ours, so that no error may be sent under it.
fn response(message: &mut Map<String, Value>) -> Result<Inspected, Rejection> {
    let invalid = |what: &str| Rejection::invalid(None, format!("Invalid Request: {what}"));
    version(message).map_err(invalid)?;
    let well = match (message.get("result"), message.get("error")) {
        (Some(result), None) => result.is_object(),
        (None, Some(error)) => {
            error
                .get("code")
                .is_some_and(|code| code.as_i64().is_some_and(|c| i32::try_from(c).is_ok()))
                && error.get("message").is_some_and(Value::is_string)
        }
        (None, None) => return Err(invalid("`method` is missing")),
        (Some(_), Some(_)) => return Err(invalid("a response has a result or an error, not both")),
    };
    if !well {
        return Err(invalid(
            "the result must be an object, the error a code and a message",
        ));
    }
    // An error without an id is about a message of ours that the peer could not read. To answer that with an error
    // could go on for ever.
    let unnamed = message.contains_key("error") && message.get("id").is_none_or(Value::is_null);
    if !unnamed && !message.get("id").is_some_and(fields::is_id) {
        return Err(invalid("`id` must be a string or an integer"));
    }
    Ok(Inspected {
        kind: Kind::Response,
        method: None,
        value: Value::Object(std::mem::take(message)),
    })
}

fn version(message: &Map<String, Value>) -> Result<(), &'static str> {
    match message.get("jsonrpc").and_then(Value::as_str) {
        Some("2.0") => Ok(()),
        _ => Err("`jsonrpc` must be \"2.0\""),
    }
}
