//! Arrays and embedded documents.

use bson::{Bson, Document, doc};

use super::{
    Value,
    functions::{NULL, boolean, integer, is_nullish, kind},
};
use crate::sandbox::{
    compare::equal,
    failure::{Failure, Result},
    number::{count, integer as small},
};

fn list<'a>(value: &'a Value, code: i32, what: &str) -> Result<Option<&'a Vec<Bson>>> {
    match value {
        Some(Bson::Array(items)) => Ok(Some(items)),
        value if is_nullish(value) => Ok(None),
        value => {
            let kind = kind(value);
            Err(Failure::new(
                code,
                format!("{what} must be an array, but was of type: {kind}"),
            ))
        }
    }
}

pub(super) fn size(name: &str, arguments: &[Value]) -> Result<Value> {
    match arguments.first() {
        Some(Some(Bson::Array(items))) => Ok(Some(count(items.len()))),
        other => {
            let kind = other.map_or("missing", kind);
            Err(Failure::new(
                17124,
                format!("The argument to {name} must be an array, but was of type: {kind}"),
            ))
        }
    }
}

/// Counts from the end where `at` is negative.
fn place(at: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if at < 0 { at.checked_add(length)? } else { at }).ok()
}

pub(super) fn element_at(name: &str, arguments: &[Value]) -> Result<Value> {
    let [array, at] = arguments else {
        return Ok(NULL);
    };
    if is_nullish(array) || is_nullish(at) {
        return Ok(NULL);
    }
    let Some(items) = list(array, 28689, &format!("{name}'s first argument"))? else {
        return Ok(NULL);
    };
    let at = integer(at).ok_or_else(|| {
        let kind = kind(at);
        Failure::new(
            28690,
            format!("{name}'s second argument must be a numeric value, but is {kind}"),
        )
    })?;
    Ok(place(at, items.len()).and_then(|at| items.get(at)).cloned())
}

pub(super) fn end(name: &str, arguments: &[Value]) -> Result<Value> {
    let array = arguments.first().unwrap_or(&None);
    let Some(items) = list(array, 28689, &format!("{name}'s argument"))? else {
        return Ok(NULL);
    };
    Ok(if name == "$first" {
        items.first()
    } else {
        items.last()
    }
    .cloned())
}

pub(super) fn contains(name: &str, arguments: &[Value]) -> Result<Value> {
    let [value, Some(Bson::Array(items))] = arguments else {
        let kind = arguments.get(1).map_or("missing", kind);
        return Err(Failure::new(
            40081,
            format!("{name} requires an array as a second argument, found: {kind}"),
        ));
    };
    let found = value
        .as_ref()
        .is_some_and(|value| items.iter().any(|item| equal(item, value)));
    Ok(boolean(found))
}

pub(super) fn is_array(_: &str, arguments: &[Value]) -> Result<Value> {
    Ok(boolean(matches!(
        arguments.first(),
        Some(Some(Bson::Array(_)))
    )))
}

pub(super) fn concat(name: &str, arguments: &[Value]) -> Result<Value> {
    let mut out = Vec::new();
    for argument in arguments {
        match argument {
            Some(Bson::Array(items)) => out.extend(items.iter().cloned()),
            value if is_nullish(value) => return Ok(NULL),
            value => {
                let kind = kind(value);
                return Err(Failure::new(
                    28664,
                    format!("{name} only supports arrays, not {kind}"),
                ));
            }
        }
    }
    Ok(Some(Bson::Array(out)))
}

pub(super) fn reverse(name: &str, arguments: &[Value]) -> Result<Value> {
    let array = arguments.first().unwrap_or(&None);
    let items = list(array, 34435, &format!("The argument to {name}"))?;
    Ok(items.map_or(NULL, |items| {
        Some(Bson::Array(items.iter().rev().cloned().collect()))
    }))
}

pub(super) fn slice(name: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let array = arguments.first().unwrap_or(&None);
    let Some(items) = list(array, 28724, &format!("First argument to {name}"))? else {
        return Ok(NULL);
    };
    let bad = |code| Failure::new(code, format!("{name} needs integers, and a positive count"));
    let first = arguments
        .get(1)
        .and_then(integer)
        .ok_or_else(|| bad(28725))?;
    let third = match arguments.get(2) {
        Some(third) => Some(
            integer(third)
                .filter(|count| *count > 0)
                .ok_or_else(|| bad(28729))?,
        ),
        None => None,
    };
    Ok(Some(Bson::Array(cut(items, first, third))))
}

