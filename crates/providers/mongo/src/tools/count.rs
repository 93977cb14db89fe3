//! Counting documents.

use bson::{Bson, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{Object, read_or_empty, scan_code};
use super::batch::{first_batch, unreadable};
use super::find::id_hint;
use super::writes::number;
use crate::Mongo;
use crate::guard::Scan;

/// Count the documents in a MongoDB collection that match a filter. Without a filter the number is
/// the server's estimate.
///
/// With a filter it is an aggregation, since the `count` command is wrong on sharded clusters.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/count/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter; empty counts all.
    filter: Option<Object>,
}

/// How many there are.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// The number.
    pub count: u64,
    /// Whether it comes from metadata, and may be off after a crash or on a sharded cluster.
    pub estimated: bool,
    /// What may explain an unexpected result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Tool for Count {
    type Provider = Mongo;
    type Output = Counted;
    const SPEC: Spec = Spec::read("mongo_count").cached(10).scopes(&["mongo:read"]);

    fn check(&self, faults: &mut Faults) {
        scan_code(
            self.filter.as_ref(),
            "/filter",
            &mut Scan::default(),
            faults,
        );
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Counted> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        let filter = read_or_empty(self.filter.as_ref(), "/filter", &mut faults);
        faults.into_result()?;

        if filter.is_empty() {
            let command = doc! {"count": &at.collection};
            let reply = mongo.client.read(cx, &at.database, command).await?;
            return Ok(Counted {
                count: number(&reply, "n").ok_or_else(|| unreadable("n"))?,
                estimated: true,
                hint: None,
            });
        }
        let hint = id_hint(&filter);
        let command = doc! {
            "aggregate": &at.collection,
            "pipeline": [{"$match": filter}, {"$group": {"_id": 1, "n": {"$sum": 1}}}],
            "cursor": {},
        };
        mongo.check_index(cx, &at.database, &command).await?;
        let reply = mongo.client.read(cx, &at.database, command).await?;
        let groups = first_batch(reply)?.documents;
        let count = match groups.first() {
            None => 0,
            Some(group) => number(group, "n").ok_or_else(|| unreadable("n"))?,
        };
        Ok(Counted {
            count,
            estimated: false,
            hint: hint.filter(|_| count == 0),
        })
    }
}

/// The values of an answer's array.
pub(super) fn values(mut reply: bson::Document, member: &str) -> Result<Vec<Bson>> {
    match reply.remove(member) {
        Some(Bson::Array(values)) => Ok(values),
        _ => Err(unreadable(member)),
    }
}
