//! Whether bytes are one JSON-RPC message of this protocol, and what it is.
//!
//! Strict where the protocol library would misread a message (it takes a call with wrong parameters for a method
//! that it does not know) and lenient where serializers differ: `null` for an optional member is its absence.

mod field;
mod params;
mod shape;

use serde_json::{Map, Value, json};

/// The bytes are no JSON.
pub const PARSE_ERROR: i64 = -32_700;
/// The JSON is no message.
pub const INVALID_REQUEST: i64 = -32_600;
/// The message is one, but its parameters are not what its method takes.
pub const INVALID_PARAMS: i64 = -32_602;

/// What a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Wants an answer.
    Request {
        /// A string or an integer.
        id: Value,
    },
    /// Wants none.
    Notification,
    /// Is one: a result or an error for something that the server asked.
    Response,
}

/// A message that may go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// What it is.
    pub kind: Kind,
    /// Its method, unless it is a response.
    pub method: Option<String>,
    /// The tool that it calls.
    pub tool_name: Option<String>,
    /// The message as it was understood: of two members with the same name the last.
    pub value: Value,
}

impl Inspected {
    /// The message as it was understood, in one line.
    ///
    /// Hand on these bytes and not the ones received: whoever parses next then cannot read anything else into them.
    pub fn bytes(&self) -> Vec<u8> {
        // A `Value` has string keys and finite numbers, so writing it to memory does not fail.
        serde_json::to_vec(&self.value).unwrap_or_default()
    }

    /// The member of that name in `params._meta`.
    pub fn meta(&self, name: &str) -> Option<&Value> {
        self.value.get("params")?.get("_meta")?.get(name)
    }
}

/// What was wrong: decides who hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Message,
    Params,
    Meta,
}

/// Why a message goes no further, as JSON-RPC says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// The id of the request, where there is a valid request to name.
    pub id: Option<Value>,
    /// One of [`PARSE_ERROR`], [`INVALID_REQUEST`] and [`INVALID_PARAMS`].
    pub code: i64,
    /// What is wrong, and where.
    pub message: String,
    fault: Fault,
    notification: bool,
}

impl Rejection {
    pub(crate) fn parse(message: impl Into<String>) -> Self {
        Self::new(None, PARSE_ERROR, message, Fault::Message)
    }

    pub(crate) fn message(message: impl Into<String>) -> Self {
        Self::new(None, INVALID_REQUEST, message, Fault::Message)
    }

    fn new(id: Option<Value>, code: i64, message: impl Into<String>, fault: Fault) -> Self {
        Self { id, code, message: message.into(), fault, notification: false }
    }

    /// Whether the message was a notification: its sender expects no answer, not even this one.
    pub fn is_notification(&self) -> bool {
        self.notification
    }

    /// Whether `_meta` was at fault, which HTTP reports in the status.
    pub fn is_about_meta(&self) -> bool {
        self.fault == Fault::Meta
    }

    /// The JSON-RPC error. `id` is null where no request can be named.
    pub fn to_json(&self) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": self.id.clone().unwrap_or(Value::Null),
            "error": {"code": self.code, "message": self.message},
        })
    }
}

/// Reads one message.
///
/// # Errors
/// [`PARSE_ERROR`] for what is no JSON in UTF-8, or nested deeper than 127 levels; [`INVALID_REQUEST`] for JSON that
/// is no message of JSON-RPC 2.0, batches included; [`INVALID_PARAMS`] for a method of the protocol whose parameters
/// have a wrong type, and for a cursor, because no list of ours has a second page.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, Rejection> {
    // RFC 8259 lets a reader pass over the byte order mark that some writers put first.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Rejection::parse("Parse error: not UTF-8"))?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Rejection::parse(format!(
            "Parse error: no JSON at line {} column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut message = match value {
        Value::Object(message) => message,
        Value::Array(_) => return Err(Rejection::message("Invalid request: batches are not supported")),
        _ => return Err(Rejection::message("Invalid request: a message is an object")),
    };
    let kind = shape::of(&mut message)?;
    let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
    let mut tool_name = None;
    if let Some(method) = &method {
        params::check(method, &message).map_err(|(fault, what)| {
            let id = if let Kind::Request { id } = &kind { Some(id.clone()) } else { None };
            let mut rejection = Rejection::new(id, INVALID_PARAMS, format!("Invalid params: {what}"), fault);
            rejection.notification = kind == Kind::Notification;
            rejection
        })?;
        if method == "tools/call" {
            tool_name = tool(&message);
        }
    }
    Ok(Inspected { kind, method, tool_name, value: Value::Object(message) })
}

fn tool(message: &Map<String, Value>) -> Option<String> {
    Some(message.get("params")?.get("name")?.as_str()?.to_owned())
}
