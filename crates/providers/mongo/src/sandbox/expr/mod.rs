//! Aggregation expressions: parsed once, evaluated per document.
#![allow(
    clippy::unnecessary_wraps,
    reason = "functions share one signature, whether or not they can fail"
)]

mod arithmetic;
mod arrays;
mod convert;
mod dates;
mod functions;
mod logic;
mod parse;
mod strings;

use bson::{Bson, Document};

pub(crate) use self::{
    arithmetic::average,
    arithmetic::calculate,
    arrays::{cut, merge},
};
use super::{
    compare::truthy,
    failure::{Failure, Result},
};

/// The result of an expression; `None` is a missing field.
pub(crate) type Value = Option<Bson>;

/// The user variables in scope, innermost last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(Vec<(String, Value)>);

impl Variables {
    pub(crate) fn with(&self, name: &str, value: Value) -> Self {
        let mut variables = self.clone();
        variables.0.push((name.to_owned(), value));
        variables
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

/// What an expression can see.
pub(crate) struct Scope<'a> {
    document: &'a Document,
    variables: &'a Variables,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(document: &'a Document, variables: &'a Variables) -> Self {
        Self {
            document,
            variables,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Bson),
    /// A variable and a path into it; the document itself is the variable `CURRENT`.
    Variable(String, Vec<String>),
    Object(Vec<(String, Expr)>),
    Array(Vec<Expr>),
    Call(&'static functions::Function, Vec<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Cond(Box<[Expr; 3]>),
    Switch {
        branches: Vec<(Expr, Expr)>,
        default: Option<Box<Expr>>,
    },
    IfNull(Vec<Expr>),
    Let {
        bindings: Vec<(String, Expr)>,
        body: Box<Expr>,
    },
    Map {
        input: Box<Expr>,
        name: String,
        body: Box<Expr>,
    },
    Filter {
        input: Box<Expr>,
        name: String,
        test: Box<Expr>,
        limit: Option<Box<Expr>>,
    },
    Reduce {
        input: Box<Expr>,
        initial: Box<Expr>,
        body: Box<Expr>,
    },
    /// A function whose arguments have names, in the order of its list of names.
    Named(&'static functions::Named, Vec<Option<Expr>>),
}

impl Expr {
    pub(crate) fn parse(value: &Bson, variables: &Variables) -> Result<Self> {
        parse::expression(value, variables)
    }

    /// A path such as `a.b`, without its dollar.
    pub(crate) fn field(path: &str) -> Self {
        Self::Variable("CURRENT".to_owned(), super::path::split(path))
    }

    pub(crate) fn is_true(&self, scope: &Scope<'_>) -> Result<bool> {
        Ok(self.evaluate(scope)?.is_some_and(|value| truthy(&value)))
    }

    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value> {
        match self {
            Self::Literal(value) => Ok(Some(value.clone())),
            Self::Variable(name, path) => Ok(variable(scope, name, path)),
            Self::Object(fields) => {
                let mut document = Document::new();
                for (name, value) in fields {
                    if let Some(value) = value.evaluate(scope)? {
                        document.insert(name.clone(), value);
                    }
                }
                Ok(Some(Bson::Document(document)))
            }
            Self::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| Ok(item.evaluate(scope)?.unwrap_or(Bson::Null)))
                    .collect::<Result<_>>()?;
                Ok(Some(Bson::Array(items)))
            }
            Self::Call(function, arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|argument| argument.evaluate(scope))
                    .collect::<Result<Vec<_>>>()?;
                (function.run)(function.name, &arguments)
            }
            Self::Named(function, arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|argument| match argument {
                        Some(argument) => argument.evaluate(scope),
                        None => Ok(None),
                    })
                    .collect::<Result<Vec<_>>>()?;
                (function.run)(function.name, &arguments)
            }
            Self::And(tests) => {
                for test in tests {
                    if !test.is_true(scope)? {
                        return Ok(Some(Bson::Boolean(false)));
                    }
                }
                Ok(Some(Bson::Boolean(true)))
            }
            Self::Or(tests) => {
                for test in tests {
                    if test.is_true(scope)? {
                        return Ok(Some(Bson::Boolean(true)));
                    }
                }
                Ok(Some(Bson::Boolean(false)))
            }
            Self::Cond(parts) => {
                let [test, yes, no] = parts.as_ref();
                if test.is_true(scope)? {
                    yes.evaluate(scope)
                } else {
                    no.evaluate(scope)
                }
            }
            Self::Switch { branches, default } => {
                for (case, then) in branches {
                    if case.is_true(scope)? {
                        return then.evaluate(scope);
                    }
                }
                let default = default.as_ref().ok_or_else(|| {
                    Failure::new(
                        40066,
                        "$switch could not find a matching branch for an input, and no default \
                         was specified.",
                    )
                })?;
                default.evaluate(scope)
            }
            Self::IfNull(choices) => {
                let mut last = None;
                for choice in choices {
                    last = choice.evaluate(scope)?;
                    if !functions::is_nullish(&last) {
                        break;
                    }
                }
                Ok(last)
            }
            Self::Let { bindings, body } => {
                let mut variables = scope.variables.clone();
                for (name, value) in bindings {
                    variables = variables.with(name, value.evaluate(scope)?);
                }
                body.evaluate(&Scope::new(scope.document, &variables))
            }
            Self::Map { input, name, body } => {
                let Some(items) = array(input.evaluate(scope)?, 16883, "input to $map")? else {
                    return Ok(Some(Bson::Null));
                };
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    let variables = scope.variables.with(name, Some(item));
                    let value = body.evaluate(&Scope::new(scope.document, &variables))?;
                    out.push(value.unwrap_or(Bson::Null));
                }
                Ok(Some(Bson::Array(out)))
            }
            Self::Filter {
                input,
                name,
                test,
                limit,
            } => {
                let Some(items) = array(input.evaluate(scope)?, 28651, "input to $filter")? else {
                    return Ok(Some(Bson::Null));
                };
                let limit = match limit {
                    Some(limit) => functions::positive(&limit.evaluate(scope)?, "$filter")?,
                    None => None,
                };
                let mut out = Vec::new();
                for item in items {
                    if limit.is_some_and(|limit| out.len() >= limit) {
                        break;
                    }
                    let variables = scope.variables.with(name, Some(item.clone()));
                    if test.is_true(&Scope::new(scope.document, &variables))? {
                        out.push(item);
                    }
                }
                Ok(Some(Bson::Array(out)))
            }
            Self::Reduce {
                input,
                initial,
                body,
            } => {
                let Some(items) = array(input.evaluate(scope)?, 40080, "$reduce")? else {
                    return Ok(Some(Bson::Null));
                };
                let mut value = initial.evaluate(scope)?;
                for item in items {
                    let variables = scope
                        .variables
                        .with("value", value)
                        .with("this", Some(item));
                    value = body.evaluate(&Scope::new(scope.document, &variables))?;
                }
                Ok(value)
            }
        }
    }
}

