//! Commands that read documents.

use std::collections::BTreeSet;

use bson::{Bson, Document, doc};

use super::{Args, Session, State, cursor::FIRST_BATCH};
use crate::sandbox::{
    aggregate::{Context, Pipeline},
    compare::Key,
    expr::Variables,
    failure::{Failure, Result},
    number, path,
    project::{Place, Projection},
    query::{Filter, Predicate},
    sort::Sort,
    store::{Collection, Neighbours, Record, Store},
};

/// A filter, and which of its matches are wanted in what order.
pub(super) struct Query {
    pub(super) filter: Filter,
    pub(super) sort: Option<Sort>,
    pub(super) variables: Variables,
    skip: usize,
    limit: Option<usize>,
}

impl Query {
    pub(super) fn parse(args: &Args<'_>, filter: &str) -> Result<Self> {
        let variables = args.variables()?;
        let empty = Document::new();
        let filter = Filter::parse(args.document(filter)?.unwrap_or(&empty), &variables)?;
        let sort = args.document("sort")?.map(Sort::parse).transpose()?;
        let skip = args.size("skip")?.unwrap_or(0);
        let limit = args.size("limit")?.filter(|limit| *limit > 0);
        Ok(Self {
            filter,
            sort,
            variables,
            skip,
            limit,
        })
    }

    /// The matching documents, each with the array index that made it match.
    pub(super) fn run<'a>(
        &self,
        collection: Option<&'a Collection>,
    ) -> Result<Vec<(&'a Document, Option<usize>)>> {
        let Some(collection) = collection else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for (record, position) in matches(collection, &self.filter, &self.variables)? {
            found.extend(collection.get(record).map(|document| (document, position)));
        }
        if let Some(sort) = &self.sort {
            found.sort_by(|(a, _), (b, _)| sort.compare(a, b));
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        Ok(found.into_iter().skip(self.skip).take(limit).collect())
    }
}

/// The records that match, in natural order; a filter on `_id` alone looks at one document only.
pub(super) fn matches(
    collection: &Collection,
    filter: &Filter,
    variables: &Variables,
) -> Result<Vec<(Record, Option<usize>)>> {
    let mut found = Vec::new();
    let mut ask = |record: Record, document: &Document| -> Result<()> {
        let (matched, position) = filter.locate(document, variables)?;
        if matched {
            found.push((record, position));
        }
        Ok(())
    };
    let id = filter
        .constraints(&["_id".to_owned()])
        .into_iter()
        .find_map(|test| match test {
            Predicate::Equal(id) => Some(id),
            _ => None,
        });
    match id {
        Some(id) => {
            if let Some((record, document)) = collection.by_id(id) {
                ask(record, document)?;
            }
        }
        None => {
            for (record, document) in collection.records() {
                ask(record, document)?;
            }
        }
    }
    Ok(found)
}

/// A hint must name an index, but no plan differs by it in what it finds.
pub(super) fn check_hint(args: &Args<'_>, collection: Option<&Collection>) -> Result<()> {
    let (Some(hint), Some(collection)) = (args.get("hint"), collection) else {
        return Ok(());
    };
    let known = match hint {
        Bson::Document(key) if key.contains_key("$natural") => true,
        Bson::Document(key) if key.is_empty() => true,
        Bson::Document(key) => collection.indexes().any(|index| index.key() == *key),
        Bson::String(name) => collection.indexes().any(|index| index.name() == name),
        _ => {
            return Err(Failure::failed_to_parse(
                "Hint must be a string or an object",
            ));
        }
    };
    if known {
        return Ok(());
    }
    Err(Failure::bad_value(
        "error processing query: planner returned error :: caused by :: hint provided does not \
         correspond to an existing index",
    ))
}

pub(super) const FIND_FIELDS: &[&str] = &[
    "filter",
    "projection",
    "sort",
    "skip",
    "limit",
    "batchSize",
    "singleBatch",
    "hint",
    "let",
    "allowDiskUse",
    "noCursorTimeout",
    "allowPartialResults",
];
pub(super) const FIND_UNSUPPORTED: &[&str] = &[
    "collation",
    "min",
    "max",
    "returnKey",
    "showRecordId",
    "tailable",
    "awaitData",
    "oplogReplay",
];

