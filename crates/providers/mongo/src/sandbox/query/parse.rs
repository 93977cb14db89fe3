//! From the document form of a filter to its tree, with the server's complaints.

use bson::{Bson, Document};

use super::{
    Node, Predicate, Variables,
    pattern::compile,
    predicate::{ElementFilter, Relation},
};
use crate::sandbox::{
    compare::{code_of_name, is_type_code, truthy, type_name},
    expr::Expr,
    failure::{Failure, Result},
    number::Number,
    path,
};

/// `variables` is `None` inside `$elemMatch`, where `$expr` is not allowed.
pub(super) fn filter(filter: &Document, variables: Option<&Variables>) -> Result<Node> {
    let mut nodes = Vec::new();
    for (key, value) in filter {
        match key.as_str() {
            "$and" => nodes.push(Node::All(list(key, value, variables)?)),
            "$or" => nodes.push(Node::Any(list(key, value, variables)?)),
            "$nor" => {
                nodes.push(Node::Not(Box::new(Node::Any(list(key, value, variables)?))));
            }
            "$expr" => match variables {
                Some(variables) => nodes.push(Node::Expr(Expr::parse(value, variables)?)),
                None => {
                    return Err(Failure::bad_value(
                        "$expr can only be applied to the top-level document",
                    ));
                }
            },
            "$comment" => {}
            "$where" => {
                return Err(Failure::bad_value(
                    "no globalScriptEngine in $where parsing",
                ));
            }
            "$text" => {
                return Err(Failure::new(27, "text index required for $text query"));
            }
            name if name.starts_with('$') => {
                return Err(Failure::bad_value(format!(
                    "unknown top level operator: {name}. If you have a field name that starts \
                     with a '$' symbol, consider using $getField or $setField."
                )));
            }
            _ => nodes.push(field(&path::split(key), value)?),
        }
    }
    Ok(only_or(nodes, Node::All))
}

fn only_or(mut nodes: Vec<Node>, wrap: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(last) => {
            nodes.push(last);
            wrap(nodes)
        }
        None => wrap(nodes),
    }
}

fn list(name: &str, value: &Bson, variables: Option<&Variables>) -> Result<Vec<Node>> {
    let Bson::Array(entries) = value else {
        return Err(Failure::bad_value(format!("{name} must be an array")));
    };
    if entries.is_empty() {
        return Err(Failure::bad_value("$and/$or/$nor must be a nonempty array"));
    }
    entries
        .iter()
        .map(|entry| match entry {
            Bson::Document(entry) => filter(entry, variables),
            _ => Err(Failure::bad_value(
                "$or/$and/$nor entries need to be full objects",
            )),
        })
        .collect()
}

pub(super) fn field(path: &[String], value: &Bson) -> Result<Node> {
    let test = match value {
        Bson::Document(document) if is_operators(document) => return operators(path, document),
        Bson::RegularExpression(regex) => Predicate::Pattern(
            compile(regex.pattern.as_str(), regex.options.as_str())?,
            value.clone(),
        ),
        Bson::Undefined => {
            return Err(Failure::bad_value("cannot compare to undefined"));
        }
        other => Predicate::Equal(other.clone()),
    };
    Ok(Node::Field {
        path: path.to_vec(),
        test,
    })
}

/// A document whose first key is an operator; `$ref`, `$id` and `$db` make a DBRef, a plain value.
pub(super) fn is_operators(document: &Document) -> bool {
    document
        .keys()
        .next()
        .is_some_and(|key| key.starts_with('$') && !matches!(key.as_str(), "$ref" | "$id" | "$db"))
}

