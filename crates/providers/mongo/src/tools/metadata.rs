//! Databases and collections.

use bson::{Bson, doc};
use business_tools_core::{Cx, Faults, Kind, Page, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::batch::{Documents, first_batch};
use super::count::values;
use super::writes::number;
use crate::Mongo;

/// More names than any result holds: one batch has them all.
pub(super) const ALL_IN_ONE_BATCH: i32 = 10_000;

/// List the MongoDB databases that may be used, with their sizes.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/listDatabases/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDatabases {
    /// From `next_cursor`.
    #[expect(
        dead_code,
        reason = "one answer holds them all; core cuts it into pages"
    )]
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

/// A database.
#[derive(Debug, Serialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its size on disk, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

impl Tool for ListDatabases {
    type Provider = Mongo;
    type Output = Page<Database>;
    const SPEC: Spec = Spec::read("mongo_list_databases")
        .cached(60)
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Page<Database>> {
        let command = doc! {"listDatabases": 1, "authorizedDatabases": true};
        let reply = mongo.client.look(cx, "admin", command).await?;
        let mut databases: Vec<Database> = values(reply, "databases")?
            .iter()
            .filter_map(Bson::as_document)
            .filter_map(|database| {
                let name = database.get_str("name").ok()?;
                mongo.fence.opens_database(name).then(|| Database {
                    name: name.to_owned(),
                    size_bytes: number(database, "sizeOnDisk"),
                })
            })
            .collect();
        databases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Page::new(databases, None))
    }
}

/// List the collections and views of a MongoDB database.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/listCollections/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCollections {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// From `next_cursor`.
    #[expect(
        dead_code,
        reason = "one answer holds them all; core cuts it into pages"
    )]
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for ListCollections {
    type Provider = Mongo;
    type Output = Documents;
    const SPEC: Spec = Spec::read("mongo_list_collections")
        .cached(60)
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Documents> {
        let mut faults = Faults::default();
        let database = mongo.database(self.database.as_deref(), &mut faults);
        faults.into_result()?;
        let command = doc! {
            "listCollections": 1,
            "filter": {},
            "nameOnly": true,
            "authorizedCollections": true,
            "cursor": {"batchSize": ALL_IN_ONE_BATCH},
        };
        let reply = mongo.client.look(cx, &database, command).await?;
        let batch = first_batch(reply)?;
        if let Some(id) = batch.open {
            let cursor = "$cmd.listCollections";
            mongo.client.close_cursor(cx, &database, cursor, id).await;
        }
        let mut collections: Vec<(&str, &str)> = batch
            .documents
            .iter()
            .filter_map(|collection| {
                let name = collection.get_str("name").ok()?;
                let kind = collection.get_str("type").unwrap_or("collection");
                mongo.fence.opens(&database, name).then_some((name, kind))
            })
            .collect();
        collections.sort_unstable();
        let item = |(name, kind)| json!({"name": name, "type": kind});
        Ok(Documents {
            items: collections.into_iter().map(item).collect(),
            // There is no way to ask for the rest, beyond a name.
            truncated: batch.open.is_some(),
            ..Documents::default()
        })
    }
}

/// Drop a MongoDB collection with all its documents and indexes. A person is asked first.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/drop/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCollection {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// The collection's name again.
    #[schemars(length(max = 255))]
    confirm_name: String,
}

/// What was dropped.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// The collection.
    pub collection: String,
    /// Whether it was there.
    pub existed: bool,
}

impl Tool for DropCollection {
    type Provider = Mongo;
    type Output = Dropped;
    const SPEC: Spec = Spec::destructive("mongo_drop_collection")
        .idempotent()
        .scopes(&["mongo:write"])
        .forgets(super::OF_COLLECTIONS)
        .find_out("Look with mongo_list_collections whether it is gone");

    fn check(&self, faults: &mut Faults) {
        if self.confirm_name != self.collection {
            faults.add("/confirm_name", "must be the same as `collection`");
        }
    }

    fn confirm(&self) -> Option<String> {
        Some(format!(
            "Drop {} with all its documents and indexes? This cannot be undone.",
            super::named(self.database.as_deref(), &self.collection)
        ))
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Dropped> {
        let mut faults = Faults::default();
        let at = mongo.writable(self.database.as_deref(), &self.collection, &mut faults);
        faults.into_result()?;
        let command = doc! {"drop": &at.collection};
        let existed = match mongo.client.write(cx, &at.database, command).await {
            Ok(_) => true,
            // What should be gone is gone.
            Err(error) if error.kind() == Kind::NotFound => false,
            Err(error) => return Err(error),
        };
        Ok(Dropped {
            collection: at.collection,
            existed,
        })
    }
}
