//! Between our words and rmcp's.

use std::sync::Arc;

use business_tools_core::{Cx, Effect, Error, Reply, Spec, ToolInfo};
use rmcp::model::{CallToolResult, ContentBlock, MetaObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// A tool as clients list it.
pub(super) fn tool(info: &ToolInfo) -> Tool {
    let schema = match info.schema.value() {
        Value::Object(schema) => schema.clone(),
        _ => Map::new(),
    };
    Tool::new(info.spec.name, info.description.clone(), Arc::new(schema)).with_annotations(annotations(info.spec))
}

/// The four hints, all of them derived from the effect, so that none can be wrong alone.
fn annotations(spec: &Spec) -> ToolAnnotations {
    ToolAnnotations::new()
        .read_only(spec.effect == Effect::Read)
        .destructive(spec.effect == Effect::Destructive)
        .idempotent(spec.idempotent)
        .open_world(true)
}

/// `_meta` with the server's name, which a client that is pinned to a version sees nowhere else.
pub(super) fn server_meta() -> MetaObject {
    let info = serde_json::to_value(super::implementation()).unwrap_or(Value::Null);
    let mut meta = Map::new();
    meta.insert("io.modelcontextprotocol/serverInfo".into(), info);
    MetaObject(meta)
}

/// A result for the client: once as structure, once as the same JSON in text for older hosts.
pub(super) fn success(reply: Reply) -> CallToolResult {
    CallToolResult::structured(reply.value).with_meta(Some(server_meta()))
}

/// An error the model can read and act on.
pub(super) fn failure(error: &Error, cx: &Cx) -> CallToolResult {
    let object = error.wire(cx);
    let mut result = CallToolResult::error(vec![ContentBlock::text(object.to_string())]);
    result.structured_content = Some(object);
    result.with_meta(Some(server_meta()))
}

/// A description of a tool in catalog mode.
pub(crate) fn describe(info: &ToolInfo) -> Value {
    json!({
        "name": info.spec.name,
        "description": info.description,
        "inputSchema": info.schema.value(),
        "annotations": annotations(info.spec),
    })
}
