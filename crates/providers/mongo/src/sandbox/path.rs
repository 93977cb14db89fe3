//! Dotted paths: how a filter reads them, and how an update writes them.

use bson::{Bson, Document};

use super::{
    compare::type_name,
    failure::{Failure, Result},
    wire::MAX_DEPTH,
};

/// An index so large that padding up to it can only be a mistake; the server's own bound.
const MAX_PADDING: usize = 1_500_000;

/// The names in a path. Beyond the depth that a document may have, the rest stays one name: the
/// walk along a path recurses, and a stranger's dots must not exhaust the stack.
pub(crate) fn split(path: &str) -> Vec<String> {
    path.splitn(MAX_DEPTH + 1, '.').map(str::to_owned).collect()
}

/// What a filter does with one value at the end of a path; `true` ends the walk.
///
/// The number is the index within the outermost array on the way, which the positional operator
/// of an update needs.
pub(crate) type Visit<'a> = dyn FnMut(Option<&Bson>, Option<usize>) -> bool + 'a;

/// Shows `visit` every value that a filter on `path` looks at.
///
/// Arrays on the way are entered, by index as well as element by element. With `expand`, an array
/// at the end is shown element by element and then as a whole. A missing field is shown as `None`,
/// but elements of an array that are no documents are passed over in silence.
pub(crate) fn visit(
    document: &Document,
    path: &[String],
    expand: bool,
    visit: &mut Visit<'_>,
) -> bool {
    match path.split_first() {
        Some((name, rest)) => step(document.get(name), rest, expand, None, visit),
        None => false,
    }
}

fn step(
    value: Option<&Bson>,
    path: &[String],
    expand: bool,
    outer: Option<usize>,
    visit: &mut Visit<'_>,
) -> bool {
    let Some((name, rest)) = path.split_first() else {
        if let (Some(Bson::Array(items)), true) = (value, expand) {
            let mut items = items.iter().enumerate();
            if items.any(|(index, item)| visit(Some(item), outer.or(Some(index)))) {
                return true;
            }
        }
        return visit(value, outer);
    };
    match value {
        Some(Bson::Document(document)) => step(document.get(name), rest, expand, outer, visit),
        Some(Bson::Array(items)) => {
            let wanted = index(name);
            items.iter().enumerate().any(|(at, item)| {
                let outer = outer.or(Some(at));
                if let Bson::Document(inner) = item
                    && step(inner.get(name), rest, expand, outer, visit)
                {
                    return true;
                }
                if wanted != Some(at) {
                    return false;
                }
                match item {
                    _ if rest.is_empty() => visit(Some(item), outer),
                    Bson::Document(_) | Bson::Array(_) => {
                        step(Some(item), rest, expand, outer, visit)
                    }
                    _ => false,
                }
            })
        }
        _ => visit(None, outer),
    }
}

/// Reads a path as an array index; `01` is a field name.
pub(crate) fn index(name: &str) -> Option<usize> {
    let plain = name == "0" || !name.starts_with(['0', '+']);
    name.parse().ok().filter(|_| plain)
}

/// The value at a path whose array steps are all indexes.
pub(crate) fn get<'a>(document: &'a Document, path: &[String]) -> Option<&'a Bson> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(document.get(first)?, |value, name| match value {
            Bson::Document(document) => document.get(name),
            Bson::Array(items) => items.get(index(name)?),
            _ => None,
        })
}

/// Writes a value, creating documents and padding arrays on the way.
pub(crate) fn set(document: &mut Document, path: &[String], value: Bson) -> Result<()> {
    let Some((name, rest)) = path.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        document.insert(name.clone(), value);
        return Ok(());
    }
    let inner = document
        .entry(name.clone())
        .or_insert_with(|| Bson::Document(Document::new()));
    set_within(inner, name, rest, value)
}

