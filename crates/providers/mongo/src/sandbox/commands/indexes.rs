//! Indexes: listed, built, dropped.

use bson::{Bson, Document, doc};

use super::{Args, Session, State, cursor::FIRST_BATCH};
use crate::sandbox::{
    failure::{Failure, Result},
    number,
    store::Index,
};

fn no_collection(namespace: &str) -> Failure {
    Failure::namespace_not_found(format!("ns does not exist: {namespace}"))
}

pub(super) fn list(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["cursor"], &[])?;
    let name = args.collection()?;
    let namespace = args.namespace(name);
    let collection = state.store.collection(args.database(), name);
    let collection = collection.ok_or_else(|| no_collection(&namespace))?;
    let specs = collection
        .indexes()
        .map(|index| index.spec().clone())
        .collect();
    Ok(state.cursors.open(&namespace, specs, FIRST_BATCH, false))
}

pub(super) fn create(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &["indexes", "commitQuorum", "ignoreUnknownIndexOptions"],
        &[],
    )?;
    let name = args.collection()?;
    let specs = args.documents("indexes")?;
    if specs.is_empty() {
        return Err(Failure::bad_value(
            "Must specify at least one index to create",
        ));
    }
    let indexes = specs
        .into_iter()
        .map(Index::parse)
        .collect::<Result<Vec<_>>>()?;
    let created = state.store.collection(args.database(), name).is_none();
    let collection = state.store.collection_or_create(args.database(), name);
    let before = collection.indexes().count();
    for index in indexes {
        collection.create_index(index)?;
    }
    let after = collection.indexes().count();
    let mut reply = doc! {
        "numIndexesBefore": number::count(before),
        "numIndexesAfter": number::count(after),
        "createdCollectionAutomatically": created,
    };
    if before == after {
        reply.insert("note", "all indexes already exist");
    }
    Ok(reply)
}

pub(super) fn drop(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["index"], &[])?;
    let name = args.collection()?;
    let namespace = args.namespace(name);
    let collection = state.store.collection_mut(args.database(), name);
    let collection = collection
        .ok_or_else(|| Failure::namespace_not_found(format!("ns not found {namespace}")))?;
    let before = collection.indexes().count();
    let mut message = None;
    match args.get("index") {
        Some(Bson::String(all)) if all == "*" => {
            collection.drop_indexes(|_| true);
            message = Some("non-_id indexes dropped for collection");
        }
        Some(Bson::String(name)) => {
            check_droppable(
                collection.indexes().find(|index| index.name() == name),
                name,
            )?;
            collection.drop_indexes(|index| index.name() == name);
        }
        Some(Bson::Document(key)) => {
            let found = collection.indexes().find(|index| index.key() == *key);
            check_droppable(found, &key.to_string())?;
            collection.drop_indexes(|index| index.key() == *key);
        }
        Some(Bson::Array(names)) => {
            for name in names {
                let name = name.as_str().unwrap_or_default();
                check_droppable(
                    collection.indexes().find(|index| index.name() == name),
                    name,
                )?;
            }
            collection
                .drop_indexes(|index| names.iter().any(|name| name.as_str() == Some(index.name())));
        }
        Some(_) => {
            return Err(Failure::type_mismatch(
                "BSON field 'dropIndexes.index' is the wrong type",
            ));
        }
        None => return Err(args.missing("index")),
    }
    let mut reply = doc! { "nIndexesWas": number::count(before) };
    if let Some(message) = message {
        reply.insert("msg", message);
    }
    Ok(reply)
}

fn check_droppable(index: Option<&Index>, name: &str) -> Result<()> {
    match index {
        None => Err(Failure::new(
            27,
            format!("index not found with name [{name}]"),
        )),
        Some(index) if index.name() == "_id_" => Err(Failure::new(72, "cannot drop _id index")),
        Some(_) => Ok(()),
    }
}
