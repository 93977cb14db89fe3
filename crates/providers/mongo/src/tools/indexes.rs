//! Indexes.

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::{Object, scan_code};
use super::batch::first_batch;
use super::metadata::ALL_IN_ONE_BATCH;
use super::writes::number;
use crate::Mongo;
use crate::ejson;
use crate::guard::{self, Scan};

/// List the indexes of a MongoDB collection: keys in order, uniqueness, expiry, partial filters.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/listIndexes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListIndexes {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// From `next_cursor`.
    #[expect(
        dead_code,
        reason = "one answer holds them all; core cuts it into pages"
    )]
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListIndexes {
    type Provider = Mongo;
    type Output = Page<Value>;
    const SPEC: Spec = Spec::read("mongo_list_indexes")
        .cached(60)
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Page<Value>> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        faults.into_result()?;
        let command = doc! {
            "listIndexes": &at.collection,
            "cursor": {"batchSize": ALL_IN_ONE_BATCH},
        };
        let reply = mongo.client.look(cx, &at.database, command).await?;
        let indexes = first_batch(reply)?
            .documents
            .into_iter()
            .map(|mut index| {
                // The format's version and the namespace tell a model nothing.
                index.remove("v");
                index.remove("ns");
                Value::Object(ejson::from_document(index))
            })
            .collect();
        Ok(Page::new(indexes, None))
    }
}

/// Create an index on a MongoDB collection. With `expire_after_seconds` MongoDB deletes old
/// documents by itself, and a person is asked first.
///
/// # Errors
/// `CONFLICT` when an index of the same name or key has other options.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/createIndexes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateIndex {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Fields in the index's order.
    #[schemars(length(min = 1, max = 32))]
    keys: Vec<IndexKey>,
    /// Name; made from the keys by default.
    #[schemars(length(max = 255))]
    name: Option<String>,
    /// Refuse duplicates.
    unique: Option<bool>,
    /// Leave out documents without the field.
    sparse: Option<bool>,
    /// Delete documents so long after the date in the field.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    expire_after_seconds: Option<i32>,
    /// Index only what matches this filter.
    partial_filter: Option<Object>,
    /// Language rules, such as {"locale": "de"}.
    collation: Option<Object>,
}

/// One field of an index.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexKey {
    /// Field.
    #[schemars(length(max = 1024))]
    field: String,
    /// 1 up (default), -1 down.
    direction: Option<Direction>,
    /// In place of a direction.
    #[serde(rename = "type")]
    kind: Option<IndexKind>,
}

/// The order of a field in an index.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i32")]
pub struct Direction(i32);

impl TryFrom<i32> for Direction {
    type Error = &'static str;

    fn try_from(direction: i32) -> Result<Self, Self::Error> {
        match direction {
            1 | -1 => Ok(Self(direction)),
            _ => Err("must be 1 or -1"),
        }
    }
}

impl JsonSchema for Direction {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Direction".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "enum": [1, -1]})
    }
}

/// Kinds of indexes that have no direction.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub enum IndexKind {
    /// Words in text.
    #[serde(rename = "text")]
    Text,
    /// Places on a sphere.
    #[serde(rename = "2dsphere")]
    Sphere,
    /// Hashes of values.
    #[serde(rename = "hashed")]
    Hashed,
}

impl IndexKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Sphere => "2dsphere",
            Self::Hashed => "hashed",
        }
    }
}

/// What was created.
#[derive(Debug, Serialize)]
pub struct Created {
    /// The index's name.
    pub name: String,
    /// Whether it is new; otherwise the same index was there already.
    pub created: bool,
}

impl CreateIndex {
    /// The key document and the name that the server's own tools would give.
    fn key(&self) -> (Document, String) {
        let mut key = Document::new();
        let mut parts = Vec::new();
        for IndexKey {
            field,
            direction,
            kind,
        } in &self.keys
        {
            let value = match kind {
                Some(kind) => Bson::from(kind.name()),
                None => Bson::from(direction.map_or(1, |direction| direction.0)),
            };
            let shown = match &value {
                Bson::String(kind) => kind.clone(),
                other => other.to_string(),
            };
            parts.push(format!("{field}_{shown}"));
            key.insert(field, value);
        }
        (key, self.name.clone().unwrap_or_else(|| parts.join("_")))
    }
}

