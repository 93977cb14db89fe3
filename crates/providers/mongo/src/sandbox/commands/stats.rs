//! Sizes of collections and databases.

use bson::{Document, doc};

use super::{Args, Session, State};
use crate::sandbox::{
    failure::{Failure, Result},
    number::count,
    store::{Collection, check_namespace},
};

/// What an index is said to weigh: there are no pages to count in memory.
const INDEX_BYTES: usize = 4096;

fn scale(args: &Args<'_>) -> Result<usize> {
    match args.integer("scale")? {
        None => Ok(1),
        Some(scale) => usize::try_from(scale)
            .ok()
            .filter(|scale| *scale > 0)
            .ok_or_else(|| {
                Failure::new(
                    51024,
                    format!("BSON field 'scale' value must be >= 1, actual value '{scale}'"),
                )
            }),
    }
}

pub(super) fn collection(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["scale"], &[])?;
    let name = args.collection()?;
    let scale = scale(args)?;
    let collection = state.store.collection(args.database(), name);
    let documents = collection.map_or(0, Collection::len);
    let size = collection.map_or(0, Collection::size);
    let indexes: Document = collection
        .into_iter()
        .flat_map(Collection::indexes)
        .map(|index| (index.name().to_owned(), count(INDEX_BYTES / scale)))
        .collect();
    let index_size = indexes.len() * INDEX_BYTES;
    let mut reply = doc! {
        "ns": args.namespace(name),
        "size": count(size / scale),
        "count": count(documents),
        "numOrphanDocs": 0,
        "storageSize": count(size / scale),
        "totalIndexSize": count(index_size / scale),
        "totalSize": count((size + index_size) / scale),
        "nindexes": count(indexes.len()),
        "indexSizes": indexes,
        "capped": false,
        "scaleFactor": count(scale),
    };
    if let Some(average) = size.checked_div(documents) {
        reply.insert("avgObjSize", count(average));
    }
    Ok(reply)
}

pub(super) fn database(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["scale", "freeStorage"], &[])?;
    check_namespace(args.database(), "any")?;
    let scale = scale(args)?;
    let collections: Vec<&Collection> = state
        .store
        .database(args.database())
        .into_iter()
        .flat_map(|all| all.values())
        .collect();
    let objects: usize = collections.iter().map(|collection| collection.len()).sum();
    let size: usize = collections.iter().map(|collection| collection.size()).sum();
    let indexes: usize = collections
        .iter()
        .map(|collection| collection.indexes().count())
        .sum();
    let average = size.checked_div(objects).unwrap_or(0);
    let index_size = indexes * INDEX_BYTES;
    Ok(doc! {
        "db": args.database(),
        "collections": count(collections.len()),
        "views": 0,
        "objects": count(objects),
        "avgObjSize": count(average),
        "dataSize": count(size / scale),
        "storageSize": count(size / scale),
        "indexes": count(indexes),
        "indexSize": count(index_size / scale),
        "totalSize": count((size + index_size) / scale),
        "scaleFactor": count(scale),
    })
}
