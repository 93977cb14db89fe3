//! Arrays under update: push, pull and sets.

use bson::{Bson, doc};

use crate::sandbox::{
    compare::{equal, type_name},
    expr::Variables,
    failure::Result,
    query::Filter,
    sort::Sort,
};

#[derive(Debug, Clone)]
pub(super) struct Push {
    pub(super) each: Vec<Bson>,
    pub(super) position: Option<i64>,
    pub(super) slice: Option<i64>,
    /// The order, and whether it is of the elements themselves.
    pub(super) sort: Option<(Sort, bool)>,
}

/// The elements of a field, `None` when it is missing; the type's name when it is no array.
pub(super) fn items(current: Option<&Bson>) -> Result<Option<Vec<Bson>>, &'static str> {
    match current {
        None => Ok(None),
        Some(Bson::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(type_name(other)),
    }
}

pub(super) fn contains(items: &[Bson], value: &Bson) -> bool {
    items.iter().any(|item| equal(item, value))
}

pub(super) fn add_to_set(mut items: Vec<Bson>, values: &[Bson]) -> Vec<Bson> {
    for value in values {
        if !contains(&items, value) {
            items.push(value.clone());
        }
    }
    items
}

impl Push {
    /// Inserts first, then sorts, then cuts, whatever the order they were written in.
    pub(super) fn apply(&self, mut items: Vec<Bson>) -> Vec<Bson> {
        let at = match self.position {
            None => items.len(),
            Some(at) if at < 0 => items
                .len()
                .saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
            Some(at) => usize::try_from(at).unwrap_or(usize::MAX).min(items.len()),
        };
        items.splice(at..at, self.each.iter().cloned());
        if let Some((sort, whole)) = &self.sort {
            items.sort_by(|a, b| {
                let wrap = |item: &Bson| match item {
                    Bson::Document(document) if !whole => document.clone(),
                    _ if !whole => doc! {},
                    item => doc! { "element": item.clone() },
                };
                sort.compare(&wrap(a), &wrap(b))
            });
        }
        let keep = |count: i64| usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        match self.slice {
            Some(count) if count >= 0 => items.truncate(keep(count)),
            Some(count) => {
                let excess = items.len().saturating_sub(keep(count));
                items.drain(..excess);
            }
            None => {}
        }
        items
    }
}

/// What `$pull` takes out: values equal to one, or elements that match a condition.
#[derive(Debug, Clone)]
pub(super) enum Pull {
    Equal(Bson),
    Operators(Filter),
    Documents(Filter),
}

impl Pull {
    pub(super) fn parse(argument: &Bson) -> Result<Self> {
        match argument {
            Bson::Document(spec) if spec.keys().next().is_some_and(|key| key.starts_with('$')) => {
                Filter::parse_operators(spec).map(Self::Operators)
            }
            Bson::Document(spec) => Filter::parse(spec, &Variables::default()).map(Self::Documents),
            Bson::RegularExpression(_) => {
                Filter::parse_operators(&doc! { "$in": [argument.clone()] }).map(Self::Operators)
            }
            other => Ok(Self::Equal(other.clone())),
        }
    }

    pub(super) fn takes(&self, item: &Bson) -> bool {
        match self {
            Self::Equal(value) => equal(item, value),
            Self::Operators(filter) => filter.matches_element(item),
            Self::Documents(filter) => match item {
                Bson::Document(document) => filter
                    .matches(document, &Variables::default())
                    .unwrap_or(false),
                _ => false,
            },
        }
    }
}
