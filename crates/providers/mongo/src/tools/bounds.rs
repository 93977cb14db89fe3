//! The limits of one call, and the check that a query uses an index.

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Error, Fate, Faults, Kind, Result};

use super::find::DEFAULT_LIMIT;
use crate::Mongo;

/// Stages of a plan that use an index, or need none.
const INDEXED: &[&str] = &[
    "IXSCAN",
    "COUNT_SCAN",
    "DISTINCT_SCAN",
    "EXPRESS_IXSCAN",
    "EXPRESS_CLUSTERED_IXSCAN",
    "EXPRESS_UPDATE",
    "EXPRESS_DELETE",
    "IDHACK",
];

impl Mongo {
    /// How many documents a call gives.
    pub(crate) fn limit(&self, asked: Option<u32>, faults: &mut Faults) -> u32 {
        let most = self.limits.documents;
        let limit = asked.unwrap_or_else(|| DEFAULT_LIMIT.min(most));
        if limit > most {
            faults.add(
                "/limit",
                format!("must be at most {most}; read on with `cursor`"),
            );
        }
        limit
    }

    /// Refuses a query that would walk through a whole collection, where the operator wants that.
    ///
    /// A server that cannot explain is not in the way: the check is a courtesy to it.
    pub(crate) async fn check_index(
        &self,
        cx: &Cx,
        database: &str,
        command: &Document,
    ) -> Result<()> {
        // A dry run shows the command itself, not the question before it.
        if !self.limits.index_check || cx.is_dry_run() {
            return Ok(());
        }
        let explain = doc! {"explain": command.clone(), "verbosity": "queryPlanner"};
        let plan = match self.client.look(cx, database, explain).await {
            Ok(plan) => plan,
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the index check could not ask for the plan");
                return Ok(());
            }
        };
        let stages = stages_of(&plan);
        let scans = stages.iter().any(|stage| stage == "COLLSCAN");
        let indexed = stages.iter().any(|stage| INDEXED.contains(&stage.as_str()));
        if scans && !indexed {
            return Err(Error::new(
                Kind::InvalidRequest,
                "The query would read the whole collection, which `index_check` refuses",
            )
            .fate(Fate::NotSent)
            .hint(
                "Filter on an indexed field (see mongo_list_indexes), or create an index for it",
            ));
        }
        Ok(())
    }
}

/// Members of a plan whose own members are fields of the collection.
pub(super) const OF_FIELDS: &[&str] = &[
    "filter",
    "indexBounds",
    "keyPattern",
    "parsedQuery",
    "sortPattern",
    "transformBy",
];

/// The names of the stages of the winning plans, outermost first.
pub(super) fn stages_of(plan: &Document) -> Vec<String> {
    let mut stages = Vec::new();
    winning(plan, "stage", false, &mut stages);
    stages
}

/// The names of the indexes that the winning plans use.
pub(super) fn indexes_of(plan: &Document) -> Vec<String> {
    let mut indexes = Vec::new();
    winning(plan, "indexName", false, &mut indexes);
    indexes.dedup();
    indexes
}

/// Texts of a member inside winning plans, wherever the server puts those: a pipeline, a sharded or a
/// slot-based plan has them further in.
fn winning(plan: &Document, member: &str, inside: bool, found: &mut Vec<String>) {
    for (key, value) in plan {
        let inside = inside || key == "winningPlan";
        match value {
            Bson::String(text) if inside && key == member => found.push(text.clone()),
            _ if matches!(key.as_str(), "rejectedPlans" | "command" | "slotBasedPlan") => {}
            _ if OF_FIELDS.contains(&key.as_str()) => {}
            Bson::Document(inner) => winning(inner, member, inside, found),
            Bson::Array(items) => items
                .iter()
                .filter_map(Bson::as_document)
                .for_each(|inner| winning(inner, member, inside, found)),
            _ => {}
        }
    }
}