impl Tool for CreateIndex {
    type Provider = Mongo;
    type Output = Created;
    const SPEC: Spec = Spec::write("mongo_create_index")
        .idempotent()
        .asks()
        .scopes(&["mongo:write"])
        .forgets(super::OF_INDEXES)
        .find_out("Look with mongo_list_indexes whether it is there");

    fn check(&self, faults: &mut Faults) {
        let mut seen = Vec::new();
        for (i, key) in self.keys.iter().enumerate() {
            guard::field_name(&key.field, &format!("/keys/{i}/field"), faults);
            if seen.contains(&&key.field) {
                faults.add(format!("/keys/{i}/field"), "is named twice");
            }
            seen.push(&key.field);
            if key.kind.is_some() && key.direction.is_some() {
                faults.add(
                    format!("/keys/{i}"),
                    "has a `direction` or a `type`, not both",
                );
            }
        }
        if self.expire_after_seconds.is_some() && self.keys.len() != 1 {
            faults.add(
                "/expire_after_seconds",
                "works with a single field that holds dates",
            );
        }
        if let Some("*" | "_id_") = self.name.as_deref() {
            faults.add("/name", "is reserved");
        }
        let found = &mut Scan::default();
        scan_code(
            self.partial_filter.as_ref(),
            "/partial_filter",
            found,
            faults,
        );
        scan_code(self.collation.as_ref(), "/collation", found, faults);
    }

    fn confirm(&self) -> Option<String> {
        let seconds = self.expire_after_seconds?;
        let field = &self.keys.first()?.field;
        Some(format!(
            "Create an index that makes MongoDB delete documents of {} by itself, {seconds} seconds after the date in `{field}`?",
            super::named(self.database.as_deref(), &self.collection)
        ))
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Created> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        let (key, name) = self.key();
        let mut index = doc! {"key": key, "name": &name};
        if self.unique.unwrap_or(false) {
            index.insert("unique", true);
        }
        if self.sparse.unwrap_or(false) {
            index.insert("sparse", true);
        }
        if let Some(seconds) = self.expire_after_seconds {
            index.insert("expireAfterSeconds", seconds);
        }
        if let Some(filter) = &self.partial_filter {
            let filter = filter.read("/partial_filter", &mut faults);
            index.insert("partialFilterExpression", filter);
        }
        if let Some(collation) = &self.collation {
            index.insert("collation", collation.read("/collation", &mut faults));
        }
        faults.into_result()?;

        let command = doc! {"createIndexes": &at.collection, "indexes": [index]};
        // A build that is stopped half-way has cost as much and brought nothing.
        let reply = mongo
            .client
            .write_untimed(cx, &at.database, command)
            .await?;
        let before = number(&reply, "numIndexesBefore");
        let created = before.is_none() || before != number(&reply, "numIndexesAfter");
        Ok(Created { name, created })
    }
}

/// Drop an index of a MongoDB collection by name. A person is asked first.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/dropIndexes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropIndex {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Name, from mongo_list_indexes.
    #[schemars(length(min = 1, max = 255))]
    name: String,
}

/// What was dropped.
#[derive(Debug, Serialize)]
pub struct DroppedIndex {
    /// The index's name.
    pub name: String,
    /// Always true.
    pub dropped: bool,
}

impl Tool for DropIndex {
    type Provider = Mongo;
    type Output = DroppedIndex;
    const SPEC: Spec = Spec::destructive("mongo_drop_index")
        .scopes(&["mongo:write"])
        .forgets(super::OF_INDEXES)
        .find_out("Look with mongo_list_indexes whether it is gone");

    fn check(&self, faults: &mut Faults) {
        match self.name.as_str() {
            "*" => faults.add("/name", "must name one index; `*` would drop all"),
            "_id_" => faults.add("/name", "is the index on `_id`, which cannot be dropped"),
            name if name.contains('\0') => faults.add("/name", "cannot hold a NUL character"),
            _ => {}
        }
    }

    fn confirm(&self) -> Option<String> {
        Some(format!(
            "Drop the index `{}` of {}? Queries that need it become slow.",
            self.name,
            super::named(self.database.as_deref(), &self.collection)
        ))
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<DroppedIndex> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        faults.into_result()?;
        let command = doc! {"dropIndexes": &at.collection, "index": &self.name};
        mongo.client.write(cx, &at.database, command).await?;
        Ok(DroppedIndex {
            name: self.name,
            dropped: true,
        })
    }
}
