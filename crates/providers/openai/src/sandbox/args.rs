//! What a request asks for, read with the API's own words for what is wrong.

use std::ops::RangeInclusive;

use business_tools_sandbox::Multipart;
use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{FromRequest, Request};
use business_tools_sandbox::axum::http::HeaderMap;
use business_tools_sandbox::multipart::Part;
use serde_json::{Map, Value};

use super::answer::{Refusal, Taken};

/// The fields of a JSON body or of a form.
#[derive(Debug, Default)]
pub(super) struct Args {
    fields: Map<String, Value>,
    /// The files of a form.
    files: Vec<Part>,
    /// Whether numbers and flags come as text.
    form: bool,
}

/// A JSON body.
pub(super) struct Json(pub(super) Args);

/// A form.
pub(super) struct Form(pub(super) Args);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Taken<Self> {
        Args::json(&whole(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Taken<Self> {
        let headers = request.headers().clone();
        Args::form(&headers, whole(request, state).await?).map(Self)
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Taken<Bytes> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|_| Refusal::new(400, "The request body could not be read."))
}

impl Args {
    pub(super) fn json(body: &[u8]) -> Taken<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            let message = "We could not parse the JSON body of your request. (HINT: This likely \
                           means you aren't using your HTTP library correctly. The OpenAI API \
                           expects a JSON payload, but what was sent was not valid JSON. If you \
                           have trouble figuring out how to fix this, please contact us through \
                           our help center at help.openai.com.)";
            return Err(Refusal::new(400, message));
        };
        Ok(Self {
            fields,
            ..Self::default()
        })
    }

    pub(super) fn form(headers: &HeaderMap, body: Bytes) -> Taken<Self> {
        let kind = headers.get("content-type").and_then(|v| v.to_str().ok());
        let kind = kind.unwrap_or_default();
        let form = Multipart::parse(kind, body).map_err(|_| {
            Refusal::new(
                400,
                "Could not parse multipart form: the body is not `multipart/form-data` with a \
                 boundary, or it ends too early.",
            )
        })?;
        let mut args = Self {
            form: true,
            ..Self::default()
        };
        for part in form.iter() {
            if part.file_name.is_some() {
                args.files.push(part.clone());
            } else {
                place(&mut args.fields, &part.name, part.text());
            }
        }
        Ok(args)
    }

    /// The files of a form under `name` or `name[]`, in order.
    pub(super) fn files(&self, name: &str) -> Vec<&Part> {
        let is = |part: &&Part| part.name.strip_suffix("[]").unwrap_or(&part.name) == name;
        self.files.iter().filter(is).collect()
    }

    /// Refuses what the operation does not know, and what the simulator does not do.
    pub(super) fn only(&self, known: &[&str], not_here: &[&str]) -> Taken<()> {
        let files = self.files.iter();
        let files = files.map(|part| part.name.strip_suffix("[]").unwrap_or(&part.name));
        for name in self.fields.keys().map(String::as_str).chain(files) {
            if not_here.contains(&name) && self.value(name).is_some() {
                let message = format!("Unsupported parameter: '{name}' is not simulated.");
                return Err(Refusal::at(name, "unsupported_parameter", message));
            }
            if !known.contains(&name) && !not_here.contains(&name) {
                let message = format!("Unknown parameter: '{name}'.");
                return Err(Refusal::at(name, "unknown_parameter", message));
            }
        }
        Ok(())
    }