/// The first or last `first` items, or `count` of them from position `first` on.
pub(crate) fn cut(items: &[Bson], first: i64, count: Option<i64>) -> Vec<Bson> {
    let (start, count) = match count {
        Some(count) => (place(first, items.len()).unwrap_or(0), count),
        None if first < 0 => (place(first, items.len()).unwrap_or(0), i64::MAX),
        None => (0, first),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    items.iter().skip(start).take(count).cloned().collect()
}

pub(super) fn range(name: &str, arguments: &[Value]) -> Result<Value> {
    let bad = || Failure::new(34443, format!("{name} requires numeric values of 32 bits"));
    let numbers = arguments.iter().map(|value| {
        integer(value)
            .filter(|value| i32::try_from(*value).is_ok())
            .ok_or_else(bad)
    });
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    let (start, end, step) = match numbers.as_slice() {
        [start, end] => (*start, *end, 1),
        [start, end, step] => (*start, *end, *step),
        _ => return Err(bad()),
    };
    if step == 0 {
        return Err(Failure::new(
            34449,
            format!("{name} requires a non-zero step value"),
        ));
    }
    let length = (end - start).abs() / step.abs();
    if length > 1_000_000 {
        return Err(Failure::not_implemented(
            "a $range of more than a million numbers",
        ));
    }
    let mut out = Vec::new();
    let mut at = start;
    while (step > 0 && at < end) || (step < 0 && at > end) {
        out.push(small(at));
        at += step;
    }
    Ok(Some(Bson::Array(out)))
}

pub(super) fn merge_objects(name: &str, arguments: &[Value]) -> Result<Value> {
    let values: Vec<&Bson> = match arguments {
        [Some(Bson::Array(items))] => items.iter().collect(),
        several => several.iter().flatten().collect(),
    };
    let mut merged = Document::new();
    for value in values {
        merge(name, &mut merged, value)?;
    }
    Ok(Some(Bson::Document(merged)))
}

/// Adds the fields of `value`, which may be null, over those already there.
pub(crate) fn merge(name: &str, merged: &mut Document, value: &Bson) -> Result<()> {
    match value {
        Bson::Document(document) => {
            merged.extend(document.clone());
            Ok(())
        }
        Bson::Null | Bson::Undefined => Ok(()),
        other => {
            let kind = crate::sandbox::compare::type_name(other);
            Err(Failure::new(
                40400,
                format!("{name} requires object inputs, but input {other} is of type {kind}"),
            ))
        }
    }
}

pub(super) fn from_object(name: &str, arguments: &[Value]) -> Result<Value> {
    match arguments.first() {
        Some(Some(Bson::Document(document))) => Ok(Some(Bson::Array(
            document
                .iter()
                .map(|(key, value)| Bson::Document(doc! { "k": key, "v": value.clone() }))
                .collect(),
        ))),
        Some(value) if is_nullish(value) => Ok(NULL),
        other => {
            let kind = other.map_or("missing", kind);
            Err(Failure::new(
                40390,
                format!("{name} requires a document input, found: {kind}"),
            ))
        }
    }
}

pub(super) fn to_object(name: &str, arguments: &[Value]) -> Result<Value> {
    let Some(items) = list(arguments.first().unwrap_or(&None), 40386, name)? else {
        return Ok(NULL);
    };
    let mut document = Document::new();
    for item in items {
        let pair = match item {
            Bson::Document(pair) => pair.get_str("k").ok().zip(pair.get("v")),
            Bson::Array(pair) => match pair.as_slice() {
                [Bson::String(key), value] => Some((key.as_str(), value)),
                _ => None,
            },
            _ => None,
        };
        let (key, value) = pair.ok_or_else(|| {
            Failure::new(
                40398,
                format!("{name} requires pairs of a string key and a value"),
            )
        })?;
        document.insert(key, value.clone());
    }
    Ok(Some(Bson::Document(document)))
}
