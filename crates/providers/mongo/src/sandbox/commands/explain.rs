//! `explain`: which index a real planner would choose, and what was looked at.

use bson::{Bson, Document, doc};

use super::{
    Args, Session, State,
    read::{self, Query},
};
use crate::sandbox::{
    expr::Variables,
    failure::{Failure, Result},
    number::count,
    query::{Filter, Predicate},
    sort::Sort,
    store::{Collection, Index},
};

pub(super) fn explain(
    state: &mut State,
    session: &mut Session,
    args: &Args<'_>,
) -> Result<Document> {
    args.check(&["verbosity"], &[])?;
    let Bson::Document(inner) = args.subject() else {
        return Err(Failure::bad_value(
            "explain command requires a nested object",
        ));
    };
    let verbosity = args.text("verbosity")?.unwrap_or("allPlansExecution");
    if !["queryPlanner", "executionStats", "allPlansExecution"].contains(&verbosity) {
        return Err(Failure::bad_value(format!(
            "Enumeration value '{verbosity}' for field 'explain.verbosity' is not a valid value."
        )));
    }
    of_command(
        state,
        session,
        &Args::inner(inner, args.database())?,
        verbosity,
    )
}

pub(super) fn of_command(
    state: &State,
    _: &Session,
    args: &Args<'_>,
    verbosity: &str,
) -> Result<Document> {
    let name = args.collection()?;
    let collection = state.store.collection(args.database(), name);
    let plan = match args.command() {
        "find" => {
            args.check(read::FIND_FIELDS, read::FIND_UNSUPPORTED)?;
            let query = Query::parse(args, "filter")?;
            let returned = query.run(collection)?.len();
            Plan::new(
                collection,
                &query.filter,
                query.sort.as_ref(),
                &query.variables,
                returned,
            )?
        }
        "count" => {
            args.check(read::COUNT_FIELDS, &["collation"])?;
            let query = Query::parse(args, "query")?;
            let returned = query.run(collection)?.len();
            Plan::new(collection, &query.filter, None, &query.variables, returned)?
        }
        "distinct" => {
            args.check(read::DISTINCT_FIELDS, &["collation"])?;
            let query = Query::parse(args, "query")?;
            let returned = query.run(collection)?.len();
            Plan::new(collection, &query.filter, None, &query.variables, returned)?
        }
        "aggregate" => {
            let (pipeline, variables) = read::parse_pipeline(args)?;
            let returned = read::aggregated(&state.store, args, &pipeline, &variables)?.len();
            let all = Filter::parse(&Document::new(), &variables)?;
            let filter = pipeline.leading_filter().unwrap_or(&all);
            Plan::new(collection, filter, None, &variables, returned)?
        }
        "update" | "delete" => {
            let list = if args.command() == "update" {
                "updates"
            } else {
                "deletes"
            };
            let statements = args.documents(list)?;
            let [statement] = statements.as_slice() else {
                return Err(Failure::new(
                    72,
                    "explained write batches must be of size 1",
                ));
            };
            let variables = args.variables()?;
            let query = statement.get_document("q").map_err(|_| args.missing("q"))?;
            let filter = Filter::parse(query, &variables)?;
            Plan::new(collection, &filter, None, &variables, 0)?
        }
        other => {
            return Err(Failure::new(
                59,
                format!("Explain failed due to unknown command: {other}"),
            ));
        }
    };
    let mut reply = doc! {
        "explainVersion": "1",
        "queryPlanner": {
            "namespace": args.namespace(name),
            "winningPlan": plan.stages.clone(),
            "rejectedPlans": [],
        },
        "command": args.body().clone(),
        "serverInfo": { "host": "sandbox", "port": 27017, "version": "7.0.0" },
    };
    if verbosity != "queryPlanner" {
        reply.insert(
            "executionStats",
            doc! {
                "executionSuccess": true,
                "nReturned": count(plan.returned),
                "executionTimeMillis": 0,
                "totalKeysExamined": count(plan.keys),
                "totalDocsExamined": count(plan.documents),
                "executionStages": plan.stages,
            },
        );
    }
    Ok(reply)
}

struct Plan {
    stages: Document,
    keys: usize,
    documents: usize,
    returned: usize,
}

impl Plan {
    fn new(
        collection: Option<&Collection>,
        filter: &Filter,
        sort: Option<&Sort>,
        variables: &Variables,
        returned: usize,
    ) -> Result<Self> {
        let Some(collection) = collection else {
            return Ok(Self {
                stages: doc! { "stage": "EOF" },
                keys: 0,
                documents: 0,
                returned,
            });
        };
        let matched = read::matches(collection, filter, variables)?.len();
        let by_id = filter.constraints(&["_id".to_owned()]);
        if by_id.iter().any(|test| matches!(test, Predicate::Equal(_))) {
            let stages = doc! { "stage": "IDHACK", "indexName": "_id_" };
            return Ok(Self {
                stages,
                keys: matched,
                documents: matched,
                returned,
            });
        }
        let index = collection.indexes().filter(|index| index.serves_all());
        let chosen = index.map(|index| (prefix(index, filter), index));
        let chosen = chosen
            .filter(|(fields, _)| *fields > 0)
            .max_by_key(|(fields, _)| *fields);
        let sorts = |index: &Index| sort.is_some_and(|sort| serves(index, sort));
        let sorting = collection
            .indexes()
            .find(|index| index.serves_all() && sorts(index));
        let (mut stages, keys, documents, sorted) = match (chosen, sorting) {
            (Some((_, index)), _) => (fetch(index), matched, matched, sorts(index)),
            (None, Some(index)) => (fetch(index), collection.len(), collection.len(), true),
            (None, None) => {
                let scan = doc! { "stage": "COLLSCAN", "direction": "forward" };
                (scan, 0, collection.len(), false)
            }
        };
        if sort.is_some() && !sorted {
            stages = doc! { "stage": "SORT", "inputStage": stages };
        }
        Ok(Self {
            stages,
            keys,
            documents,
            returned,
        })
    }
}

fn fetch(index: &Index) -> Document {
    doc! {
        "stage": "FETCH",
        "inputStage": {
            "stage": "IXSCAN",
            "keyPattern": index.key(),
            "indexName": index.name(),
            "isMultiKey": index.is_multikey(),
            "isUnique": index.flag("unique"),
            "isSparse": index.flag("sparse"),
            "direction": "forward",
        },
    }
}

/// How many of the index's leading fields the filter constrains.
fn prefix(index: &Index, filter: &Filter) -> usize {
    let usable = |test: &&Predicate| {
        matches!(
            test,
            Predicate::Equal(_)
                | Predicate::Relation(..)
                | Predicate::In { .. }
                | Predicate::Pattern(..)
                | Predicate::Type(_)
                | Predicate::Exists
        )
    };
    let constrained = |field: &&Vec<String>| filter.constraints(field).iter().any(usable);
    index.fields().iter().take_while(constrained).count()
}

fn serves(index: &Index, sort: &Sort) -> bool {
    let fields = index.fields();
    sort.keys().len() <= fields.len()
        && sort
            .keys()
            .iter()
            .zip(fields)
            .all(|((path, _), field)| path == field)
}
