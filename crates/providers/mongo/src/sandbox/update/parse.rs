//! Update operators, checked before any document is touched.

use std::cmp::Ordering;

use bson::{Bson, Document};

use super::{
    array::{Pull, Push},
    field::{Change, Operator},
};
use crate::sandbox::{
    compare::type_name,
    failure::{Failure, Result},
    number::Number,
    path,
    sort::Sort,
};

pub(super) fn changes(update: &Document) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (name, fields) in update {
        if !KNOWN.contains(&name.as_str()) {
            return Err(Failure::failed_to_parse(format!(
                "Unknown modifier: {name}. Expected a valid update modifier or pipeline-style \
                 update specified as an array"
            )));
        }
        let Bson::Document(fields) = fields else {
            return Err(Failure::failed_to_parse(format!(
                "Modifiers operate on fields but we found type {} instead. For example: {{$mod: \
                 {{<field>: ...}}}} not {{{name}: {fields}}}",
                type_name(fields)
            )));
        };
        for (field, argument) in fields {
            let path = checked_path(field)?;
            let operator = operator(name, field, argument)?;
            if let Operator::Rename(target) = &operator
                && (target == &path)
            {
                return Err(Failure::bad_value(format!(
                    "The source and target field for $rename must differ: {field}: \"{field}\""
                )));
            }
            changes.push(Change {
                operator,
                name: static_name(name),
                path,
            });
        }
    }
    // The server applies operators in the order of their paths, which new fields then show.
    changes.sort_by(|a, b| compare_paths(&a.path, &b.path));
    check_conflicts(&changes)?;
    Ok(changes)
}

const KNOWN: &[&str] = &[
    "$addToSet",
    "$currentDate",
    "$inc",
    "$max",
    "$min",
    "$mul",
    "$pop",
    "$pull",
    "$pullAll",
    "$push",
    "$rename",
    "$set",
    "$setOnInsert",
    "$unset",
];

fn static_name(name: &str) -> &'static str {
    KNOWN
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or_default()
}

fn checked_path(field: &str) -> Result<Vec<String>> {
    let path = path::split(field);
    if path.iter().any(String::is_empty) {
        return Err(Failure::new(
            56,
            format!(
                "The update path '{field}' contains an empty field name, which is not allowed."
            ),
        ));
    }
    for (at, name) in path.iter().enumerate() {
        if name.starts_with('$') && (at == 0 || (name != "$" && !name.starts_with("$["))) {
            return Err(Failure::new(
                52,
                format!(
                    "The dollar ($) prefixed field '{name}' in '{field}' is not valid for storage."
                ),
            ));
        }
    }
    Ok(path)
}

fn operator(name: &str, field: &str, argument: &Bson) -> Result<Operator> {
    let number = |verb: &str| {
        Number::of(argument).ok_or_else(|| {
            Failure::type_mismatch(format!(
                "Cannot {verb} with non-numeric argument: {{{field}: {argument}}}"
            ))
        })
    };
    Ok(match name {
        "$set" => Operator::Set(argument.clone()),
        "$setOnInsert" => Operator::SetOnInsert(argument.clone()),
        "$unset" => Operator::Unset,
        "$inc" => Operator::Increment(number("increment")?),
        "$mul" => Operator::Multiply(number("multiply")?),
        "$min" => Operator::Bound(argument.clone(), Ordering::Less),
        "$max" => Operator::Bound(argument.clone(), Ordering::Greater),
        "$currentDate" => current_date(argument)?,
        "$rename" => match argument {
            Bson::String(target) => Operator::Rename(checked_path(target)?),
            other => {
                return Err(Failure::bad_value(format!(
                    "The 'to' field for $rename must be a string: {field}: {other}"
                )));
            }
        },
        "$push" => Operator::Push(push(argument)?),
        "$addToSet" => Operator::AddToSet(each(argument, "$addToSet")?),
        "$pull" => Operator::Pull(Pull::parse(argument)?),
        "$pullAll" => match argument {
            Bson::Array(values) => Operator::PullAll(values.clone()),
            other => {
                let kind = type_name(other);
                return Err(Failure::bad_value(format!(
                    "$pullAll requires an array argument but was given a {kind}"
                )));
            }
        },
        _ => match Number::of(argument).and_then(Number::to_integer) {
            Some(1) => Operator::Pop { first: false },
            Some(-1) => Operator::Pop { first: true },
            _ => {
                return Err(Failure::failed_to_parse(format!(
                    "$pop expects 1 or -1, found: {argument}"
                )));
            }
        },
    })
}

