//! The schema of a collection, inferred from a sample.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::first_batch;
use crate::Mongo;
use crate::fault::cut;

/// The most fields that are told: documents whose keys are data have no end of them.
const MAX_FIELDS: usize = 500;

/// How deep fields are followed.
const MAX_LEVELS: usize = 8;

/// Infer the fields of a MongoDB collection from a random sample of its documents: types with their
/// share, and which fields are optional.
///
/// Nested fields are dotted, elements of arrays are marked with `[]`. No values are shown.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/operator/aggregation/sample/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCollectionSchema {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Documents to look at, 50 by default.
    #[schemars(range(min = 1, max = 1000))]
    sample_size: Option<i32>,
    /// From `next_cursor`.
    #[expect(
        dead_code,
        reason = "one answer holds them all; core cuts it into pages"
    )]
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

/// The fields of a collection.
#[derive(Debug, Serialize)]
pub struct CollectionSchema {
    /// The fields, by name.
    pub items: Vec<Field>,
    /// How many documents were looked at.
    pub sampled: u64,
    /// Whether there are more fields than are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// One field.
#[derive(Debug, Serialize, PartialEq)]
pub struct Field {
    /// Its path: dotted, with `[]` for the elements of an array.
    pub field: String,
    /// The BSON types of its values, with the share of each.
    pub types: BTreeMap<&'static str, f64>,
    /// Whether some documents (or parents) lack it.
    pub optional: bool,
}

impl Tool for GetCollectionSchema {
    type Provider = Mongo;
    type Output = CollectionSchema;
    const SPEC: Spec = Spec::read("mongo_get_collection_schema")
        .cached(300)
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<CollectionSchema> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        faults.into_result()?;
        let size = self.sample_size.unwrap_or(50);
        let command = doc! {
            "aggregate": &at.collection,
            "pipeline": [{"$sample": {"size": size}}],
            "cursor": {"batchSize": size},
        };
        let reply = mongo.client.read(cx, &at.database, command).await?;
        let batch = first_batch(reply)?;
        if let Some(id) = batch.open {
            mongo
                .client
                .close_cursor(cx, &at.database, &at.collection, id)
                .await;
        }
        Ok(infer(&batch.documents))
    }
}

/// What is known of the values at one path.
#[derive(Default)]
struct Seen {
    types: BTreeMap<&'static str, u64>,
    /// How often the parent was an object, or an array with elements.
    parents: u64,
}

