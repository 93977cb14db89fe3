//! Replacing a document.

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Repeat, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::Object;
use super::update::Updated;
use super::writes;
use crate::Mongo;
use crate::guard::{Place, Scan};

/// Replace one whole document of a MongoDB collection; its `_id` stays.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/update/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceDocument {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter, best on `_id`.
    filter: Object,
    /// The new document, without operators.
    replacement: Object,
    /// Insert if none matches.
    upsert: Option<bool>,
}

impl Tool for ReplaceDocument {
    type Provider = Mongo;
    type Output = Updated;
    const SPEC: Spec = Spec::destructive("mongo_replace_document")
        .idempotent()
        .scopes(&["mongo:write"])
        .forgets(super::OF_DOCUMENTS)
        .find_out("Look with mongo_find whether the document is replaced before you replace again");
    const ASKS_ITSELF: bool = true;

    fn check(&self, faults: &mut Faults) {
        let found = &mut Scan::default();
        self.filter.scan("/filter", Place::Code, found, faults);
        self.replacement
            .scan("/replacement", Place::Data, found, faults);
        if self.filter.is_empty() {
            faults.add("/filter", "must not be empty: any document could be hit");
        }
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Updated> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        let filter = self.filter.read("/filter", &mut faults);
        let replacement = self.replacement.read("/replacement", &mut faults);
        writes::sizes(
            std::slice::from_ref(&replacement),
            "/replacement",
            &mut faults,
        );
        faults.into_result()?;

        let update = doc! {
            "q": filter.clone(),
            "u": replacement,
            "multi": false,
            "upsert": self.upsert.unwrap_or(false),
        };
        let command = doc! {"update": &at.collection, "updates": [update]};
        mongo.check_index(cx, &at.database, &command).await?;
        let repeat = if names_one(&filter) {
            Repeat::Safe
        } else {
            Repeat::IfUnprocessed
        };
        let reply = mongo
            .client
            .write_as(cx, repeat, &at.database, command)
            .await?;
        Updated::of(&reply, &filter)
    }
}

/// Whether a filter can only ever hit one and the same document. Any other could hit the next one when
/// the request is sent again, since the first no longer matches.
fn names_one(filter: &Document) -> bool {
    match filter.get("_id") {
        None | Some(Bson::RegularExpression(_)) => false,
        Some(Bson::Document(id)) => !id.keys().any(|key| key.starts_with('$')),
        Some(_) => true,
    }
}
