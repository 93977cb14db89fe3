//! From a path with `$`, `$[]` and `$[name]` to the fields it stands for in one document.

use bson::{Bson, Document, doc};

use super::field::Change;
use crate::sandbox::{
    compare::type_name,
    expr::Variables,
    failure::{Failure, Result},
    path,
    query::Filter,
};

#[derive(Debug, Clone)]
pub(crate) struct ArrayFilter {
    name: String,
    filter: Filter,
}

pub(super) fn parse_filters(filters: &[Bson], variables: &Variables) -> Result<Vec<ArrayFilter>> {
    let mut parsed: Vec<ArrayFilter> = Vec::new();
    for filter in filters {
        let Bson::Document(filter) = filter else {
            return Err(Failure::type_mismatch("Array filters must be objects"));
        };
        let Some(key) = top_field(filter) else {
            return Err(Failure::failed_to_parse(
                "Cannot use an expression without a top-level field name in arrayFilters",
            ));
        };
        let name = key.split('.').next().unwrap_or_default().to_owned();
        if parsed.iter().any(|known| known.name == name) {
            return Err(Failure::failed_to_parse(format!(
                "Found multiple array filters with the same top-level field name {name}"
            )));
        }
        let filter = Filter::parse(filter, variables)?;
        parsed.push(ArrayFilter { name, filter });
    }
    Ok(parsed)
}

fn top_field(filter: &Document) -> Option<&str> {
    let (key, value) = filter.iter().next()?;
    if !key.starts_with('$') {
        return Some(key);
    }
    let Bson::Array(entries) = value else {
        return None;
    };
    entries
        .first()
        .and_then(Bson::as_document)
        .and_then(top_field)
}

fn filter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix("$[")?.strip_suffix(']')
}

pub(super) fn check_filters(changes: &[Change], filters: &[ArrayFilter]) -> Result<()> {
    let mut used = Vec::new();
    for change in changes {
        for name in change
            .path
            .iter()
            .filter_map(|segment| filter_name(segment))
        {
            if !name.is_empty() && !filters.iter().any(|filter| filter.name == name) {
                return Err(Failure::bad_value(format!(
                    "No array filter found for identifier '{name}' in path '{}'",
                    change.path.join(".")
                )));
            }
            used.push(name);
        }
    }
    match filters
        .iter()
        .find(|filter| !used.contains(&filter.name.as_str()))
    {
        Some(unused) => Err(Failure::failed_to_parse(format!(
            "The array filter for identifier '{}' was not used in the update",
            unused.name
        ))),
        None => Ok(()),
    }
}

pub(super) fn concrete(
    document: &Document,
    change: &Change,
    position: Option<usize>,
    filters: &[ArrayFilter],
) -> Result<Vec<Vec<String>>> {
    let mut paths = vec![Vec::new()];
    for segment in &change.path {
        let mut next = Vec::new();
        for mut path in paths {
            if segment == "$" {
                let at = position.ok_or_else(|| {
                    Failure::bad_value(
                        "The positional operator did not find the match needed from the query.",
                    )
                })?;
                path.push(at.to_string());
                next.push(path);
            } else if let Some(name) = filter_name(segment) {
                for at in elements(document, &path, name, filters)? {
                    let mut path = path.clone();
                    path.push(at.to_string());
                    next.push(path);
                }
            } else {
                path.push(segment.clone());
                next.push(path);
            }
        }
        paths = next;
    }
    Ok(paths)
}

fn elements(
    document: &Document,
    path: &[String],
    name: &str,
    filters: &[ArrayFilter],
) -> Result<Vec<usize>> {
    let items = match path::get(document, path) {
        Some(Bson::Array(items)) => items,
        None => {
            return Err(Failure::bad_value(format!(
                "The path '{}' must exist in the document in order to apply array updates.",
                path.join(".")
            )));
        }
        Some(other) => {
            return Err(Failure::bad_value(format!(
                "Cannot apply array updates to non-array element {}: <{}>",
                path.join("."),
                type_name(other)
            )));
        }
    };
    let filter = filters.iter().find(|filter| filter.name == name);
    let mut found = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let matched = match filter {
            Some(filter) => {
                let wrapped = doc! { name: item.clone() };
                filter.filter.matches(&wrapped, &Variables::default())?
            }
            None => true,
        };
        if matched {
            found.push(at);
        }
    }
    Ok(found)
}
