//! What one operator does to one field.

use std::{
    cmp::Ordering,
    time::{SystemTime, UNIX_EPOCH},
};

use bson::{Bson, DateTime, Document, Timestamp};

use super::array::{self, Pull, Push};
use crate::sandbox::{
    compare::{compare, type_name},
    failure::{Failure, Result},
    number::{Number, Operation},
    path,
};

#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(super) operator: Operator,
    pub(super) name: &'static str,
    /// May still hold `$`, `$[]` and `$[name]`.
    pub(super) path: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Operator {
    Set(Bson),
    SetOnInsert(Bson),
    Unset,
    Increment(Number),
    Multiply(Number),
    /// `$min` or `$max`: the order in which the argument wins over the field.
    Bound(Bson, Ordering),
    CurrentDate {
        timestamp: bool,
    },
    Rename(Vec<String>),
    Push(Push),
    AddToSet(Vec<Bson>),
    Pull(Pull),
    PullAll(Vec<Bson>),
    Pop {
        first: bool,
    },
}

pub(super) enum Outcome {
    Keep,
    Set(Bson),
    Remove,
}

impl Change {
    pub(super) fn applies(&self, inserting: bool) -> bool {
        inserting || !matches!(self.operator, Operator::SetOnInsert(_))
    }

    pub(super) fn apply(&self, document: &mut Document, at: &[String]) -> Result<()> {
        if let Operator::Rename(target) = &self.operator {
            if path::get(document, at).is_some()
                && let Some(value) = path::remove(document, at)
            {
                path::set(document, target, value)?;
            }
            return Ok(());
        }
        let current = path::get(document, at);
        match self.outcome(document, current, at)? {
            Outcome::Keep => Ok(()),
            Outcome::Set(value) => path::set(document, at, value),
            Outcome::Remove => {
                path::remove(document, at);
                Ok(())
            }
        }
    }

    fn outcome(
        &self,
        document: &Document,
        current: Option<&Bson>,
        at: &[String],
    ) -> Result<Outcome> {
        let field = || at.last().cloned().unwrap_or_default();
        let id = || document.get("_id").unwrap_or(&Bson::Null).to_string();
        Ok(match &self.operator {
            Operator::Set(value) | Operator::SetOnInsert(value) => Outcome::Set(value.clone()),
            Operator::Unset => Outcome::Remove,
            Operator::Increment(by) => {
                self.calculate(current, Operation::Add, *by, &field(), &id())?
            }
            Operator::Multiply(by) => {
                self.calculate(current, Operation::Multiply, *by, &field(), &id())?
            }
            Operator::Bound(value, wins) => match current {
                Some(current) if compare(value, current) != *wins => Outcome::Keep,
                _ => Outcome::Set(value.clone()),
            },
            Operator::CurrentDate { timestamp: false } => {
                Outcome::Set(Bson::DateTime(DateTime::now()))
            }
            Operator::CurrentDate { timestamp: true } => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let time = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
                Outcome::Set(Bson::Timestamp(Timestamp { time, increment: 1 }))
            }
            Operator::Push(push) => {
                let items = array::items(current).map_err(|kind| {
                    Failure::bad_value(format!(
                        "The field '{}' must be an array but is of type {kind} in document \
                         {{_id: {}}}",
                        field(),
                        id()
                    ))
                })?;
                Outcome::Set(Bson::Array(push.apply(items.unwrap_or_default())))
            }
            Operator::AddToSet(values) => {
                let items = array::items(current).map_err(|kind| {
                    Failure::bad_value(format!(
                        "Cannot apply $addToSet to non-array field. Field named '{}' has \
                         non-array type {kind}",
                        field()
                    ))
                })?;
                Outcome::Set(Bson::Array(array::add_to_set(
                    items.unwrap_or_default(),
                    values,
                )))
            }
            Operator::Pull(pull) => self.filtered(current, |item| !pull.takes(item))?,
            Operator::PullAll(values) => {
                self.filtered(current, |item| !array::contains(values, item))?
            }
            Operator::Pop { first } => {
                let items = array::items(current).map_err(|kind| {
                    Failure::type_mismatch(format!(
                        "Path '{}' contains an element of non-array type '{kind}'",
                        at.join(".")
                    ))
                })?;
                match items {
                    Some(mut items) if !items.is_empty() => {
                        items.remove(if *first { 0 } else { items.len() - 1 });
                        Outcome::Set(Bson::Array(items))
                    }
                    _ => Outcome::Keep,
                }
            }
            Operator::Rename(_) => Outcome::Keep,
        })
    }

    fn filtered(&self, current: Option<&Bson>, keep: impl Fn(&Bson) -> bool) -> Result<Outcome> {
        let items = array::items(current).map_err(|_| {
            Failure::bad_value(format!("Cannot apply {} to a non-array value", self.name))
        })?;
        Ok(match items {
            Some(mut items) => {
                items.retain(keep);
                Outcome::Set(Bson::Array(items))
            }
            None => Outcome::Keep,
        })
    }

    fn calculate(
        &self,
        current: Option<&Bson>,
        operation: Operation,
        by: Number,
        field: &str,
        id: &str,
    ) -> Result<Outcome> {
        let name = self.name;
        let Some(current) = current else {
            // A missing field counts as zero in the type of the argument.
            let zero = Number::Int(0);
            let start = by.calculate(Operation::Multiply, zero)?.unwrap_or(zero);
            let value = if operation == Operation::Add {
                by
            } else {
                start
            };
            return Ok(Outcome::Set(value.into()));
        };
        let number = Number::of(current).ok_or_else(|| {
            Failure::type_mismatch(format!(
                "Cannot apply {name} to a value of non-numeric type. {{_id: {id}}} has the field \
                 '{field}' of non-numeric type {}",
                type_name(current)
            ))
        })?;
        let result = number.calculate(operation, by)?.ok_or_else(|| {
            Failure::bad_value(format!(
                "Failed to apply {name} operations to current value ({current}) for document \
                 {{_id: {id}}}"
            ))
        })?;
        Ok(Outcome::Set(result.into()))
    }
}
