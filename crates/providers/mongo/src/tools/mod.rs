//! The tools, in listing order.

pub mod args;
pub mod batch;
mod bounds;
pub mod find;
pub mod insert;
mod writes;

use business_tools_core::{ToolDef, tool};

use crate::Mongo;

/// The cached reads that a change of documents makes stale.
const OF_DOCUMENTS: &[&str] = &[];

pub(crate) const TOOLS: &[ToolDef<Mongo>] =
    &[tool::<find::Find>(), tool::<insert::InsertDocuments>()];
