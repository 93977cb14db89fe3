//! The envelope: which of the three kinds of message an object is.

use serde_json::{Map, Value};

use super::{Kind, Rejection};

/// The kind of a message. Takes `params: null` away, which is how some serializers write none.
pub(super) fn of(message: &mut Map<String, Value>) -> Result<Kind, Rejection> {
    let invalid = |what: &str| Rejection::message(format!("Invalid request: {what}"));
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("`jsonrpc` must be \"2.0\""));
    }
    if message.get("params").is_some_and(Value::is_null) {
        // The order of the members is kept: it is what people see in logs and captures.
        message.shift_remove("params");
    }
    let (has_result, has_error) = (message.contains_key("result"), message.contains_key("error"));
    match (message.get("method"), message.get("id")) {
        (Some(_), _) if has_result || has_error => Err(invalid("both a request and a response")),
        (Some(Value::String(_)), None) => Ok(Kind::Notification),
        (Some(Value::String(_)), Some(id)) if is_id(id) => Ok(Kind::Request { id: id.clone() }),
        (Some(Value::String(_)), Some(_)) => Err(invalid("`id` must be a string or an integer")),
        (Some(_), _) => Err(invalid("`method` must be a string")),
        (None, id) => response(id, message.get("result"), message.get("error")).map_err(invalid),
    }
}

fn response(id: Option<&Value>, result: Option<&Value>, error: Option<&Value>) -> Result<Kind, &'static str> {
    match (result, error) {
        (None, None) => Err("neither `method` nor `result` nor `error`"),
        (Some(_), Some(_)) => Err("both `result` and `error`"),
        (Some(_), None) if !id.is_some_and(is_id) => Err("`id` must be a string or an integer"),
        // The one place of a null id: the peer could not read what it answers.
        (None, Some(_)) if !id.is_none_or(|id| id.is_null() || is_id(id)) => {
            Err("`id` must be a string or an integer")
        }
        (None, Some(error)) if !is_error(error) => {
            Err("`error` must have an integer `code` and a string `message`")
        }
        _ => Ok(Kind::Response),
    }
}

fn is_error(error: &Value) -> bool {
    let code = error.get("code").and_then(Value::as_i64);
    code.is_some_and(|code| i32::try_from(code).is_ok()) && error.get("message").is_some_and(Value::is_string)
}

/// A string, or an integer in 64 bits: what is written with a fraction or an exponent may come back otherwise.
pub(super) fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64()
}