    /// The field, unless it is missing or null.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Taken<Option<&str>> {
        self.value(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| wrong_type(name, "a string", value))
            })
            .transpose()
    }

    /// A text of at most so many letters.
    pub(super) fn bounded(&self, name: &str, max: usize) -> Taken<Option<&str>> {
        let text = self.text(name)?;
        let length = text.map_or(0, |text| text.chars().count());
        if length > max {
            let message = format!(
                "Invalid '{name}': string too long. Expected a string with maximum length {max}, \
                 but got a string with length {length} instead."
            );
            return Err(Refusal::at(name, "string_above_max_length", message));
        }
        Ok(text)
    }

    pub(super) fn need_text(&self, name: &str) -> Taken<&str> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn need(&self, name: &str) -> Taken<&Value> {
        self.value(name).ok_or_else(|| missing(name))
    }

    pub(super) fn object(&self, name: &str) -> Taken<Option<&Map<String, Value>>> {
        self.value(name)
            .map(|value| {
                value
                    .as_object()
                    .ok_or_else(|| wrong_type(name, "an object", value))
            })
            .transpose()
    }

    /// The items of a list; in a form also a single one.
    pub(super) fn list(&self, name: &str) -> Taken<Option<Vec<&Value>>> {
        self.value(name)
            .map(|value| match value {
                Value::Array(items) => Ok(items.iter().collect()),
                one if self.form => Ok(vec![one]),
                other => Err(wrong_type(name, "an array", other)),
            })
            .transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Taken<Option<bool>> {
        self.value(name)
            .map(|value| {
                let told = match value {
                    Value::String(text) if self.form => text.to_ascii_lowercase().parse().ok(),
                    other => other.as_bool(),
                };
                told.ok_or_else(|| wrong_type(name, "a boolean", value))
            })
            .transpose()
    }

    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Taken<Option<i64>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let told = match value {
            Value::String(text) if self.form => text.parse().ok(),
            other => other.as_i64(),
        };
        let number = told.ok_or_else(|| wrong_type(name, "an integer", value))?;
        let (code, side, bound) = if number < *range.start() {
            (
                "integer_below_min_value",
                "below minimum",
                format!(">= {}", range.start()),
            )
        } else if number > *range.end() {
            (
                "integer_above_max_value",
                "above maximum",
                format!("<= {}", range.end()),
            )
        } else {
            return Ok(Some(number));
        };
        let message = format!(
            "Invalid '{name}': integer {side} value. Expected a value {bound}, but got {number} \
             instead."
        );
        Err(Refusal::at(name, code, message))
    }

    pub(super) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Taken<Option<f64>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let told = match value {
            Value::String(text) if self.form => text.parse().ok(),
            other => other.as_f64(),
        };
        let number = told.ok_or_else(|| wrong_type(name, "a decimal", value))?;
        let (code, side, bound) = if number < *range.start() {
            (
                "decimal_below_min_value",
                "below minimum",
                format!(">= {}", range.start()),
            )
        } else if number > *range.end() {
            (
                "decimal_above_max_value",
                "above maximum",
                format!("<= {}", range.end()),
            )
        } else {
            return Ok(Some(number));
        };
        let message = format!(
            "Invalid '{name}': decimal {side} value. Expected a value {bound}, but got {number} \
             instead."
        );
        Err(Refusal::at(name, code, message))
    }

    pub(super) fn one_of(&self, name: &str, values: &[&str]) -> Taken<Option<&str>> {
        match self.text(name)? {
            Some(text) if !values.contains(&text) => Err(unsupported(name, text, values)),
            text => Ok(text),
        }
    }
}

/// `expires_after[seconds]` is a member of an object, `languages[]` an item of a list.
fn place(fields: &mut Map<String, Value>, name: &str, text: String) {
    if let Some(list) = name.strip_suffix("[]") {
        let items = fields
            .entry(list)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = items {
            items.push(text.into());
        }
        return;
    }
    let member = name.strip_suffix(']').and_then(|name| name.split_once('['));
    match member {
        Some((object, member)) => {
            let object = fields
                .entry(object)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(members) = object {
                members.insert(member.to_owned(), text.into());
            }
        }
        None => {
            fields.insert(name.to_owned(), text.into());
        }
    }
}

pub(super) fn missing(name: &str) -> Refusal {
    let message = format!("Missing required parameter: '{name}'.");
    Refusal::at(name, "missing_required_parameter", message)
}

pub(super) fn wrong_type(name: &str, expected: &str, got: &Value) -> Refusal {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{name}': expected {expected}, but got {got} instead.");
    Refusal::at(name, "invalid_type", message)
}

pub(super) fn unsupported(name: &str, value: &str, values: &[&str]) -> Refusal {
    let quoted: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
    let list = match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    };
    let message = format!("Invalid value: '{value}'. Supported values are: {list}.");
    Refusal::at(name, "invalid_value", message)
}
