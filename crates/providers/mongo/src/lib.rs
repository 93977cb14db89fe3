//! MongoDB: documents, aggregation, schema and indexes.
