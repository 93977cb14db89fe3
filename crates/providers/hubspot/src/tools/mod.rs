//! The tools, in listing order.

pub mod account;

use business_tools_core::{ToolDef, tool};

use crate::HubSpot;

/// Every tool of the provider.
pub const TOOLS: &[ToolDef<HubSpot>] = &[tool::<account::GetAccount>()];
