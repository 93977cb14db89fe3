//! Collections: listed, created, dropped.

use bson::{Bson, Document, doc};

use super::{Args, Session, State, cursor::FIRST_BATCH, done};
use crate::sandbox::{
    expr::Variables,
    failure::{Failure, Result},
    query::Filter,
    store::check_namespace,
};

pub(super) fn list(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &["filter", "nameOnly", "authorizedCollections", "cursor"],
        &[],
    )?;
    check_namespace(args.database(), "any")?;
    let variables = Variables::default();
    let filter = Filter::parse(
        args.document("filter")?.unwrap_or(&Document::new()),
        &variables,
    )?;
    let name_only = args.flag("nameOnly")?;
    let mut out = Vec::new();
    for (name, collection) in state.store.database(args.database()).into_iter().flatten() {
        let mut entry = doc! { "name": name, "type": "collection" };
        if !name_only {
            entry.insert("options", Document::new());
            entry.insert(
                "info",
                doc! { "readOnly": false, "uuid": Bson::from(collection.uuid()) },
            );
            entry.insert(
                "idIndex",
                doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" },
            );
        }
        if filter.matches(&entry, &variables)? {
            out.push(entry);
        }
    }
    let batch = args
        .document("cursor")?
        .and_then(|cursor| cursor.get_i32("batchSize").ok());
    let batch = batch
        .and_then(|batch| usize::try_from(batch).ok())
        .unwrap_or(FIRST_BATCH);
    Ok(state
        .cursors
        .open(&args.namespace("$cmd.listCollections"), out, batch, false))
}

pub(super) fn create(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &["idIndex"],
        &[
            "capped",
            "size",
            "max",
            "viewOn",
            "pipeline",
            "validator",
            "validationLevel",
            "validationAction",
            "timeseries",
            "expireAfterSeconds",
            "collation",
            "clusteredIndex",
            "storageEngine",
            "indexOptionDefaults",
            "changeStreamPreAndPostImages",
            "encryptedFields",
        ],
    )?;
    let name = args.collection()?;
    // Creating what is there already, with the same options, is no error.
    state.store.collection_or_create(args.database(), name);
    Ok(done())
}

pub(super) fn drop(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&[], &[])?;
    let name = args.collection()?;
    match state.store.drop_collection(args.database(), name) {
        Some(dropped) => Ok(doc! {
            "nIndexesWas": i32::try_from(dropped.indexes().count()).unwrap_or(i32::MAX),
            "ns": dropped.namespace(),
        }),
        None => Err(Failure::namespace_not_found("ns not found")),
    }
}
