//! Orders of documents, as `sort`, `$sort` and `$push.$sort` name them.

use std::cmp::Ordering;

use bson::{Bson, Document};

use super::{
    compare::compare,
    failure::{Failure, Result},
    number::Number,
    path,
};

#[derive(Debug, Clone)]
pub(crate) struct Sort(Vec<(Vec<String>, bool)>);

impl Sort {
    pub(crate) fn parse(spec: &Document) -> Result<Self> {
        let keys = spec.iter().map(|(name, direction)| {
            if let Bson::Document(meta) = direction {
                let what = if meta.contains_key("$meta") {
                    "$meta"
                } else {
                    "Illegal key in"
                };
                return Err(Failure::bad_value(format!(
                    "{what} $sort specification: {name}: {direction}"
                )));
            }
            let ascending = descending(direction)?;
            Ok((path::split(name), ascending))
        });
        Ok(Self(keys.collect::<Result<_>>()?))
    }

    /// The fields in their order, with whether each descends.
    pub(crate) fn keys(&self) -> &[(Vec<String>, bool)] {
        &self.0
    }

    pub(crate) fn apply(&self, documents: &mut [Document]) {
        if !self.0.is_empty() {
            documents.sort_by(|a, b| self.compare(a, b));
        }
    }

    pub(crate) fn compare(&self, a: &Document, b: &Document) -> Ordering {
        self.0
            .iter()
            .fold(Ordering::Equal, |order, (path, descending)| {
                order.then_with(|| {
                    let key = |document| key(document, path, *descending);
                    let order = compare(&key(a), &key(b));
                    if *descending { order.reverse() } else { order }
                })
            })
    }
}

/// Whether `direction` is -1; anything but -1 and 1 is refused.
fn descending(direction: &Bson) -> Result<bool> {
    match Number::of(direction).and_then(Number::to_integer) {
        Some(1) => Ok(false),
        Some(-1) => Ok(true),
        _ => Err(Failure::new(
            15975,
            "$sort key ordering must be 1 (for ascending) or -1 (for descending)",
        )),
    }
}

/// An array stands for its smallest element, or its largest where the order descends.
fn key(document: &Document, path: &[String], descending: bool) -> Bson {
    let mut chosen: Option<Bson> = None;
    path::visit(document, path, true, &mut |value, _| {
        let value = match value {
            // The elements have been shown before; only an empty array stands for itself.
            Some(Bson::Array(items)) if !items.is_empty() && chosen.is_some() => return false,
            Some(Bson::Array(items)) if items.is_empty() => Bson::Undefined,
            value => value.cloned().unwrap_or(Bson::Null),
        };
        let better = chosen.as_ref().is_none_or(|chosen| {
            let order = compare(&value, chosen);
            if descending {
                order.is_gt()
            } else {
                order.is_lt()
            }
        });
        if better {
            chosen = Some(value);
        }
        false
    });
    chosen.unwrap_or(Bson::Null)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn order(spec: Document, documents: Vec<Document>) -> Vec<i32> {
        let mut documents = documents;
        Sort::parse(&spec).unwrap().apply(&mut documents);
        documents
            .iter()
            .map(|document| document.get_i32("_id").unwrap())
            .collect()
    }

    #[test]
    fn missing_fields_come_first_and_ties_are_broken_by_the_next_key() {
        let documents = vec![
            doc! { "_id": 1, "a": 2, "b": 1 },
            doc! { "_id": 2 },
            doc! { "_id": 3, "a": 2, "b": 9 },
        ];
        assert_eq!(order(doc! { "a": 1, "b": -1 }, documents), [2, 3, 1]);
    }

    #[test]
    fn arrays_sort_by_their_smallest_or_largest_element() {
        let documents = vec![doc! { "_id": 1, "a": [5, 1] }, doc! { "_id": 2, "a": 3 }];
        assert_eq!(order(doc! { "a": 1 }, documents.clone()), [1, 2]);
        assert_eq!(order(doc! { "a": -1 }, documents), [1, 2]);
    }

    #[test]
    fn other_directions_are_refused() {
        assert_eq!(Sort::parse(&doc! { "a": 2 }).unwrap_err().code, 15975);
        assert_eq!(Sort::parse(&doc! { "a": "asc" }).unwrap_err().code, 15975);
    }
}
