//! Text.

use bson::Bson;

use super::{
    Value, convert,
    functions::{NULL, integer, is_nullish, kind},
};
use crate::sandbox::{
    compare::text,
    failure::{Failure, Result},
};

fn string(text: impl Into<String>) -> Value {
    Some(Bson::String(text.into()))
}

pub(super) fn concat(name: &str, arguments: &[Value]) -> Result<Value> {
    let mut out = String::new();
    for argument in arguments {
        if is_nullish(argument) {
            return Ok(NULL);
        }
        let Some(text) = argument.as_ref().and_then(text) else {
            let kind = kind(argument);
            return Err(Failure::new(
                16702,
                format!("{name} only supports strings, not {kind}"),
            ));
        };
        out.push_str(text);
    }
    Ok(string(out))
}

pub(super) fn case(name: &str, arguments: &[Value]) -> Result<Value> {
    let text = coerced(name, arguments.first().unwrap_or(&None))?;
    // Only ASCII letters have cases to the server.
    let upper = name == "$toUpper";
    Ok(string(if upper {
        text.to_ascii_uppercase()
    } else {
        text.to_ascii_lowercase()
    }))
}

/// Numbers and dates stand for their text, null for the empty one.
fn coerced(name: &str, value: &Value) -> Result<String> {
    match value {
        value if is_nullish(value) => Ok(String::new()),
        Some(Bson::Boolean(_) | Bson::Document(_) | Bson::Array(_) | Bson::ObjectId(_)) => {
            let kind = kind(value);
            Err(Failure::new(
                16007,
                format!("can't convert from BSON type {kind} to String"),
            ))
        }
        Some(value) => convert::text_of(value).ok_or_else(|| {
            Failure::new(
                16007,
                format!("{name} can't convert its argument to String"),
            )
        }),
        None => Ok(String::new()),
    }
}

pub(super) fn length(name: &str, arguments: &[Value]) -> Result<Value> {
    let argument = arguments.first().unwrap_or(&None);
    let Some(text) = argument.as_ref().and_then(text) else {
        let kind = kind(argument);
        return Err(Failure::new(
            34471,
            format!("{name} requires a string argument, found: {kind}"),
        ));
    };
    let length = if name == "$strLenCP" {
        text.chars().count()
    } else {
        text.len()
    };
    Ok(Some(crate::sandbox::number::count(length)))
}

pub(super) fn split(name: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let texts: Vec<&str> = arguments.iter().flatten().filter_map(text).collect();
    match texts.as_slice() {
        [_, ""] => Err(Failure::new(
            40087,
            format!("{name} requires a non-empty separator"),
        )),
        [input, separator] => Ok(Some(Bson::Array(
            input
                .split(separator)
                .map(|part| Bson::String(part.to_owned()))
                .collect(),
        ))),
        _ => Err(Failure::new(
            40085,
            format!("{name} requires an expression that evaluates to a string"),
        )),
    }
}

/// `$substr` counts bytes, `$substrCP` characters; a negative length runs to the end in bytes only.
pub(super) fn substring(name: &str, arguments: &[Value]) -> Result<Value> {
    let [input, start, length] = arguments else {
        return Ok(NULL);
    };
    let input = coerced(name, input)?;
    let number = |value: &Value, what: &str| {
        integer(value).ok_or_else(|| {
            let kind = kind(value);
            Failure::new(
                16034,
                format!("{name}: {what} must be a numeric type (is BSON type {kind})"),
            )
        })
    };
    let (start, length) = (number(start, "starting index")?, number(length, "length")?);
    let Ok(start) = usize::try_from(start) else {
        return Err(Failure::new(
            50752,
            format!("{name}: starting index must be non-negative (got: {start})"),
        ));
    };
    if name == "$substrCP" {
        let Ok(length) = usize::try_from(length) else {
            return Err(Failure::new(
                34454,
                format!("{name}: length must be a nonnegative integer."),
            ));
        };
        return Ok(string(
            input.chars().skip(start).take(length).collect::<String>(),
        ));
    }
    let length = usize::try_from(length).unwrap_or(input.len());
    let start = start.min(input.len());
    let end = start.saturating_add(length).min(input.len());
    input.get(start..end).map(string).ok_or_else(|| {
        Failure::new(
            28656,
            format!("{name}: Invalid range, starting index is a UTF-8 continuation byte."),
        )
    })
}

pub(super) fn trim(name: &str, arguments: &[Value]) -> Result<Value> {
    let [input, characters] = arguments else {
        return Ok(NULL);
    };
    if is_nullish(input) {
        return Ok(NULL);
    }
    let Some(input) = input.as_ref().and_then(text) else {
        let kind = kind(input);
        return Err(Failure::new(
            50699,
            format!("{name} requires its input to be a string, got {kind} instead."),
        ));
    };
    let set: Option<Vec<char>> = match characters {
        None => None,
        Some(Bson::String(set)) => Some(set.chars().collect()),
        Some(_) => {
            return Err(Failure::new(
                50700,
                format!("{name} requires 'chars' to be a string"),
            ));
        }
    };
    let strip = |c: char| match &set {
        Some(set) => set.contains(&c),
        None => c.is_whitespace() || c == '\0',
    };
    Ok(string(match name {
        "$ltrim" => input.trim_start_matches(strip),
        "$rtrim" => input.trim_end_matches(strip),
        _ => input.trim_matches(strip),
    }))
}
