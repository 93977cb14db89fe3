//! Commands that change documents, with an error per write where one fails.

use bson::{Bson, Document, doc, oid::ObjectId};

use super::{Args, Session, State, read};
use crate::sandbox::{
    compare::identical_documents,
    expr::Variables,
    failure::{Failure, Result},
    number::{self, Number},
    path,
    query::Filter,
    store::{Collection, check_namespace},
    update::Update,
};

/// Runs each write of a batch; after a failure the rest runs only where order does not matter.
fn batch<T>(
    writes: &[T],
    ordered: bool,
    mut run: impl FnMut(usize, &T) -> Result<()>,
) -> Vec<Document> {
    let mut errors = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        if let Err(failure) = run(index, write) {
            errors.push(failure.write_error(i32::try_from(index).unwrap_or(i32::MAX)));
            if ordered {
                break;
            }
        }
    }
    errors
}

fn with_errors(mut reply: Document, errors: Vec<Document>) -> Document {
    if !errors.is_empty() {
        reply.insert("writeErrors", errors);
    }
    reply
}

fn check_count<T>(writes: &[T]) -> Result<()> {
    let count = writes.len();
    if (1..=100_000).contains(&count) {
        return Ok(());
    }
    Err(Failure::new(
        16,
        format!("Write batch sizes must be between 1 and 100000. Got {count} operations."),
    ))
}

fn is_ordered(args: &Args<'_>) -> Result<bool> {
    Ok(args.get("ordered").is_none() || args.flag("ordered")?)
}

pub(super) fn insert(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["documents", "ordered", "bypassDocumentValidation"], &[])?;
    let name = args.collection()?;
    let documents = args.documents("documents")?;
    check_count(&documents)?;
    let ordered = is_ordered(args)?;
    let collection = state.store.collection_or_create(args.database(), name);
    let mut inserted = 0;
    let errors = batch(&documents, ordered, |_, document| {
        collection.insert((*document).clone())?;
        inserted += 1;
        Ok(())
    });
    Ok(with_errors(doc! { "n": number::count(inserted) }, errors))
}

/// A statement of a batch, with its own known fields.
fn statement<'a>(document: &'a Document, command: &str, known: &[&str]) -> Result<&'a Document> {
    for (name, value) in document {
        if name == "collation" && !matches!(value, Bson::Document(spec) if spec.is_empty()) {
            return Err(Failure::not_implemented("the option 'collation'"));
        }
        if name != "collation" && !known.contains(&name.as_str()) {
            return Err(Failure::new(
                40415,
                format!("BSON field '{command}.{name}' is an unknown field."),
            ));
        }
    }
    document.get_document("q").map_err(|_| {
        Failure::new(
            40414,
            format!("BSON field '{command}.q' is missing but a required field"),
        )
    })
}

/// What an update did to the documents it matched.
#[derive(Default)]
struct Updated {
    matched: usize,
    modified: usize,
    upserted: Vec<Document>,
}

pub(super) fn update(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &["updates", "ordered", "let", "bypassDocumentValidation"],
        &[],
    )?;
    let name = args.collection()?;
    let updates = args.documents("updates")?;
    check_count(&updates)?;
    let (ordered, variables) = (is_ordered(args)?, args.variables()?);
    let mut done = Updated::default();
    let errors = batch(&updates, ordered, |index, update| {
        update_one_statement(
            state,
            args.database(),
            name,
            update,
            &variables,
            index,
            &mut done,
        )
    });
    let mut reply = doc! {
        "n": number::count(done.matched + done.upserted.len()),
        "nModified": number::count(done.modified),
    };
    if !done.upserted.is_empty() {
        reply.insert("upserted", done.upserted);
    }
    Ok(with_errors(reply, errors))
}

