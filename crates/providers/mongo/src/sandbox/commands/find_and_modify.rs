//! `findAndModify`: one document, changed and answered in one step.

use bson::{Bson, Document, doc};

use super::{
    Args, Session, State,
    read::{self, Query},
    write,
};
use crate::sandbox::{
    failure::{Failure, Result},
    project::{Place, Projection},
    store::Record,
    update::Update,
};

pub(super) fn run(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &[
            "query",
            "sort",
            "remove",
            "update",
            "new",
            "fields",
            "upsert",
            "arrayFilters",
            "hint",
            "let",
            "bypassDocumentValidation",
        ],
        &["collation"],
    )?;
    let name = args.collection()?;
    let query = Query::parse(args, "query")?;
    let fields = args.document("fields")?.filter(|spec| !spec.is_empty());
    let fields = fields.map(|spec| Projection::parse(spec, Place::Find, &query.variables));
    let fields = fields.transpose()?;
    let shown = |document: Option<Document>, position: Option<usize>| -> Result<Bson> {
        Ok(match (document, &fields) {
            (Some(document), Some(fields)) => {
                Bson::Document(fields.apply(&document, position, &query.variables)?)
            }
            (document, _) => document.map_or(Bson::Null, Bson::Document),
        })
    };
    let change = change(args, &query)?;
    let found = first(state, args.database(), name, &query)?;

    let Some(update) = change else {
        let position = found.and_then(|(_, position)| position);
        let collection = state.store.collection_mut(args.database(), name);
        let removed = collection
            .zip(found)
            .and_then(|(collection, (record, _))| collection.remove(record));
        let n = i32::from(removed.is_some());
        return Ok(doc! { "lastErrorObject": { "n": n }, "value": shown(removed, position)? });
    };
    let new = args.flag("new")?;
    match (found, state.store.collection_mut(args.database(), name)) {
        (Some((record, position)), Some(collection)) => {
            let before = collection.get(record).cloned().unwrap_or_default();
            let after = update.apply(&before, position, false, &query.variables)?;
            collection.replace(record, after.clone())?;
            let value = shown(Some(if new { after } else { before }), position)?;
            Ok(doc! { "lastErrorObject": { "n": 1, "updatedExisting": true }, "value": value })
        }
        _ if args.flag("upsert")? => {
            let document = write::upserted(&query.filter, &update, &query.variables)?;
            let collection = state.store.collection_or_create(args.database(), name);
            let id = collection.insert(document.clone())?;
            let value = shown(new.then_some(document), None)?;
            Ok(doc! {
                "lastErrorObject": { "n": 1, "updatedExisting": false, "upserted": id },
                "value": value,
            })
        }
        _ => Ok(doc! {
            "lastErrorObject": { "n": 0, "updatedExisting": false },
            "value": Bson::Null,
        }),
    }
}

/// The update, or `None` to remove.
fn change(args: &Args<'_>, query: &Query) -> Result<Option<Update>> {
    let remove = args.flag("remove")?;
    match (remove, args.get("update")) {
        (true, Some(_)) => Err(Failure::failed_to_parse(
            "Cannot specify both an update and remove=true",
        )),
        (true, None) if args.flag("upsert")? => Err(Failure::failed_to_parse(
            "Cannot specify both upsert=true and remove=true",
        )),
        (true, None) if args.flag("new")? => Err(Failure::failed_to_parse(
            "Cannot specify both new=true and remove=true; 'remove' always returns the deleted \
             document",
        )),
        (true, None) => Ok(None),
        (false, None) => Err(Failure::failed_to_parse(
            "Either an update or remove=true must be specified",
        )),
        (false, Some(update)) => {
            let filters = args.array("arrayFilters")?.unwrap_or_default();
            Update::parse(update, filters, &query.variables).map(Some)
        }
    }
}

fn first(
    state: &State,
    database: &str,
    name: &str,
    query: &Query,
) -> Result<Option<(Record, Option<usize>)>> {
    let Some(collection) = state.store.collection(database, name) else {
        return Ok(None);
    };
    let mut found = read::matches(collection, &query.filter, &query.variables)?;
    if let Some(sort) = &query.sort {
        let empty = Document::new();
        let document = |record: Record| collection.get(record).unwrap_or(&empty);
        found.sort_by(|(a, _), (b, _)| sort.compare(document(*a), document(*b)));
    }
    Ok(found.into_iter().next())
}