pub(super) fn find(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(FIND_FIELDS, FIND_UNSUPPORTED)?;
    let name = args.collection()?;
    let query = Query::parse(args, "filter")?;
    let projection = args.document("projection")?.filter(|spec| !spec.is_empty());
    let projection = projection
        .map(|spec| Projection::parse(spec, Place::Find, &query.variables))
        .transpose()?;
    let batch = args.size("batchSize")?.unwrap_or(FIRST_BATCH);
    let collection = state.store.collection(args.database(), name);
    check_hint(args, collection)?;
    let mut documents = Vec::new();
    for (document, position) in query.run(collection)? {
        documents.push(match &projection {
            Some(projection) => {
                if projection.is_positional() && position.is_none() {
                    return Err(Failure::new(
                        51246,
                        "Executor error during find command :: caused by :: positional operator \
                         '.$' couldn't find a matching element in the array",
                    ));
                }
                projection.apply(document, position, &query.variables)?
            }
            None => document.clone(),
        });
    }
    let single = args.flag("singleBatch")?;
    Ok(state
        .cursors
        .open(&args.namespace(name), documents, batch, single))
}

pub(super) const AGGREGATE_FIELDS: &[&str] = &[
    "pipeline",
    "cursor",
    "let",
    "hint",
    "allowDiskUse",
    "bypassDocumentValidation",
    "explain",
];

/// The pipeline of an `aggregate`, which must be one on a collection.
pub(super) fn parse_pipeline(args: &Args<'_>) -> Result<(Pipeline, Variables)> {
    args.check(AGGREGATE_FIELDS, &["collation"])?;
    let variables = args.variables()?;
    let stages = args
        .array("pipeline")?
        .ok_or_else(|| args.missing("pipeline"))?;
    let pipeline = Pipeline::parse(stages, &variables)?;
    if !matches!(args.subject(), Bson::String(_)) {
        return Err(Failure::new(
            73,
            "{aggregate: 1} is not valid for these stages; a collection is required.",
        ));
    }
    Ok((pipeline, variables))
}

pub(super) fn aggregated(
    store: &Store,
    args: &Args<'_>,
    pipeline: &Pipeline,
    variables: &Variables,
) -> Result<Vec<Document>> {
    let name = args.collection()?;
    let collection = store.collection(args.database(), name);
    check_hint(args, collection)?;
    let input = collection.map(|collection| collection.documents().cloned().collect());
    let source = Neighbours {
        store,
        database: args.database(),
    };
    let context = Context {
        source: &source,
        collection: name,
        variables,
    };
    pipeline.run(input.unwrap_or_default(), context)
}

pub(super) fn aggregate(
    state: &mut State,
    session: &mut Session,
    args: &Args<'_>,
) -> Result<Document> {
    let (pipeline, variables) = parse_pipeline(args)?;
    if args.flag("explain")? {
        return super::explain::of_command(state, session, args, "queryPlanner");
    }
    let Some(cursor) = args.document("cursor")? else {
        return Err(Failure::failed_to_parse(
            "The 'cursor' option is required, except for aggregate with the explain argument",
        ));
    };
    if let Some(unknown) = cursor.keys().find(|key| *key != "batchSize") {
        return Err(Failure::new(
            40415,
            format!("BSON field 'cursor.{unknown}' is an unknown field."),
        ));
    }
    let batch = match cursor.get("batchSize").and_then(number::Number::of) {
        Some(number) => number
            .to_integer()
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| Failure::bad_value("cursor.batchSize must be a non-negative integer"))?,
        None => FIRST_BATCH,
    };
    let documents = aggregated(&state.store, args, &pipeline, &variables)?;
    let namespace = args.namespace(args.collection()?);
    Ok(state.cursors.open(&namespace, documents, batch, false))
}

pub(super) const COUNT_FIELDS: &[&str] = &["query", "limit", "skip", "hint", "fields"];

pub(super) fn count(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(COUNT_FIELDS, &["collation"])?;
    let name = args.collection()?;
    let query = Query::parse(args, "query")?;
    let collection = state.store.collection(args.database(), name);
    check_hint(args, collection)?;
    Ok(doc! { "n": number::count(query.run(collection)?.len()) })
}

pub(super) const DISTINCT_FIELDS: &[&str] = &["key", "query", "hint"];

pub(super) fn distinct(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(DISTINCT_FIELDS, &["collation"])?;
    let name = args.collection()?;
    let key = path::split(args.text("key")?.ok_or_else(|| args.missing("key"))?);
    let query = Query::parse(args, "query")?;
    let collection = state.store.collection(args.database(), name);
    check_hint(args, collection)?;
    let mut values = BTreeSet::new();
    for (document, _) in query.run(collection)? {
        let mut elements = false;
        path::visit(document, &key, true, &mut |value, _| {
            match value {
                // Elements count, not the array that they were shown before.
                Some(Bson::Array(items)) if elements || items.is_empty() => elements = false,
                Some(value) => {
                    elements = true;
                    values.insert(Key(value.clone()));
                }
                None => {}
            }
            false
        });
    }
    let values: Vec<Bson> = values.into_iter().map(|key| key.0).collect();
    Ok(doc! { "values": values })
}
