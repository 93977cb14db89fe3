//! The fences: what is refused before anything is sent.
//!
//! A query language is a programming language. Everything that reaches the server from outside passes
//! through [`scan`] at every level of nesting: filters, projections, sorts, pipelines, updates, array
//! filters, partial filters, and all that is nested in them.

mod names;
mod scan;

pub(crate) use names::{Fence, collection_name, database_name, field_name, no_system};
pub(crate) use scan::{Place, Scan, scan, scan_all};