fn set_within(target: &mut Bson, parent: &str, path: &[String], value: Bson) -> Result<()> {
    let Some((name, rest)) = path.split_first() else {
        *target = value;
        return Ok(());
    };
    match target {
        Bson::Document(document) => set(document, path, value),
        Bson::Array(items) => {
            let at = index(name).ok_or_else(|| not_viable(name, parent, "array"))?;
            if at > items.len().saturating_add(MAX_PADDING) {
                return Err(Failure::bad_value(format!(
                    "can't backfill more than {MAX_PADDING} elements"
                )));
            }
            while items.len() <= at {
                let last = items.len() == at && !rest.is_empty();
                items.push(if last {
                    Bson::Document(Document::new())
                } else {
                    Bson::Null
                });
            }
            match items.get_mut(at) {
                Some(item) => set_within(item, name, rest, value),
                None => Ok(()),
            }
        }
        other => Err(not_viable(name, parent, type_name(other))),
    }
}

fn not_viable(name: &str, parent: &str, kind: &str) -> Failure {
    Failure::new(
        28,
        format!("Cannot create field '{name}' in element {{{parent}: <{kind}>}}"),
    )
}

/// Removes a value; an element of an array becomes null, so that the others keep their places.
pub(crate) fn remove(document: &mut Document, path: &[String]) -> Option<Bson> {
    let (last, parents) = path.split_last()?;
    let Some((first, rest)) = parents.split_first() else {
        return document.remove(last);
    };
    let parent = rest
        .iter()
        .try_fold(document.get_mut(first)?, |value, name| match value {
            Bson::Document(document) => document.get_mut(name),
            Bson::Array(items) => items.get_mut(index(name)?),
            _ => None,
        })?;
    match parent {
        Bson::Document(document) => document.remove(last),
        Bson::Array(items) => Some(std::mem::replace(items.get_mut(index(last)?)?, Bson::Null)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn seen(document: &Document, path: &str) -> Vec<Option<Bson>> {
        let mut values = Vec::new();
        visit(document, &split(path), true, &mut |value, _| {
            values.push(value.cloned());
            false
        });
        values
    }

    #[test]
    fn arrays_are_entered_by_element_and_by_index() {
        let document = doc! { "a": [{ "b": 1 }, { "b": [2, 3] }, 4] };
        let b = seen(&document, "a.b");
        assert_eq!(b.len(), 4);
        assert_eq!(b[0], Some(Bson::Int32(1)));
        assert_eq!(seen(&document, "a.2"), [None, None, Some(Bson::Int32(4))]);
        assert_eq!(
            seen(&document, "a.1.b.0"),
            [None, None, Some(Bson::Int32(2))]
        );
    }

    #[test]
    fn scalars_in_an_array_are_passed_over_and_missing_fields_are_shown() {
        assert!(seen(&doc! { "a": [1, 2] }, "a.b").is_empty());
        assert_eq!(seen(&doc! { "a": [{}] }, "a.b"), [None]);
        assert_eq!(seen(&doc! { "a": 1 }, "a.b"), [None]);
    }

    #[test]
    fn writing_creates_documents_and_pads_arrays() {
        let mut document = doc! { "list": [1] };
        set(&mut document, &split("a.b"), Bson::Int32(1)).unwrap();
        set(&mut document, &split("list.3"), Bson::Int32(9)).unwrap();
        assert_eq!(
            document,
            doc! { "list": [1, null, null, 9], "a": { "b": 1 } }
        );
        assert_eq!(
            set(&mut document, &split("a.b.c"), Bson::Null)
                .unwrap_err()
                .code,
            28
        );
    }

    #[test]
    fn a_path_is_never_deeper_than_a_document_may_be() {
        assert_eq!(split(&"a.".repeat(100_000)).len(), MAX_DEPTH + 1);
    }

    #[test]
    fn removing_an_element_leaves_null_in_its_place() {
        let mut document = doc! { "list": [1, 2], "a": { "b": 1 } };
        remove(&mut document, &split("list.0"));
        remove(&mut document, &split("a.b"));
        assert_eq!(document, doc! { "list": [null, 2], "a": {} });
    }
}
