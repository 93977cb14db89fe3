//! The tools, in listing order.

pub mod aggregate;
pub mod args;
pub mod batch;
mod bounds;
pub mod count;
pub mod delete;
pub mod distinct;
pub mod explain;
pub mod find;
pub mod indexes;
pub mod insert;
pub mod metadata;
pub mod replace;
pub mod schema;
pub mod update;
mod writes;

use business_tools_core::{ToolDef, tool};

use crate::Mongo;

/// The cached reads that a change of documents makes stale. An insert can make a collection, too.
const OF_DOCUMENTS: &[&str] = &[
    "mongo_count",
    "mongo_distinct",
    "mongo_get_collection_schema",
    "mongo_list_collections",
    "mongo_list_databases",
];

/// The cached reads that a change of indexes makes stale. It can make a collection, too.
const OF_INDEXES: &[&str] = &[
    "mongo_list_collections",
    "mongo_list_databases",
    "mongo_list_indexes",
];

/// The cached reads that the end of a collection makes stale.
const OF_COLLECTIONS: &[&str] = &[
    "mongo_count",
    "mongo_distinct",
    "mongo_get_collection_schema",
    "mongo_list_collections",
    "mongo_list_databases",
    "mongo_list_indexes",
];

pub(crate) const TOOLS: &[ToolDef<Mongo>] = &[
    tool::<find::Find>(),
    tool::<aggregate::Aggregate>(),
    tool::<count::Count>(),
    tool::<distinct::Distinct>(),
    tool::<insert::InsertDocuments>(),
    tool::<update::UpdateDocuments>(),
    tool::<replace::ReplaceDocument>(),
    tool::<delete::DeleteDocuments>(),
    tool::<metadata::ListDatabases>(),
    tool::<metadata::ListCollections>(),
    tool::<schema::GetCollectionSchema>(),
    tool::<indexes::ListIndexes>(),
    tool::<explain::Explain>(),
    tool::<indexes::CreateIndex>(),
    tool::<indexes::DropIndex>(),
    tool::<metadata::DropCollection>(),
];

/// A collection as a person is asked about it.
fn named(database: Option<&str>, collection: &str) -> String {
    match database {
        Some(database) => format!("`{database}.{collection}`"),
        None => format!("`{collection}` in the default database"),
    }
}
