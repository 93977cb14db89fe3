//! From one type to another.

use bson::{Bson, DateTime, oid::ObjectId};

use super::{
    Value, dates,
    functions::{NULL, boolean, is_nullish, kind, number},
};
use crate::sandbox::{
    compare::truthy,
    decimal::Decimal,
    failure::{Failure, Result},
    number::Number,
};

pub(super) fn type_of(_: &str, arguments: &[Value]) -> Result<Value> {
    Ok(Some(Bson::String(
        arguments.first().map_or("missing", kind).to_owned(),
    )))
}

pub(super) fn is_number(_: &str, arguments: &[Value]) -> Result<Value> {
    Ok(boolean(arguments.first().and_then(number).is_some()))
}

fn unsupported(value: &Value, target: &str) -> Failure {
    let kind = kind(value);
    Failure::new(
        241,
        format!("Unsupported conversion from {kind} to {target} in $convert with no onError value"),
    )
}

fn unparsed(text: &str, target: &str) -> Failure {
    Failure::new(
        241,
        format!("Failed to parse {target} '{text}' in $convert with no onError value"),
    )
}

/// The text of a scalar, as `$toString` has it.
pub(super) fn text_of(value: &Bson) -> Option<String> {
    Some(match value {
        Bson::String(text) | Bson::Symbol(text) => text.clone(),
        Bson::Boolean(value) => value.to_string(),
        Bson::Int32(value) => value.to_string(),
        Bson::Int64(value) => value.to_string(),
        Bson::Double(value) => format_double(*value),
        Bson::Decimal128(value) => value.to_string(),
        Bson::ObjectId(value) => value.to_hex(),
        Bson::DateTime(value) => dates::format_date(*value, "%Y-%m-%dT%H:%M:%S.%LZ").ok()?,
        _ => return None,
    })
}

fn format_double(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    value.to_string()
}

pub(super) fn to_string(_: &str, arguments: &[Value]) -> Result<Value> {
    let argument = arguments.first().unwrap_or(&None);
    match argument {
        Some(value) if !is_nullish(argument) => text_of(value)
            .map(|text| Some(Bson::String(text)))
            .ok_or_else(|| unsupported(argument, "string")),
        _ => Ok(NULL),
    }
}

pub(super) fn to_bool(_: &str, arguments: &[Value]) -> Result<Value> {
    let argument = arguments.first().unwrap_or(&None);
    Ok(argument
        .as_ref()
        .filter(|_| !is_nullish(argument))
        .map_or(NULL, |value| boolean(truthy(value))))
}

pub(super) fn to_object_id(_: &str, arguments: &[Value]) -> Result<Value> {
    match arguments.first().unwrap_or(&None) {
        Some(Bson::ObjectId(id)) => Ok(Some(Bson::ObjectId(*id))),
        Some(Bson::String(text)) => ObjectId::parse_str(text)
            .map(|id| Some(Bson::ObjectId(id)))
            .map_err(|_| unparsed(text, "objectId")),
        value if is_nullish(value) => Ok(NULL),
        value => Err(unsupported(value, "objectId")),
    }
}

pub(super) fn to_date(_: &str, arguments: &[Value]) -> Result<Value> {
    let argument = arguments.first().unwrap_or(&None);
    let date = match argument {
        Some(Bson::DateTime(date)) => *date,
        Some(Bson::ObjectId(id)) => id.timestamp(),
        Some(Bson::String(text)) => {
            DateTime::parse_rfc3339_str(text).map_err(|_| unparsed(text, "date"))?
        }
        Some(Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_)) => number(argument)
            .and_then(Number::truncated)
            .map(DateTime::from_millis)
            .ok_or_else(|| unsupported(argument, "date"))?,
        value if is_nullish(value) => return Ok(NULL),
        value => return Err(unsupported(value, "date")),
    };
    Ok(Some(Bson::DateTime(date)))
}

pub(super) fn to_number(name: &str, arguments: &[Value]) -> Result<Value> {
    let target = match name {
        "$toInt" => "int",
        "$toLong" => "long",
        "$toDouble" => "double",
        _ => "decimal",
    };
    let argument = arguments.first().unwrap_or(&None);
    let number = match argument {
        value if is_nullish(value) => return Ok(NULL),
        Some(Bson::Boolean(value)) => Number::Int((*value).into()),
        Some(Bson::DateTime(value)) if target != "int" => Number::Long(value.timestamp_millis()),
        Some(Bson::String(text)) => parse(text, target)?,
        other => number(other).ok_or_else(|| unsupported(other, target))?,
    };
    let overflow = || {
        Failure::new(
            241,
            "Conversion would overflow target type in $convert with no onError value",
        )
    };
    let whole = || number.truncated().ok_or_else(overflow);
    Ok(Some(match target {
        "int" => Bson::Int32(i32::try_from(whole()?).map_err(|_| overflow())?),
        "long" => Bson::Int64(whole()?),
        "double" => Bson::Double(number.to_f64()),
        _ => match number {
            Number::Int(value) => Number::Decimal(Decimal::from_i64(value.into())).into(),
            Number::Long(value) => Number::Decimal(Decimal::from_i64(value)).into(),
            Number::Double(value) => Number::Decimal(Decimal::from_f64(value, 15)).into(),
            decimal @ Number::Decimal(_) => decimal.into(),
        },
    }))
}

fn parse(text: &str, target: &str) -> Result<Number> {
    let parsed = match target {
        "int" | "long" => text.parse().ok().map(Number::Long),
        "double" => text.parse().ok().map(Number::Double),
        _ => text
            .parse()
            .ok()
            .map(|value| Number::Decimal(Decimal::decode(value))),
    };
    parsed.ok_or_else(|| unparsed(text, "number"))
}
