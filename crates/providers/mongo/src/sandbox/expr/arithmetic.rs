//! Numbers, and dates where they take part in sums.

use std::cmp::Ordering;

use bson::{Bson, DateTime};

use super::{
    Value,
    functions::{NULL, integer, is_nullish, kind, number},
};
use crate::sandbox::{
    compare::compare,
    failure::{Failure, Result},
    number::{Number, Operation},
};

/// Integers that overflow 64 bits go on as doubles.
pub(crate) fn calculate(a: Number, operation: Operation, b: Number) -> Result<Number> {
    Ok(a.calculate(operation, b)?
        .unwrap_or_else(|| a.calculate_doubles(operation, b)))
}

pub(super) fn add(name: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let (mut sum, mut date) = (Number::Int(0), false);
    for argument in arguments {
        let term = match argument {
            Some(Bson::DateTime(_)) if date => {
                return Err(Failure::new(
                    16612,
                    "only one date allowed in an $add expression",
                ));
            }
            Some(Bson::DateTime(value)) => {
                date = true;
                Number::Long(value.timestamp_millis())
            }
            other => number(other).ok_or_else(|| {
                let kind = kind(other);
                Failure::type_mismatch(format!(
                    "{name} only supports numeric or date types, not {kind}"
                ))
            })?,
        };
        sum = calculate(sum, Operation::Add, term)?;
    }
    if date {
        return millis(sum);
    }
    Ok(Some(sum.into()))
}

fn millis(value: Number) -> Result<Value> {
    let whole = Number::Double(value.to_f64().round());
    let millis = value.to_integer().or(whole.to_integer());
    let millis = millis.ok_or_else(|| Failure::new(15, "date overflow in $add"))?;
    Ok(Some(Bson::DateTime(DateTime::from_millis(millis))))
}

pub(super) fn subtract(_: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let [left, right] = arguments else {
        return Ok(NULL);
    };
    match (left, right) {
        (Some(Bson::DateTime(a)), Some(Bson::DateTime(b))) => {
            let gap = a.timestamp_millis().saturating_sub(b.timestamp_millis());
            Ok(Some(Bson::Int64(gap)))
        }
        (Some(Bson::DateTime(date)), right) if number(right).is_some() => {
            let date = Number::Long(date.timestamp_millis());
            let gap = number(right).unwrap_or(Number::Int(0));
            millis(calculate(date, Operation::Subtract, gap)?)
        }
        (left, right) => {
            if let (Some(a), Some(b)) = (number(left), number(right)) {
                return Ok(Some(calculate(a, Operation::Subtract, b)?.into()));
            }
            let (a, b) = (kind(left), kind(right));
            Err(Failure::type_mismatch(format!(
                "can't $subtract {b} from {a}"
            )))
        }
    }
}

pub(super) fn multiply(name: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let mut product = Number::Int(1);
    for argument in arguments {
        let factor = numeric(name, argument)?;
        product = calculate(product, Operation::Multiply, factor)?;
    }
    Ok(Some(product.into()))
}

fn numeric(name: &str, value: &Value) -> Result<Number> {
    number(value).ok_or_else(|| {
        let kind = kind(value);
        Failure::type_mismatch(format!("{name} only supports numeric types, not {kind}"))
    })
}

fn two(name: &str, arguments: &[Value]) -> Result<Option<(Number, Number)>> {
    if arguments.iter().any(is_nullish) {
        return Ok(None);
    }
    let [left, right] = arguments else {
        return Ok(None);
    };
    Ok(Some((numeric(name, left)?, numeric(name, right)?)))
}

pub(super) fn divide(name: &str, arguments: &[Value]) -> Result<Value> {
    let Some((a, b)) = two(name, arguments)? else {
        return Ok(NULL);
    };
    if b.is_zero() {
        return Err(Failure::bad_value("can't $divide by zero"));
    }
    Ok(Some(a.divide(b).into()))
}

pub(super) fn modulo(name: &str, arguments: &[Value]) -> Result<Value> {
    let Some((a, b)) = two(name, arguments)? else {
        return Ok(NULL);
    };
    if b.is_zero() {
        return Err(Failure::new(16610, "can't $mod by zero"));
    }
    let result = match (a, b) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
            return Err(Failure::not_implemented("$mod of decimals"));
        }
        (Number::Double(_), _) | (_, Number::Double(_)) => Number::Double(a.to_f64() % b.to_f64()),
        (Number::Int(a), Number::Int(b)) => Number::Int(a.checked_rem(b).unwrap_or(0)),
        (a, b) => {
            let (a, b) = (a.to_integer().unwrap_or(0), b.to_integer().unwrap_or(1));
            Number::Long(a.checked_rem(b).unwrap_or(0))
        }
    };
    Ok(Some(result.into()))
}