pub(super) fn operators(path: &[String], operators: &Document) -> Result<Node> {
    let mut nodes = Vec::new();
    for (name, value) in operators {
        let leaf = |test| Node::Field {
            path: path.to_vec(),
            test,
        };
        let not = |node| Node::Not(Box::new(node));
        let node = match name.as_str() {
            "$eq" => leaf(Predicate::Equal(value.clone())),
            "$ne" => match value {
                Bson::RegularExpression(_) => {
                    return Err(Failure::bad_value("Can't have regex as arg to $ne."));
                }
                value => not(leaf(Predicate::Equal(value.clone()))),
            },
            "$gt" => leaf(relation(Relation::Greater, path, value)?),
            "$gte" => leaf(relation(Relation::GreaterOrEqual, path, value)?),
            "$lt" => leaf(relation(Relation::Less, path, value)?),
            "$lte" => leaf(relation(Relation::LessOrEqual, path, value)?),
            "$in" => leaf(any_of(name, value)?),
            "$nin" => not(leaf(any_of(name, value)?)),
            "$not" => not(negated(path, value)?),
            "$exists" if truthy(value) => leaf(Predicate::Exists),
            "$exists" => not(leaf(Predicate::Exists)),
            "$type" => leaf(types(value)?),
            "$size" => leaf(Predicate::Size(size(value)?)),
            "$mod" => leaf(modulo(value)?),
            "$all" => all(path, value)?,
            "$elemMatch" => leaf(element(value)?),
            "$regex" => leaf(regex(value, operators.get("$options"))?),
            "$options" if operators.contains_key("$regex") => continue,
            "$options" => return Err(Failure::bad_value("$options needs a $regex")),
            _ => return Err(Failure::bad_value(format!("unknown operator: {name}"))),
        };
        nodes.push(node);
    }
    Ok(only_or(nodes, Node::All))
}

fn relation(relation: Relation, path: &[String], value: &Bson) -> Result<Predicate> {
    if matches!(value, Bson::RegularExpression(_)) {
        return Err(Failure::bad_value(format!(
            "Can't have RegEx as arg to predicate over field '{}'.",
            path.join(".")
        )));
    }
    Ok(Predicate::Relation(relation, value.clone()))
}

fn any_of(name: &str, value: &Bson) -> Result<Predicate> {
    let Bson::Array(entries) = value else {
        return Err(Failure::bad_value(format!("{name} needs an array")));
    };
    let (mut values, mut patterns) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Bson::Document(document) if is_operators(document) => {
                return Err(Failure::bad_value(format!("cannot nest $ under {name}")));
            }
            Bson::RegularExpression(regex) => {
                patterns.push(compile(regex.pattern.as_str(), regex.options.as_str())?);
                values.push(entry.clone());
            }
            other => values.push(other.clone()),
        }
    }
    Ok(Predicate::In { values, patterns })
}

fn negated(path: &[String], value: &Bson) -> Result<Node> {
    match value {
        Bson::Document(document) if document.is_empty() => {
            Err(Failure::bad_value("$not cannot be empty"))
        }
        Bson::Document(document) => operators(path, document),
        Bson::RegularExpression(_) => field(path, value),
        _ => Err(Failure::bad_value("$not needs a regex or a document")),
    }
}

fn types(value: &Bson) -> Result<Predicate> {
    let entries = match value {
        Bson::Array(entries) => entries.as_slice(),
        single => std::slice::from_ref(single),
    };
    if entries.is_empty() {
        return Err(Failure::failed_to_parse("a must match at least one type"));
    }
    let mut codes = Vec::new();
    for entry in entries {
        match entry {
            Bson::String(name) if name == "number" => codes.extend([1, 16, 18, 19]),
            Bson::String(name) => {
                let code = code_of_name(name).ok_or_else(|| {
                    Failure::bad_value(format!("Unknown type name alias: {name}"))
                })?;
                codes.push(code);
            }
            other => {
                let number = Number::of(other).ok_or_else(|| {
                    Failure::type_mismatch("type must be represented as a number or a string")
                })?;
                let code = number
                    .to_integer()
                    .and_then(|code| i32::try_from(code).ok());
                let code = code.filter(|code| is_type_code(*code)).ok_or_else(|| {
                    Failure::bad_value(format!("Invalid numerical type code: {other}"))
                })?;
                codes.push(code);
            }
        }
    }
    Ok(Predicate::Type(codes))
}