fn current_date(argument: &Bson) -> Result<Operator> {
    let timestamp = match argument {
        Bson::Boolean(_) => false,
        Bson::Document(spec) => match (spec.len(), spec.get_str("$type")) {
            (1, Ok("date")) => false,
            (1, Ok("timestamp")) => true,
            _ => {
                return Err(Failure::bad_value(
                    "The '$type' string field is required to be 'date' or 'timestamp': \
                     {$currentDate: {field : {$type: 'date'}}}",
                ));
            }
        },
        other => {
            let kind = type_name(other);
            return Err(Failure::bad_value(format!(
                "{kind} is not valid type for $currentDate. Please use a boolean ('true') or a \
                 $type expression ({{$type: 'timestamp/date'}})."
            )));
        }
    };
    Ok(Operator::CurrentDate { timestamp })
}

fn each(argument: &Bson, name: &str) -> Result<Vec<Bson>> {
    let Bson::Document(spec) = argument else {
        return Ok(vec![argument.clone()]);
    };
    let Some(each) = spec.get("$each") else {
        return Ok(vec![argument.clone()]);
    };
    let Bson::Array(values) = each else {
        let kind = type_name(each);
        return Err(Failure::type_mismatch(format!(
            "The argument to $each in {name} must be an array but it was of type {kind}"
        )));
    };
    let other = spec.keys().find(|key| *key != "$each");
    if let (Some(other), "$addToSet") = (other, name) {
        return Err(Failure::bad_value(format!(
            "Found unexpected fields after $each in $addToSet: {other}"
        )));
    }
    Ok(values.clone())
}

fn push(argument: &Bson) -> Result<Push> {
    let mut push = Push {
        each: each(argument, "$push")?,
        position: None,
        slice: None,
        sort: None,
    };
    let Bson::Document(spec) = argument else {
        return Ok(push);
    };
    if !spec.contains_key("$each") {
        return Ok(push);
    }
    let integer = |name: &str, value: &Bson| {
        Number::of(value)
            .and_then(Number::to_integer)
            .ok_or_else(|| {
                Failure::bad_value(format!(
                    "The value for {name} must be an integer value but was given type: {}",
                    type_name(value)
                ))
            })
    };
    for (name, value) in spec {
        match name.as_str() {
            "$each" => {}
            "$position" => push.position = Some(integer(name, value)?),
            "$slice" => push.slice = Some(integer(name, value)?),
            "$sort" => {
                // A bare direction sorts the elements themselves, like a document of one key.
                let spec = match value {
                    Bson::Document(spec) => (spec.clone(), false),
                    direction => (bson::doc! { "element": direction.clone() }, true),
                };
                push.sort = Some((Sort::parse(&spec.0).map_err(|_| bad_sort())?, spec.1));
            }
            other => {
                return Err(Failure::bad_value(format!(
                    "Unrecognized clause in $push: {other}"
                )));
            }
        }
    }
    Ok(push)
}

fn bad_sort() -> Failure {
    Failure::bad_value("The $sort element value must be either 1 or -1")
}

fn compare_paths(a: &[String], b: &[String]) -> Ordering {
    let names = a
        .iter()
        .zip(b)
        .map(|(a, b)| match (path::index(a), path::index(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        });
    names
        .fold(Ordering::Equal, Ordering::then)
        .then(a.len().cmp(&b.len()))
}

fn check_conflicts(changes: &[Change]) -> Result<()> {
    let mut paths: Vec<&[String]> = Vec::new();
    for change in changes {
        paths.push(&change.path);
        if let Operator::Rename(target) = &change.operator {
            paths.push(target);
        }
    }
    for (at, path) in paths.iter().enumerate() {
        let others = paths.iter().enumerate().filter(|(other, _)| *other != at);
        for (_, other) in others {
            if path.starts_with(other) {
                let (path, other) = (path.join("."), other.join("."));
                return Err(Failure::new(
                    40,
                    format!("Updating the path '{path}' would create a conflict at '{other}'"),
                ));
            }
        }
    }
    Ok(())
}
