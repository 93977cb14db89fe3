//! Query plans.

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::aggregate::check_pipeline;
use super::args::{Object, Objects, read_or_empty, scan_code};
use super::bounds::{OF_FIELDS, indexes_of, stages_of};
use super::writes::number;
use crate::Mongo;
use crate::ejson;
use crate::guard::Scan;

/// Show how MongoDB runs a query or a pipeline: stages, indexes used, documents examined.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/explain/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter.
    filter: Option<Object>,
    /// Order, such as {"created": -1}.
    sort: Option<Object>,
    /// Stages, in place of `filter` and `sort`.
    #[schemars(length(max = 1000))]
    pipeline: Option<Objects>,
    /// `executionStats` runs the query to count.
    verbosity: Option<Verbosity>,
}

/// How much is explained.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verbosity {
    /// The plan alone.
    #[default]
    QueryPlanner,
    /// The plan, run and counted.
    ExecutionStats,
    /// All plans that were tried, run and counted.
    AllPlansExecution,
}

impl Verbosity {
    const fn name(self) -> &'static str {
        match self {
            Self::QueryPlanner => "queryPlanner",
            Self::ExecutionStats => "executionStats",
            Self::AllPlansExecution => "allPlansExecution",
        }
    }
}

/// How a query is run.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The stages of the winning plan, outermost first.
    pub stages: Vec<String>,
    /// The indexes that it uses.
    pub indexes: Vec<String>,
    /// Whether the whole collection is read.
    pub collection_scan: bool,
    /// What was counted, when the query was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// The server's own explanation.
    pub plan: Map<String, Value>,
}

/// What running the query took.
#[derive(Debug, Serialize)]
pub struct Execution {
    /// Documents returned.
    pub returned: Option<u64>,
    /// Index entries read.
    pub keys_examined: Option<u64>,
    /// Documents read.
    pub documents_examined: Option<u64>,
    /// Milliseconds.
    pub millis: Option<u64>,
}

impl Tool for Explain {
    type Provider = Mongo;
    type Output = Plan;
    const SPEC: Spec = Spec::read("mongo_explain")
        .scopes(&["mongo:read"])
        .untrusted_data(&["plan"]);

    fn check(&self, faults: &mut Faults) {
        let found = &mut Scan::default();
        scan_code(self.filter.as_ref(), "/filter", found, faults);
        scan_code(self.sort.as_ref(), "/sort", found, faults);
        if let Some(pipeline) = &self.pipeline {
            check_pipeline(pipeline, "/pipeline", faults);
            if self.filter.is_some() || self.sort.is_some() {
                faults.add(
                    "/pipeline",
                    "stands in place of `filter` and `sort`; put them in as $match and $sort",
                );
            }
        }
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Plan> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        let query = if let Some(pipeline) = &self.pipeline {
            let pipeline = mongo.pipeline(&at.database, pipeline, "/pipeline", &mut faults);
            doc! {"aggregate": &at.collection, "pipeline": pipeline, "cursor": {}}
        } else {
            let filter = read_or_empty(self.filter.as_ref(), "/filter", &mut faults);
            let sort = read_or_empty(self.sort.as_ref(), "/sort", &mut faults);
            let mut find = doc! {"find": &at.collection, "filter": filter};
            if !sort.is_empty() {
                find.insert("sort", sort);
            }
            find
        };
        faults.into_result()?;
        let verbosity = self.verbosity.unwrap_or_default().name();
        let command = doc! {"explain": query, "verbosity": verbosity};
        let mut plan = mongo.client.look(cx, &at.database, command).await?;
        let stages = stages_of(&plan);
        let indexes = indexes_of(&plan);
        let execution = find_execution(&plan);
        strip(&mut plan);
        Ok(Plan {
            collection_scan: stages.iter().any(|stage| stage == "COLLSCAN"),
            stages,
            indexes,
            execution,
            plan: ejson::from_document(plan),
        })
    }
}

/// Counts of the execution, which a pipeline has further in.
fn find_execution(plan: &Document) -> Option<Execution> {
    if let Ok(stats) = plan.get_document("executionStats") {
        return Some(Execution {
            returned: number(stats, "nReturned"),
            keys_examined: number(stats, "totalKeysExamined"),
            documents_examined: number(stats, "totalDocsExamined"),
            millis: number(stats, "executionTimeMillis"),
        });
    }
    plan.values().find_map(|value| match value {
        Bson::Document(inner) => find_execution(inner),
        Bson::Array(items) => items
            .iter()
            .filter_map(Bson::as_document)
            .find_map(find_execution),
        _ => None,
    })
}

/// Takes out what says nothing about the query: hosts and settings of the server, the command itself.
fn strip(plan: &mut Document) {
    for noise in [
        "$clusterTime",
        "operationTime",
        "ok",
        "serverInfo",
        "serverParameters",
        "command",
        "host",
        "explainVersion",
        "slotBasedPlan",
    ] {
        plan.remove(noise);
    }
    for (key, value) in plan.iter_mut() {
        match value {
            // In these the names are the collection's own fields.
            _ if OF_FIELDS.contains(&key.as_str()) => {}
            Bson::Document(inner) => strip(inner),
            Bson::Array(items) => items
                .iter_mut()
                .filter_map(Bson::as_document_mut)
                .for_each(strip),
            _ => {}
        }
    }
}
