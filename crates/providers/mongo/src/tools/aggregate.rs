//! Aggregation pipelines.

use bson::{Document, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::Objects;
use super::batch::{Documents, first_batch, page, place};
use super::find::whole;
use crate::Mongo;
use crate::guard::{Place, Scan};

/// Run an aggregation pipeline that reads a MongoDB collection: group, join, sum, reshape. Stages
/// that write ($out, $merge) and server-side JavaScript are refused.
///
/// # Paging
/// `$skip` and `$limit` are added at the end of the pipeline, so that one bounded batch is read.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/aggregate/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Stages, such as [{"$match": {...}}, {"$group": {...}}].
    #[schemars(length(max = 1000))]
    pipeline: Objects,
    /// Default 10.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for Aggregate {
    type Provider = Mongo;
    type Output = Documents;
    const SPEC: Spec = Spec::read("mongo_aggregate")
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    fn check(&self, faults: &mut Faults) {
        check_pipeline(&self.pipeline, "/pipeline", faults);
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Documents> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        let limit = mongo.limit(self.limit, &mut faults);
        let mut pipeline = mongo.pipeline(&at.database, &self.pipeline, "/pipeline", &mut faults);
        faults.into_result()?;
        let skip = place(self.cursor.as_deref())?;
        if skip > 0 {
            pipeline.push(doc! {"$skip": whole(skip)});
        }
        pipeline.push(doc! {"$limit": whole(u64::from(limit))});

        let command = doc! {
            "aggregate": &at.collection,
            "pipeline": pipeline,
            "cursor": {"batchSize": whole(u64::from(limit))},
        };
        mongo.check_index(cx, &at.database, &command).await?;
        let reply = mongo.client.read(cx, &at.database, command).await?;
        let batch = first_batch(reply)?;
        if let Some(id) = batch.open {
            mongo
                .client
                .close_cursor(cx, &at.database, &at.collection, id)
                .await;
        }
        let came = u64::try_from(batch.documents.len()).unwrap_or(u64::MAX);
        let mut page = page(batch.documents, skip, limit, mongo.limits.bytes);
        // The batch was full by its bytes: there is more, though fewer than asked for came.
        if batch.open.is_some() && page.next_cursor.is_none() {
            page.next_cursor = Some((skip + came).to_string());
        }
        Ok(page)
    }
}

impl Mongo {
    /// Reads a pipeline, and checks the other collections that it names.
    pub(crate) fn pipeline(
        &self,
        database: &str,
        stages: &Objects,
        at: &str,
        faults: &mut Faults,
    ) -> Vec<Document> {
        let mut found = Scan::default();
        // What it finds beside other collections was told by `check`.
        stages.scan(at, Place::Code, &mut found, &mut Faults::default());
        for (at, collection) in &found.collections {
            self.fence.collection(database, collection, at, faults);
        }
        stages.read(at, faults)
    }
}

/// Refuses what no pipeline may hold.
pub(super) fn check_pipeline(stages: &Objects, at: &str, faults: &mut Faults) {
    stages.scan(at, Place::Code, &mut Scan::default(), faults);
    for (i, stage) in stages.0.iter().enumerate() {
        if stage.len() != 1 || !stage.keys().all(|key| key.starts_with('$')) {
            faults.add(
                format!("{at}/{i}"),
                r#"must be one stage, such as {"$match": {...}}"#,
            );
        }
    }
}
