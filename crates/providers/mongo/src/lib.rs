//! MongoDB: documents, aggregation, schema and indexes.

#[cfg(feature = "sandbox")]
pub mod sandbox;
