//! Updating documents.

use std::borrow::Cow;

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::aggregate::check_pipeline;
use super::args::{Object, Objects};
use super::find::id_hint;
use super::writes::{self, number};
use crate::Mongo;
use crate::ejson;
use crate::guard::{Place, Scan};

/// Update one document, or with `many` all documents, of a MongoDB collection that match a filter.
///
/// # Errors
/// `OUTCOME_UNKNOWN` when the answer was lost: operators such as `$inc` must not be applied twice.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/update/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDocuments {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter.
    filter: Object,
    /// Operators, such as {"$set": {"a": 1}}, or a pipeline.
    update: Change,
    /// Update all that match, not one.
    many: Option<bool>,
    /// Insert if none matches.
    upsert: Option<bool>,
    /// Conditions for `$[name]` in the update.
    #[schemars(length(max = 100))]
    array_filters: Option<Objects>,
}

/// A change to documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Change {
    /// Update operators.
    Operators(Object),
    /// Stages that compute the new document.
    Pipeline(Objects),
}

impl JsonSchema for Change {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Change".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]
        })
    }
}

impl Change {
    fn check(&self, faults: &mut Faults) {
        let at = "/update";
        match self {
            Self::Pipeline(stages) => {
                check_pipeline(stages, at, faults);
                if stages.0.is_empty() {
                    faults.add(at, "must not be empty");
                }
            }
            Self::Operators(operators) => {
                operators.scan(at, Place::Code, &mut Scan::default(), faults);
                if operators.is_empty() {
                    faults.add(at, "must not be empty");
                } else if !operators.0.keys().all(|key| key.starts_with('$')) {
                    faults.add(
                        at,
                        r#"must be operators only, such as {"$set": {...}}; mongo_replace_document replaces a whole document"#,
                    );
                }
            }
        }
    }

    fn read(&self, mongo: &Mongo, database: &str, faults: &mut Faults) -> Bson {
        match self {
            Self::Operators(operators) => operators.read("/update", faults).into(),
            Self::Pipeline(stages) => mongo.pipeline(database, stages, "/update", faults).into(),
        }
    }
}

/// What was updated.
#[derive(Debug, Serialize)]
pub struct Updated {
    /// How many documents matched.
    pub matched_count: u64,
    /// How many of them changed.
    pub modified_count: u64,
    /// The id of the document that was inserted because none matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upserted_id: Option<Value>,
    /// What may explain an unexpected result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Updated {
    /// Reads the answer of an update command.
    pub(super) fn of(reply: &Document, filter: &Document) -> Result<Self> {
        let modified_count = number(reply, "nModified").unwrap_or(0);
        let n = writes::outcome(reply).map_err(|(error, done)| {
            error
                .detail("matched_count", done)
                .detail("modified_count", modified_count)
        })?;
        let upserted = reply
            .get_array("upserted")
            .ok()
            .and_then(|all| all.first()?.as_document()?.get("_id"));
        Ok(Self {
            // The server counts an inserted document among those that matched.
            matched_count: n - u64::from(upserted.is_some()).min(n),
            modified_count,
            upserted_id: upserted.cloned().map(ejson::from_bson),
            hint: if n == 0 { id_hint(filter) } else { None },
        })
    }
}

impl Tool for UpdateDocuments {
    type Provider = Mongo;
    type Output = Updated;
    const SPEC: Spec = Spec::destructive("mongo_update_documents")
        .scopes(&["mongo:write"])
        .forgets(super::OF_DOCUMENTS)
        .find_out("Look with mongo_find whether the documents are changed before you update again");
    const ASKS_ITSELF: bool = true;

    fn check(&self, faults: &mut Faults) {
        let found = &mut Scan::default();
        self.filter.scan("/filter", Place::Code, found, faults);
        self.update.check(faults);
        if let Some(filters) = &self.array_filters {
            filters.scan("/array_filters", Place::Code, found, faults);
        }
    }

    fn confirm(&self) -> Option<String> {
        (self.many.unwrap_or(false) && self.filter.is_empty()).then(|| {
            format!(
                "Update every document of {}?",
                super::named(self.database.as_deref(), &self.collection)
            )
        })
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Updated> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        let filter = self.filter.read("/filter", &mut faults);
        let change = self.update.read(mongo, &at.database, &mut faults);
        let array_filters = self
            .array_filters
            .as_ref()
            .map(|filters| filters.read("/array_filters", &mut faults));
        faults.into_result()?;

        let mut update = doc! {
            "q": filter.clone(),
            "u": change,
            "multi": self.many.unwrap_or(false),
            "upsert": self.upsert.unwrap_or(false),
        };
        if let Some(filters) = array_filters {
            update.insert("arrayFilters", filters);
        }
        let command = doc! {"update": &at.collection, "updates": [update]};
        if !filter.is_empty() {
            mongo.check_index(cx, &at.database, &command).await?;
        }
        let reply = mongo.client.write(cx, &at.database, command).await?;
        Updated::of(&reply, &filter)
    }
}