/// The fields of a sample. Sorted by path, so that a page goes on where the one before ended.
fn infer(documents: &[Document]) -> CollectionSchema {
    let mut fields = BTreeMap::new();
    let mut objects = BTreeMap::new();
    let mut full = false;
    for document in documents {
        visit(document, "", 1, &mut fields, &mut objects, &mut full);
    }
    let items = fields
        .into_iter()
        .map(|(path, Seen { types, parents })| {
            let values: u64 = types.values().sum();
            let parents = parents.max(objects.get(parent(&path)).copied().unwrap_or(0));
            Field {
                // An array that is empty lacks elements, and is no reason to call them optional.
                optional: !path.ends_with("[]") && values < parents,
                types: types
                    .into_iter()
                    .map(|(name, n)| (name, share(n, values)))
                    .collect(),
                field: path,
            }
        })
        .collect();
    CollectionSchema {
        items,
        sampled: documents.len() as u64,
        truncated: full,
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

#[expect(clippy::cast_precision_loss, reason = "at most a few thousand values")]
fn share(part: u64, whole: u64) -> f64 {
    ((part as f64 / whole as f64) * 1000.0).round() / 1000.0
}

fn visit(
    document: &Document,
    at: &str,
    level: usize,
    fields: &mut BTreeMap<String, Seen>,
    objects: &mut BTreeMap<String, u64>,
    full: &mut bool,
) {
    *objects.entry(at.to_owned()).or_default() += 1;
    for (key, value) in document {
        // A dot inside a name would look like nesting; such names are rare and told as they are.
        let key = cut(key, 100);
        let path = match at {
            "" => key,
            at => format!("{at}.{key}"),
        };
        note(value, path, level, fields, objects, full);
    }
}

fn note(
    value: &Bson,
    path: String,
    level: usize,
    fields: &mut BTreeMap<String, Seen>,
    objects: &mut BTreeMap<String, u64>,
    full: &mut bool,
) {
    if !fields.contains_key(&path) && fields.len() >= MAX_FIELDS {
        *full = true;
        return;
    }
    let seen = fields.entry(path.clone()).or_default();
    *seen.types.entry(type_name(value)).or_default() += 1;
    if level >= MAX_LEVELS {
        return;
    }
    match value {
        Bson::Document(inner) => visit(inner, &path, level + 1, fields, objects, full),
        Bson::Array(items) => {
            for item in items {
                note(item, format!("{path}[]"), level + 1, fields, objects, full);
            }
        }
        _ => {}
    }
}

/// The type as the `$type` operator and the manual call it.
const fn type_name(value: &Bson) -> &'static str {
    match value {
        Bson::Double(_) => "double",
        Bson::String(_) => "string",
        Bson::Array(_) => "array",
        Bson::Document(_) => "object",
        Bson::Boolean(_) => "bool",
        Bson::Null => "null",
        Bson::RegularExpression(_) => "regex",
        Bson::JavaScriptCode(_) | Bson::JavaScriptCodeWithScope(_) => "javascript",
        Bson::Int32(_) => "int",
        Bson::Int64(_) => "long",
        Bson::Timestamp(_) => "timestamp",
        Bson::Binary(_) => "binData",
        Bson::ObjectId(_) => "objectId",
        Bson::DateTime(_) => "date",
        Bson::Symbol(_) => "symbol",
        Bson::Decimal128(_) => "decimal",
        Bson::Undefined => "undefined",
        Bson::MaxKey => "maxKey",
        Bson::MinKey => "minKey",
        Bson::DbPointer(_) => "dbPointer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'a>(schema: &'a CollectionSchema, path: &str) -> &'a Field {
        schema
            .items
            .iter()
            .find(|field| field.field == path)
            .unwrap_or_else(|| panic!("no field {path}"))
    }

    #[test]
    fn types_have_shares_and_missing_fields_are_optional() {
        let schema = infer(&[
            doc! {"_id": 1, "name": "a", "age": 5},
            doc! {"_id": 2, "name": "b", "age": 5_i64},
            doc! {"_id": 3, "name": "c"},
            doc! {"_id": 4, "name": Bson::Null, "age": 5},
        ]);
        assert_eq!(schema.sampled, 4);
        assert!(!field(&schema, "_id").optional);
        let name = field(&schema, "name");
        assert_eq!(
            name.types,
            BTreeMap::from([("string", 0.75), ("null", 0.25)])
        );
        assert!(!name.optional);
        let age = field(&schema, "age");
        assert_eq!(age.types, BTreeMap::from([("int", 0.667), ("long", 0.333)]));
        assert!(age.optional);
    }

    #[test]
    fn nested_objects_and_array_elements_have_paths_of_their_own() {
        let schema = infer(&[
            doc! {"address": {"city": "Bern", "zip": 3000}, "tags": ["a", 1], "items": [{"sku": 1}, {"sku": 2, "n": 1}]},
            doc! {"address": {"city": "Thun"}, "tags": [], "items": []},
        ]);
        assert!(!field(&schema, "address.city").optional);
        assert!(field(&schema, "address.zip").optional);
        assert_eq!(
            field(&schema, "tags[]").types,
            BTreeMap::from([("string", 0.5), ("int", 0.5)])
        );
        assert!(!field(&schema, "items[].sku").optional);
        assert!(field(&schema, "items[].n").optional);
    }

    #[test]
    fn documents_whose_keys_are_data_do_not_flood_the_result() {
        let many: Document = (0..5000)
            .map(|i| (format!("user{i}"), Bson::Int32(1)))
            .collect();
        let schema = infer(&[many]);
        assert_eq!(schema.items.len(), MAX_FIELDS);
        assert!(schema.truncated);
    }
}
