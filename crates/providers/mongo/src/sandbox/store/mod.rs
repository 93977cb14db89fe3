//! Databases and collections in memory.

mod collection;
mod index;

use std::collections::BTreeMap;

use bson::Document;

pub(crate) use self::{
    collection::{Collection, Record, size},
    index::Index,
};
use super::{
    aggregate::Source,
    failure::{Failure, Result},
};

pub(crate) type Database = BTreeMap<String, Collection>;

#[derive(Debug, Default)]
pub(crate) struct Store {
    databases: BTreeMap<String, Database>,
}

impl Store {
    pub(crate) fn databases(&self) -> impl Iterator<Item = (&String, &Database)> {
        self.databases.iter()
    }

    pub(crate) fn database(&self, database: &str) -> Option<&Database> {
        self.databases.get(database)
    }

    pub(crate) fn collection(&self, database: &str, collection: &str) -> Option<&Collection> {
        self.databases.get(database)?.get(collection)
    }

    pub(crate) fn collection_mut(
        &mut self,
        database: &str,
        collection: &str,
    ) -> Option<&mut Collection> {
        self.databases.get_mut(database)?.get_mut(collection)
    }

    /// The collection, created on first use as the server does on the first write.
    pub(crate) fn collection_or_create(
        &mut self,
        database: &str,
        collection: &str,
    ) -> &mut Collection {
        let namespace = format!("{database}.{collection}");
        self.databases
            .entry(database.to_owned())
            .or_default()
            .entry(collection.to_owned())
            .or_insert_with(|| Collection::new(namespace))
    }

    pub(crate) fn drop_collection(
        &mut self,
        database: &str,
        collection: &str,
    ) -> Option<Collection> {
        let collections = self.databases.get_mut(database)?;
        let dropped = collections.remove(collection);
        if collections.is_empty() {
            self.databases.remove(database);
        }
        dropped
    }

    pub(crate) fn drop_database(&mut self, database: &str) -> Option<Database> {
        self.databases.remove(database)
    }
}

/// One database as a pipeline sees it.
pub(crate) struct Neighbours<'a> {
    pub(crate) store: &'a Store,
    pub(crate) database: &'a str,
}

impl Source for Neighbours<'_> {
    fn documents(&self, collection: &str) -> Vec<Document> {
        let collection = self.store.collection(self.database, collection);
        collection
            .map(|collection| collection.documents().cloned().collect())
            .unwrap_or_default()
    }

    fn index_stats(&self, collection: &str) -> Vec<Document> {
        let collection = self.store.collection(self.database, collection);
        let indexes = collection.into_iter().flat_map(Collection::indexes);
        indexes.map(Index::stats).collect()
    }
}

/// Names that the server itself refuses.
pub(crate) fn check_namespace(database: &str, collection: &str) -> Result<()> {
    let bad_database = database.is_empty()
        || database.len() > 63
        || database.contains([
            '/', '\\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?', '\0',
        ]);
    if bad_database {
        return Err(Failure::new(
            73,
            format!("Invalid database name: '{database}'"),
        ));
    }
    let bad_collection = collection.is_empty()
        || collection.starts_with('.')
        || collection.contains(['$', '\0'])
        || database.len() + collection.len() + 1 > 255;
    if bad_collection {
        let namespace = format!("{database}.{collection}");
        return Err(Failure::new(
            73,
            format!("Invalid namespace specified '{namespace}'"),
        ));
    }
    Ok(())
}