fn update_one_statement(
    state: &mut State,
    database: &str,
    name: &str,
    spec: &Document,
    variables: &Variables,
    index: usize,
    done: &mut Updated,
) -> Result<()> {
    const KNOWN: &[&str] = &["q", "u", "multi", "upsert", "arrayFilters", "hint", "c"];
    let query = statement(spec, "update.updates", KNOWN)?;
    let filter = Filter::parse(query, variables)?;
    let change = spec.get("u").ok_or_else(|| {
        Failure::new(
            40414,
            "BSON field 'update.updates.u' is missing but a required field",
        )
    })?;
    let array_filters = match spec.get("arrayFilters") {
        None => &[][..],
        Some(Bson::Array(filters)) => filters,
        Some(_) => return Err(Failure::type_mismatch("arrayFilters must be an array")),
    };
    let update = Update::parse(change, array_filters, variables)?;
    let multi = spec.get_bool("multi").unwrap_or(false);
    if multi && update.is_replacement() {
        return Err(Failure::failed_to_parse(
            "multi update is not supported for replacement-style update",
        ));
    }
    let found = match state.store.collection(database, name) {
        Some(collection) => read::matches(collection, &filter, variables)?,
        None => Vec::new(),
    };
    if found.is_empty() {
        if spec.get_bool("upsert").unwrap_or(false) {
            let document = upserted(&filter, &update, variables)?;
            let id = state
                .store
                .collection_or_create(database, name)
                .insert(document)?;
            done.upserted
                .push(doc! { "index": number::count(index), "_id": id });
        }
        return Ok(());
    }
    let Some(collection) = state.store.collection_mut(database, name) else {
        return Ok(());
    };
    let count = if multi { usize::MAX } else { 1 };
    for (record, position) in found.into_iter().take(count) {
        let Some(document) = collection.get(record) else {
            continue;
        };
        let changed = update.apply(document, position, false, variables)?;
        let same = identical_documents(document, &changed);
        if !same {
            collection.replace(record, changed)?;
            done.modified += 1;
        }
        done.matched += 1;
    }
    Ok(())
}

/// The document that an upsert inserts: what the filter pins down, changed by the update.
pub(super) fn upserted(
    filter: &Filter,
    update: &Update,
    variables: &Variables,
) -> Result<Document> {
    let mut base = Document::new();
    for (path, value) in filter.equalities() {
        if !update.is_replacement() || path == ["_id"] {
            if path::get(&base, path).is_some() {
                return Err(Failure::new(
                    54,
                    format!(
                        "cannot infer query fields to set, path '{}' is matched twice",
                        path.join(".")
                    ),
                ));
            }
            path::set(&mut base, path, value.clone())?;
        }
    }
    let mut document = update.apply(&base, None, true, variables)?;
    if !document.contains_key("_id") {
        let mut ordered = doc! { "_id": ObjectId::new() };
        ordered.extend(std::mem::take(&mut document));
        document = ordered;
    }
    Ok(document)
}

pub(super) fn delete(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["deletes", "ordered", "let"], &[])?;
    let name = args.collection()?;
    check_namespace(args.database(), name)?;
    let statements = args.documents("deletes")?;
    check_count(&statements)?;
    let (ordered, variables) = (is_ordered(args)?, args.variables()?);
    let mut deleted = 0;
    let errors = batch(&statements, ordered, |_, spec| {
        let query = statement(spec, "delete.deletes", &["q", "limit", "hint"])?;
        let filter = Filter::parse(query, &variables)?;
        let limit = spec
            .get("limit")
            .and_then(Number::of)
            .and_then(Number::to_integer);
        let count = match limit {
            Some(0) => usize::MAX,
            Some(1) => 1,
            Some(other) => {
                return Err(Failure::failed_to_parse(format!(
                    "The limit field in delete objects must be 0 or 1. Got {other}"
                )));
            }
            None => {
                return Err(Failure::new(
                    40414,
                    "BSON field 'delete.deletes.limit' is missing but a required field",
                ));
            }
        };
        if let Some(collection) = state.store.collection_mut(args.database(), name) {
            deleted += remove(collection, &filter, count, &variables)?;
        }
        Ok(())
    });
    Ok(with_errors(doc! { "n": number::count(deleted) }, errors))
}

fn remove(
    collection: &mut Collection,
    filter: &Filter,
    count: usize,
    variables: &Variables,
) -> Result<usize> {
    let found = read::matches(collection, filter, variables)?;
    let removed = found
        .into_iter()
        .take(count)
        .filter_map(|(record, _)| collection.remove(record));
    Ok(removed.count())
}
