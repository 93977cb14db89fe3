//! Deleting documents.

use bson::doc;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::Object;
use super::find::id_hint;
use super::writes;
use crate::Mongo;
use crate::fault::cut;
use crate::guard::{Place, Scan};

/// Delete one document, or with `many` all documents, of a MongoDB collection that match a filter.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/delete/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteDocuments {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter.
    filter: Object,
    /// Delete all that match, not one.
    many: Option<bool>,
    /// Allow an empty filter.
    allow_all: Option<bool>,
}

/// What was deleted.
#[derive(Debug, Serialize)]
pub struct Deleted {
    /// How many documents.
    pub deleted_count: u64,
    /// What may explain an unexpected result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Tool for DeleteDocuments {
    type Provider = Mongo;
    type Output = Deleted;
    const SPEC: Spec = Spec::destructive("mongo_delete_documents")
        .scopes(&["mongo:write"])
        .forgets(super::OF_DOCUMENTS)
        .find_out(
            "Look with mongo_find or mongo_count whether they are gone before you delete again",
        );

    fn check(&self, faults: &mut Faults) {
        self.filter
            .scan("/filter", Place::Code, &mut Scan::default(), faults);
        if self.filter.is_empty() && !self.allow_all.unwrap_or(false) {
            faults.add(
                "/filter",
                "must not be empty unless `allow_all` is true: it would match every document",
            );
        }
    }

    fn confirm(&self) -> Option<String> {
        let place = super::named(self.database.as_deref(), &self.collection);
        let filter = cut(&Value::Object(self.filter.0.clone()).to_string(), 500);
        Some(match (self.many.unwrap_or(false), self.filter.is_empty()) {
            (true, true) => format!("Delete EVERY document of {place}?"),
            (true, false) => format!("Delete all documents of {place} that match {filter}?"),
            (false, true) => format!("Delete any one document of {place}?"),
            (false, false) => format!("Delete one document of {place} that matches {filter}?"),
        })
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Deleted> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        let filter = self.filter.read("/filter", &mut faults);
        faults.into_result()?;

        let limit = i32::from(!self.many.unwrap_or(false));
        let command = doc! {
            "delete": &at.collection,
            "deletes": [{"q": filter.clone(), "limit": limit}],
        };
        if !filter.is_empty() {
            mongo.check_index(cx, &at.database, &command).await?;
        }
        let reply = mongo.client.write(cx, &at.database, command).await?;
        let deleted_count =
            writes::outcome(&reply).map_err(|(error, done)| error.detail("deleted_count", done))?;
        Ok(Deleted {
            deleted_count,
            hint: if deleted_count == 0 {
                id_hint(&filter)
            } else {
                None
            },
        })
    }
}
