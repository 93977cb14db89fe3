//! A tool as clients list it, for tests that count what that costs a model's context.

use business_tools_core::{Effect, ToolInfo};
use serde_json::{Value, json};

/// What a client is sent for one tool: the short schema, and the hints that the protocol does not take for granted.
pub fn listed(tool: &ToolInfo) -> Value {
    let spec = tool.spec;
    let mut hints = json!({"readOnlyHint": !spec.writes()});
    if spec.writes() {
        hints["destructiveHint"] = (spec.effect == Effect::Destructive).into();
        if spec.idempotent {
            hints["idempotentHint"] = true.into();
        }
    }
    json!({"name": spec.name, "description": tool.description,
           "inputSchema": tool.schema.short().as_ref(), "annotations": hints})
}