pub(super) fn unary(name: &str, arguments: &[Value]) -> Result<Value> {
    let [argument] = arguments else {
        return Ok(NULL);
    };
    if is_nullish(argument) {
        return Ok(NULL);
    }
    let value = numeric(name, argument)?;
    let result = match (name, value) {
        ("$abs", Number::Int(value)) => match value.checked_abs() {
            Some(value) => Number::Int(value),
            None => Number::Long(i64::from(value).abs()),
        },
        ("$abs", Number::Long(value)) => Number::Long(
            value
                .checked_abs()
                .ok_or_else(|| Failure::new(28680, "can't take $abs of long min"))?,
        ),
        ("$abs", Number::Decimal(value)) => {
            let zero = Number::Int(0);
            if Number::Decimal(value).compare(zero) == Ordering::Less {
                Number::Decimal(value.negated())
            } else {
                Number::Decimal(value)
            }
        }
        (_, Number::Decimal(_)) => {
            return Err(Failure::not_implemented(format!("{name} of decimals")));
        }
        ("$sqrt", value) if value.to_f64() < 0.0 => {
            return Err(Failure::new(
                28714,
                "$sqrt's argument must be greater than or equal to 0",
            ));
        }
        ("$sqrt", value) => Number::Double(value.to_f64().sqrt()),
        ("$abs", value) => Number::Double(value.to_f64().abs()),
        ("$ceil", Number::Double(value)) => Number::Double(value.ceil()),
        ("$floor", Number::Double(value)) => Number::Double(value.floor()),
        (_, whole) => whole,
    };
    Ok(Some(result.into()))
}

pub(super) fn round(name: &str, arguments: &[Value]) -> Result<Value> {
    if arguments.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let value = numeric(name, arguments.first().unwrap_or(&None))?;
    let place = match arguments.get(1) {
        Some(place) => integer(place).and_then(|place| i32::try_from(place).ok()),
        None => Some(0),
    };
    let place = place
        .filter(|place| (-20..=100).contains(place))
        .ok_or_else(|| {
            Failure::new(
                51083,
                format!("cannot apply {name} with precision value out of range"),
            )
        })?;
    match value {
        Number::Double(value) => {
            let scale = 10_f64.powi(place);
            let scaled = value * scale;
            let whole = if name == "$round" {
                scaled.round_ties_even()
            } else {
                scaled.trunc()
            };
            let result = whole / scale;
            Ok(Some(Bson::Double(if result.is_finite() {
                result
            } else {
                value
            })))
        }
        whole @ (Number::Int(_) | Number::Long(_)) if place >= 0 => Ok(Some(whole.into())),
        _ => Err(Failure::not_implemented(format!(
            "{name} of this type at this place"
        ))),
    }
}

/// `$sum`, `$avg`, `$min` and `$max` over their arguments, or over the one array they are given.
pub(super) fn fold(name: &str, arguments: &[Value]) -> Result<Value> {
    let values: Vec<&Bson> = match arguments {
        [Some(Bson::Array(items))] => items.iter().collect(),
        several => several.iter().flatten().collect(),
    };
    match name {
        "$sum" => Ok(Some(sum(values)?.into())),
        "$avg" => average(values),
        name => {
            let known = values
                .into_iter()
                .filter(|value| !matches!(value, Bson::Null));
            let chosen = if name == "$min" {
                known.min_by(|a, b| compare(a, b))
            } else {
                known.max_by(|a, b| compare(a, b))
            };
            Ok(chosen.cloned().or(NULL))
        }
    }
}

fn sum<'a>(values: impl IntoIterator<Item = &'a Bson>) -> Result<Number> {
    values
        .into_iter()
        .filter_map(Number::of)
        .try_fold(Number::Int(0), |sum, value| {
            calculate(sum, Operation::Add, value)
        })
}

/// The mean of the numbers among the values, null when there are none.
pub(crate) fn average<'a>(values: impl IntoIterator<Item = &'a Bson>) -> Result<Value> {
    let numbers = values
        .into_iter()
        .filter(|value| Number::of(value).is_some());
    let numbers: Vec<&Bson> = numbers.collect();
    if numbers.is_empty() {
        return Ok(NULL);
    }
    let count = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
    Ok(Some(sum(numbers)?.divide(Number::Long(count)).into()))
}
