//! One filter: a property, an operator and what it is compared with.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use super::value::Comparable;
use super::words;
use crate::sandbox::desk::text;
use crate::sandbox::fields::Shape;
use crate::sandbox::kinds::Type;
use crate::sandbox::record::Record;
use crate::sandbox::refusal::{Answer, Refusal};
use crate::sandbox::state::Account;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    property_name: String,
    operator: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    high_value: Value,
    #[serde(default)]
    values: Vec<Value>,
}

/// A filter that was found to make sense.
pub(super) struct Test {
    of: Of,
    check: Check,
}

/// What is looked at.
enum Of {
    Property(String, Shape),
    /// `associations.contact`: the ids of what is associated.
    Links(Type),
}

enum Check {
    Compare(Comparable, fn(Ordering) -> bool),
    Between(Comparable, Comparable),
    In(Vec<Comparable>, bool),
    Contains(String, bool),
    Has(bool),
}

pub(super) fn unknown(property: &str) -> Refusal {
    Refusal::invalid(format!(
        "There was a problem with the request. Property \"{property}\" does not exist"
    ))
    .with_context("propertyName", [property])
}

impl Filter {
    pub(super) fn test(&self, account: &Account, kind: &Type) -> Answer<Test> {
        let name = &self.property_name;
        let of = if let Some(other) = name.strip_prefix("associations.") {
            Of::Links(Type::of(other).ok_or_else(|| unknown(name))?)
        } else {
            let field = account.field(kind, name).ok_or_else(|| unknown(name))?;
            Of::Property(name.clone(), field.shape)
        };
        let shape = match of {
            Of::Property(_, shape) => shape,
            Of::Links(_) => Shape::Number,
        };
        Ok(Test {
            check: self.check(shape)?,
            of,
        })
    }

    fn check(&self, shape: Shape) -> Answer<Check> {
        let compare = |holds| {
            Ok(Check::Compare(
                self.one("value", &self.value, shape)?,
                holds,
            ))
        };
        match self.operator.as_str() {
            "EQ" => compare(Ordering::is_eq),
            "NEQ" => compare(Ordering::is_ne),
            "LT" => compare(Ordering::is_lt),
            "LTE" => compare(Ordering::is_le),
            "GT" => compare(Ordering::is_gt),
            "GTE" => compare(Ordering::is_ge),
            "BETWEEN" => Ok(Check::Between(
                self.one("value", &self.value, shape)?,
                self.one("highValue", &self.high_value, shape)?,
            )),
            "IN" => Ok(Check::In(self.many(shape)?, true)),
            "NOT_IN" => Ok(Check::In(self.many(shape)?, false)),
            "CONTAINS_TOKEN" => Ok(Check::Contains(self.word()?, true)),
            "NOT_CONTAINS_TOKEN" => Ok(Check::Contains(self.word()?, false)),
            "HAS_PROPERTY" => Ok(Check::Has(true)),
            "NOT_HAS_PROPERTY" => Ok(Check::Has(false)),
            other => Err(self.wrong(&format!("{other} is not an operator"))),
        }
    }

    fn one(&self, name: &str, value: &Value, shape: Shape) -> Answer<Comparable> {
        let text = text(value).filter(|text| !text.is_empty());
        let text = text
            .ok_or_else(|| self.wrong(&format!("operator {} needs a `{name}`", self.operator)))?;
        let read = Comparable::of(shape, &text);
        let numeric = matches!(shape, Shape::Number | Shape::Moment | Shape::Date);
        if numeric && matches!(read, Comparable::Text(_)) {
            return Err(self.wrong(&format!("{text} was not a valid {}", shape.names().0)));
        }
        Ok(read)
    }

    fn many(&self, shape: Shape) -> Answer<Vec<Comparable>> {
        if self.values.is_empty() {
            return Err(self.wrong(&format!("operator {} needs `values`", self.operator)));
        }
        self.values
            .iter()
            .map(|value| self.one("values", value, shape))
            .collect()
    }

    fn word(&self) -> Answer<String> {
        let word = text(&self.value).filter(|word| !word.is_empty());
        word.ok_or_else(|| self.wrong(&format!("operator {} needs a `value`", self.operator)))
    }

    fn wrong(&self, why: &str) -> Refusal {
        let property = self.property_name.as_str();
        Refusal::invalid(format!(
            "There was a problem with the request. Filter on \"{property}\": {why}"
        ))
        .with_context("propertyName", [property])
    }
}

impl Test {
    pub(super) fn holds(&self, account: &Account, kind: &Type, record: &Record) -> bool {
        match &self.of {
            Of::Property(name, shape) => match record.get(name) {
                // Nothing is not unequal to something: only the lack of a value can be asked for.
                None => matches!(self.check, Check::Has(false)),
                Some(value) => self.check.holds(*shape, value),
            },
            Of::Links(to) => {
                let from = (kind.id().to_owned(), record.id);
                let ids: Vec<String> = account
                    .links
                    .from(&from, to)
                    .map(|(id, _)| id.to_string())
                    .collect();
                match &self.check {
                    Check::Has(wanted) => ids.is_empty() != *wanted,
                    Check::In(_, false) => ids.iter().all(|id| self.check.holds(Shape::Number, id)),
                    check => ids.iter().any(|id| check.holds(Shape::Number, id)),
                }
            }
        }
    }
}

impl Check {
    fn holds(&self, shape: Shape, value: &str) -> bool {
        // Of several values one is enough, and none may be when the filter denies.
        if shape == Shape::Choices && value.contains(';') {
            let mut parts = value.split(';');
            return match self {
                Self::In(_, false) => parts.all(|part| self.holds(shape, part)),
                _ => parts.any(|part| self.holds(shape, part)),
            };
        }
        let own = || Comparable::of(shape, value);
        match self {
            Self::Compare(other, holds) => holds(own().compare(other)),
            Self::Between(low, high) => {
                let own = own();
                own.compare(low).is_ge() && own.compare(high).is_le()
            }
            Self::In(others, wanted) => {
                others.iter().any(|other| own().compare(other).is_eq()) == *wanted
            }
            Self::Contains(word, wanted) => words::contain(value, word) == *wanted,
            Self::Has(wanted) => *wanted,
        }
    }
}