fn array(value: Value, code: i32, what: &str) -> Result<Option<Vec<Bson>>> {
    match value {
        Some(Bson::Array(items)) => Ok(Some(items)),
        value if functions::is_nullish(&value) => Ok(None),
        value => {
            let kind = functions::kind(&value);
            Err(Failure::new(
                code,
                format!("{what} must be an array not {kind}"),
            ))
        }
    }
}

fn variable(scope: &Scope<'_>, name: &str, path: &[String]) -> Value {
    match name {
        "CURRENT" | "ROOT" => match path.split_first() {
            Some((first, rest)) => walk(scope.document.get(first)?, rest),
            None => Some(Bson::Document(scope.document.clone())),
        },
        "NOW" => Some(Bson::DateTime(bson::DateTime::now())),
        "REMOVE" => None,
        name => walk(scope.variables.get(name)?.as_ref()?, path),
    }
}

/// Unlike a filter, an expression reads no indexes from a path, only fields of each element.
fn walk(value: &Bson, path: &[String]) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    match value {
        Bson::Document(document) => walk(document.get(first)?, rest),
        Bson::Array(items) => Some(Bson::Array(
            items
                .iter()
                .filter_map(|item| walk_element(item, path))
                .collect(),
        )),
        _ => None,
    }
}

fn walk_element(item: &Bson, path: &[String]) -> Value {
    matches!(item, Bson::Document(_) | Bson::Array(_))
        .then(|| walk(item, path))
        .flatten()
}

#[cfg(test)]
mod tests;
