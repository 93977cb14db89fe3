//! Inserting documents.

use bson::{Bson, Document, doc, oid::ObjectId};
use business_tools_core::{Cx, Fate, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::Objects;
use super::writes;
use crate::Mongo;
use crate::ejson;
use crate::guard::{Place, Scan};

/// Insert one or more documents into a MongoDB collection. Documents without `_id` get an ObjectId.
///
/// The ids are made here, so that they are known even when the answer is lost.
///
/// # Errors
/// `CONFLICT` when a unique value is taken: documents before it are in, those after it are not.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/insert/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertDocuments {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Documents in Extended JSON.
    #[schemars(length(min = 1, max = 1000))]
    documents: Objects,
}

/// What was inserted.
#[derive(Debug, Serialize)]
pub struct Inserted {
    /// How many.
    pub inserted_count: u64,
    /// Their ids, in order.
    pub inserted_ids: Vec<Value>,
}

impl Tool for InsertDocuments {
    type Provider = Mongo;
    type Output = Inserted;
    const SPEC: Spec = Spec::write("mongo_insert_documents")
        .scopes(&["mongo:write"])
        .forgets(super::OF_DOCUMENTS)
        .find_out(
            "Look with mongo_find for the `_id`s in `details.inserted_ids` before you insert again",
        );

    fn check(&self, faults: &mut Faults) {
        self.documents
            .scan("/documents", Place::Data, &mut Scan::default(), faults);
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Inserted> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        let mut documents = self.documents.read("/documents", &mut faults);
        writes::sizes(&documents, "/documents", &mut faults);
        faults.into_result()?;
        for document in &mut documents {
            with_id(document);
        }
        let ids: Vec<Value> = documents
            .iter()
            .map(|document| ejson::from_bson(document.get("_id").cloned().unwrap_or(Bson::Null)))
            .collect();

        let command = doc! {"insert": &at.collection, "documents": documents, "ordered": true};
        let reply = mongo
            .client
            .write(cx, &at.database, command)
            .await
            .map_err(|error| match error.what_became() {
                // What may be there can be looked for.
                Fate::Unknown => error.detail("inserted_ids", ids.clone()),
                Fate::NotSent | Fate::Refused => error,
            })?;
        let done = writes::outcome(&reply).map_err(|(error, done)| {
            let done = usize::try_from(done).unwrap_or(ids.len()).min(ids.len());
            error
                .detail("inserted_count", done)
                .detail("inserted_ids", &ids[..done])
        })?;
        Ok(Inserted {
            inserted_count: done,
            inserted_ids: ids,
        })
    }
}

/// Gives a document an id, in front as the server would have it.
fn with_id(document: &mut Document) {
    if document.contains_key("_id") {
        return;
    }
    let mut whole = doc! {"_id": ObjectId::new()};
    whole.extend(std::mem::take(document));
    *document = whole;
}