fn size(value: &Bson) -> Result<usize> {
    let number = Number::of(value).ok_or_else(|| {
        Failure::bad_value(format!(
            "Failed to parse $size. Expected a number in: $size: {value}"
        ))
    })?;
    let whole = number.to_integer().ok_or_else(|| {
        Failure::bad_value(format!(
            "Failed to parse $size. Expected an integer: $size: {value}"
        ))
    })?;
    usize::try_from(whole).map_err(|_| {
        Failure::bad_value(format!(
            "Failed to parse $size. Expected a non-negative number in: $size: {value}"
        ))
    })
}

fn modulo(value: &Bson) -> Result<Predicate> {
    let Bson::Array(parts) = value else {
        return Err(Failure::bad_value("malformed mod, needs to be an array"));
    };
    let (divisor, remainder) = match parts.as_slice() {
        [divisor, remainder] => (divisor, remainder),
        [] | [_] => return Err(Failure::bad_value("malformed mod, not enough elements")),
        _ => return Err(Failure::bad_value("malformed mod, too many elements")),
    };
    let read = |what: &str, value: &Bson| {
        Number::of(value)
            .and_then(Number::truncated)
            .ok_or_else(|| Failure::bad_value(format!("malformed mod, {what} not a number")))
    };
    let (divisor, remainder) = (read("divisor", divisor)?, read("remainder", remainder)?);
    if divisor == 0 {
        return Err(Failure::bad_value("divisor cannot be 0"));
    }
    Ok(Predicate::Modulo { divisor, remainder })
}

fn all(path: &[String], value: &Bson) -> Result<Node> {
    let Bson::Array(entries) = value else {
        return Err(Failure::bad_value("$all needs an array"));
    };
    if entries.is_empty() {
        return Ok(Node::Field {
            path: path.to_vec(),
            test: Predicate::Nothing,
        });
    }
    let nodes = entries.iter().map(|entry| match entry {
        Bson::Document(document) if is_operators(document) => {
            if document.keys().all(|key| key == "$elemMatch") {
                operators(path, document)
            } else {
                Err(Failure::bad_value("no $ expressions in $all"))
            }
        }
        other => field(path, other),
    });
    Ok(Node::All(nodes.collect::<Result<_>>()?))
}

fn element(value: &Bson) -> Result<Predicate> {
    let Bson::Document(document) = value else {
        return Err(Failure::bad_value("$elemMatch needs an Object"));
    };
    let logical = |key: &String| matches!(key.as_str(), "$and" | "$or" | "$nor" | "$expr");
    if is_operators(document) && !document.keys().next().is_some_and(logical) {
        return Ok(Predicate::ElementValue(Box::new(ElementFilter(operators(
            &[],
            document,
        )?))));
    }
    Ok(Predicate::ElementDocument(Box::new(ElementFilter(filter(
        document, None,
    )?))))
}

fn regex(value: &Bson, options: Option<&Bson>) -> Result<Predicate> {
    let (pattern, own) = match value {
        Bson::String(pattern) => (pattern.as_str(), ""),
        Bson::RegularExpression(regex) => (regex.pattern.as_str(), regex.options.as_str()),
        _ => return Err(Failure::bad_value("$regex has to be a string")),
    };
    let options = match options {
        None => own,
        Some(Bson::String(_)) if !own.is_empty() => {
            return Err(Failure::new(
                51075,
                "options set in both $regex and $options",
            ));
        }
        Some(Bson::String(options)) => options,
        Some(other) => {
            let kind = type_name(other);
            return Err(Failure::bad_value(format!(
                "$options has to be a string, not {kind}"
            )));
        }
    };
    Ok(Predicate::Pattern(
        compile(pattern, options)?,
        value.clone(),
    ))
}
