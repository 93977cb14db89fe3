//! What can be asked of one value.

use std::cmp::Ordering;

use bson::{Bson, Document};
use regex::Regex;

use super::{Node, Variables};
use crate::sandbox::{
    compare::{compare, equal, rank, text, type_code},
    number::Number,
};

#[derive(Debug, Clone)]
pub(crate) enum Predicate {
    Equal(Bson),
    Relation(Relation, Bson),
    In {
        values: Vec<Bson>,
        patterns: Vec<Regex>,
    },
    Exists,
    Type(Vec<i32>),
    Pattern(Regex, Bson),
    Size(usize),
    Modulo {
        divisor: i64,
        remainder: i64,
    },
    /// `$all` without values, which matches nothing.
    Nothing,
    ElementDocument(Box<ElementFilter>),
    ElementValue(Box<ElementFilter>),
}

#[derive(Debug, Clone)]
pub(crate) struct ElementFilter(pub(super) Node);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    No,
    Whole,
    Element(usize),
}

impl Relation {
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }

    fn includes_equal(self) -> bool {
        matches!(self, Self::GreaterOrEqual | Self::LessOrEqual)
    }

    /// Values of two types do not compare in a filter, save with the ends of the order.
    fn matches(self, value: Option<&Bson>, wanted: &Bson) -> bool {
        let Some(value) = value else {
            return self.includes_equal() && matches!(wanted, Bson::Null);
        };
        let ends = matches!(wanted, Bson::MinKey | Bson::MaxKey);
        if rank(value) != rank(wanted) && !ends {
            return false;
        }
        let nan = |value| Number::of(value).is_some_and(Number::is_nan);
        if nan(value) || nan(wanted) {
            return self.includes_equal() && nan(value) && nan(wanted);
        }
        self.holds(compare(value, wanted))
    }
}

impl Predicate {
    /// Whether an array at the end of the path is also asked about element by element.
    pub(super) fn expands_arrays(&self) -> bool {
        !matches!(
            self,
            Self::Exists | Self::Size(_) | Self::ElementDocument(_) | Self::ElementValue(_)
        )
    }

    /// Whether the value matches, and by which of its elements.
    pub(super) fn find(&self, value: Option<&Bson>) -> Match {
        let element = match (self, value) {
            (Self::ElementDocument(filter), Some(Bson::Array(items))) => {
                items.iter().position(|item| filter.matches_document(item))
            }
            (Self::ElementValue(filter), Some(Bson::Array(items))) => {
                items.iter().position(|item| filter.0.matches_element(item))
            }
            _ if self.matches(value) => return Match::Whole,
            _ => None,
        };
        element.map_or(Match::No, Match::Element)
    }

    pub(crate) fn matches(&self, value: Option<&Bson>) -> bool {
        match self {
            Self::Equal(wanted) => equals(value, wanted),
            Self::Relation(relation, wanted) => relation.matches(value, wanted),
            Self::In { values, patterns } => {
                values.iter().any(|wanted| equals(value, wanted))
                    || patterns.iter().any(|pattern| is_match(pattern, value))
            }
            Self::Exists => value.is_some(),
            Self::Type(codes) => value.is_some_and(|value| codes.contains(&type_code(value))),
            Self::Pattern(pattern, literal) => {
                is_match(pattern, value) || value.is_some_and(|value| equal(value, literal))
            }
            Self::Size(size) => {
                matches!(value, Some(Bson::Array(items)) if items.len() == *size)
            }
            Self::Modulo { divisor, remainder } => value
                .and_then(Number::of)
                .and_then(Number::truncated)
                .is_some_and(|value| value.checked_rem(*divisor).unwrap_or(0) == *remainder),
            Self::Nothing | Self::ElementDocument(_) | Self::ElementValue(_) => false,
        }
    }
}

impl ElementFilter {
    fn matches_document(&self, item: &Bson) -> bool {
        let matches = |document: &Document| {
            // The parser refuses `$expr` in here, and nothing else can fail.
            self.0
                .matches(document, &Variables::default(), &mut None)
                .unwrap_or(false)
        };
        match item {
            Bson::Document(document) => matches(document),
            // An array within the array is looked at like a document with the keys 0, 1, 2.
            Bson::Array(items) => {
                let keyed = items.iter().enumerate();
                matches(
                    &keyed
                        .map(|(at, item)| (at.to_string(), item.clone()))
                        .collect(),
                )
            }
            _ => false,
        }
    }
}

fn equals(value: Option<&Bson>, wanted: &Bson) -> bool {
    match value {
        Some(value) => equal(value, wanted),
        None => matches!(wanted, Bson::Null),
    }
}

fn is_match(pattern: &Regex, value: Option<&Bson>) -> bool {
    value
        .and_then(text)
        .is_some_and(|text| pattern.is_match(text))
}
