//! One collection: its documents in natural order, and its indexes.

use std::collections::BTreeMap;

use bson::{Bson, Document, RawDocument, doc, oid::ObjectId};

use super::index::Index;
use crate::sandbox::{
    failure::{Failure, Result},
    wire::{MAX_DEPTH, MAX_DOCUMENT_BYTES, is_shallow},
};

/// The place of a document in its collection.
pub(crate) type Record = u64;

#[derive(Debug)]
pub(crate) struct Collection {
    namespace: String,
    uuid: bson::Uuid,
    records: BTreeMap<Record, Document>,
    next: Record,
    indexes: Vec<Index>,
}

impl Collection {
    pub(super) fn new(namespace: String) -> Self {
        Self {
            namespace,
            uuid: bson::Uuid::new(),
            records: BTreeMap::new(),
            next: 0,
            indexes: vec![Index::on_id()],
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn uuid(&self) -> bson::Uuid {
        self.uuid
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter()
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.records.values()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (Record, &Document)> {
        self.records
            .iter()
            .map(|(record, document)| (*record, document))
    }

    pub(crate) fn get(&self, record: Record) -> Option<&Document> {
        self.records.get(&record)
    }

    /// The document with this `_id`, found without looking at the others.
    pub(crate) fn by_id(&self, id: &Bson) -> Option<(Record, &Document)> {
        let record = self.indexes.first()?.lookup(id)?;
        self.records.get(&record).map(|document| (record, document))
    }

    pub(crate) fn size(&self) -> usize {
        self.records.values().map(size).sum()
    }

    /// Stores a document, with a new `_id` if it has none, and answers the `_id`.
    pub(crate) fn insert(&mut self, document: Document) -> Result<Bson> {
        let document = with_id(document)?;
        check(&document)?;
        for index in &self.indexes {
            index.check(&self.namespace, &document, None)?;
        }
        let record = self.next;
        self.next += 1;
        for index in &mut self.indexes {
            index.add(&document, record);
        }
        let id = document.get("_id").cloned().unwrap_or(Bson::Null);
        self.records.insert(record, document);
        Ok(id)
    }

    pub(crate) fn replace(&mut self, record: Record, document: Document) -> Result<()> {
        check(&document)?;
        for index in &self.indexes {
            index.check(&self.namespace, &document, Some(record))?;
        }
        let old = self.records.insert(record, document);
        let new = self.records.get(&record);
        for index in &mut self.indexes {
            if let Some(old) = &old {
                index.remove(old, record);
            }
            if let Some(new) = new {
                index.add(new, record);
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, record: Record) -> Option<Document> {
        let document = self.records.remove(&record)?;
        for index in &mut self.indexes {
            index.remove(&document, record);
        }
        Some(document)
    }

    /// Builds an index over what is there; `false` when the very same one exists already.
    pub(crate) fn create_index(&mut self, mut index: Index) -> Result<bool> {
        for existing in &self.indexes {
            if existing.conflicts_with(&index)? {
                return Ok(false);
            }
        }
        for (record, document) in &self.records {
            index
                .check(&self.namespace, document, Some(*record))
                .map_err(|failure| {
                    let message = format!("Index build failed: {}", failure.message);
                    Failure { message, ..failure }
                })?;
            index.add(document, *record);
        }
        self.indexes.push(index);
        Ok(true)
    }

    /// Drops the indexes that `chosen` picks, never the one on `_id`.
    pub(crate) fn drop_indexes(&mut self, chosen: impl Fn(&Index) -> bool) {
        self.indexes
            .retain(|index| index.name() == "_id_" || !chosen(index));
    }
}

fn with_id(mut document: Document) -> Result<Document> {
    match document.get("_id") {
        Some(Bson::Array(_)) => Err(bad_id("array")),
        Some(Bson::RegularExpression(_)) => Err(bad_id("regex")),
        Some(Bson::Undefined) => Err(bad_id("undefined")),
        Some(_) if document.keys().next().is_some_and(|key| key == "_id") => Ok(document),
        found => {
            // The server keeps `_id` in front, whoever chose it.
            let id = found
                .cloned()
                .unwrap_or_else(|| Bson::ObjectId(ObjectId::new()));
            document.remove("_id");
            let mut ordered = doc! { "_id": id };
            ordered.extend(document);
            Ok(ordered)
        }
    }
}

fn bad_id(kind: &str) -> Failure {
    Failure::new(53, format!("The '_id' value cannot be of type {kind}"))
}

pub(crate) fn size(document: &Document) -> usize {
    document.to_vec().map_or(0, |bytes| bytes.len())
}

fn check(document: &Document) -> Result<()> {
    let bytes = document
        .to_vec()
        .map_err(|error| Failure::bad_value(error.to_string()))?;
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(Failure::new(
            10334,
            format!(
                "BSONObj size: {} is invalid. Size must be between 0 and {MAX_DOCUMENT_BYTES}",
                bytes.len()
            ),
        ));
    }
    let shallow = RawDocument::from_bytes(&bytes).and_then(is_shallow);
    if shallow.unwrap_or(false) {
        return Ok(());
    }
    Err(Failure::new(
        15,
        format!("Document exceeds maximum nested object depth: {MAX_DEPTH}"),
    ))
}
