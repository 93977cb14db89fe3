//! Databases as a whole.

use bson::{Document, doc};

use super::{Args, Session, State};
use crate::sandbox::{
    expr::Variables,
    failure::{Failure, Result},
    number,
    query::Filter,
    store::{Collection, check_namespace},
};

pub(super) fn list_databases(
    state: &mut State,
    _: &mut Session,
    args: &Args<'_>,
) -> Result<Document> {
    args.check(&["filter", "nameOnly", "authorizedDatabases"], &[])?;
    if args.database() != "admin" {
        return Err(Failure::new(
            13,
            "listDatabases may only be run against the admin database.",
        ));
    }
    let filter = Filter::parse(
        args.document("filter")?.unwrap_or(&Document::new()),
        &Variables::default(),
    )?;
    let name_only = args.flag("nameOnly")?;
    let (mut databases, mut total) = (Vec::new(), 0);
    for (name, collections) in state.store.databases() {
        let size: usize = collections.values().map(Collection::size).sum();
        let entry = if name_only {
            doc! { "name": name }
        } else {
            let empty = collections.values().all(|collection| collection.len() == 0);
            doc! { "name": name, "sizeOnDisk": number::count(size), "empty": empty }
        };
        if filter.matches(&entry, &Variables::default())? {
            total += size;
            databases.push(entry);
        }
    }
    let mut reply = doc! { "databases": databases };
    if !name_only {
        reply.insert("totalSize", number::count(total));
        reply.insert("totalSizeMb", number::count(total / 1_048_576));
    }
    Ok(reply)
}

pub(super) fn drop_database(
    state: &mut State,
    _: &mut Session,
    args: &Args<'_>,
) -> Result<Document> {
    args.check(&[], &[])?;
    check_namespace(args.database(), "any")?;
    let mut reply = Document::new();
    if state.store.drop_database(args.database()).is_some() {
        reply.insert("dropped", args.database());
    }
    Ok(reply)
}
