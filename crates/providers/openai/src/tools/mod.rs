//! The tools, in listing order.

pub mod account;

use business_tools_core::{ToolDef, tool};

use crate::OpenAi;

/// Every tool of the provider.
pub const TOOLS: &[ToolDef<OpenAi>] = &[tool::<account::GetAccount>()];
