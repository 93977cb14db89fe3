//! Between our words and rmcp's.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use business_tools_core::artifact::{Artifact, Artifacts, ResourceLink};
use business_tools_core::{Cx, Effect, Error, Principal, Reply, Spec, ToolInfo};
use rmcp::model::{
    CacheScope, CallToolResult, ContentBlock, MetaObject, ReadResourceResult, Resource,
    ResourceContents, Tool, ToolAnnotations,
};
use serde_json::{Map, Value, json};

/// A tool as clients list it.
pub(super) fn tool(info: &ToolInfo) -> Tool {
    let schema = Arc::clone(info.schema.short());
    Tool::new(info.spec.name, info.description.clone(), schema)
        .with_annotations(annotations(info.spec))
}

/// The hints, all of them derived from the effect, so that none can be wrong alone. What the protocol takes for granted
/// is left out, as it costs a model's context with every tool: an open world, and for a read everything but that it is one.
fn annotations(spec: &Spec) -> ToolAnnotations {
    let hints = ToolAnnotations::new().read_only(spec.effect == Effect::Read);
    if spec.effect == Effect::Read {
        return hints;
    }
    let hints = hints.destructive(spec.effect == Effect::Destructive);
    if spec.idempotent {
        hints.idempotent(true)
    } else {
        hints
    }
}

/// `_meta` with the server's name, which a client that is pinned to a version sees nowhere else.
pub(super) fn server_meta() -> MetaObject {
    static META: LazyLock<MetaObject> = LazyLock::new(|| {
        let info = serde_json::to_value(super::implementation()).unwrap_or(Value::Null);
        let mut meta = Map::new();
        meta.insert("io.modelcontextprotocol/serverInfo".into(), info);
        MetaObject(meta)
    });
    META.clone()
}

/// A result for the client: once as structure, once as the same JSON in text for older hosts.
pub(super) fn success(reply: Reply) -> CallToolResult {
    CallToolResult::structured(reply.value).with_meta(Some(server_meta()))
}

/// The most links that are shown beside the result.
const MOST_LINKS: usize = 16;

/// Shows the links to what the tool made as such. Only to what is kept here: a result may hold data from outsiders
/// that looks like a link.
pub(super) async fn add_links(result: &mut CallToolResult, artifacts: &Artifacts, who: &Principal) {
    let mut links = Vec::new();
    if let Some(value) = &result.structured_content {
        collect_links(value, &mut links);
    }
    for link in links {
        if artifacts.has(&link.uri, who).await {
            result.content.push(ContentBlock::resource_link(link));
        }
    }
}

fn collect_links(value: &Value, links: &mut Vec<Resource>) {
    match value {
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (Some(ResourceLink::KIND), Some(uri), Some(name)) =
                (text("type"), text("uri"), text("name"))
            {
                let mut link = Resource::new(uri, name);
                link.mime_type = text("mime_type").map(str::to_owned);
                link.size = members.get("size").and_then(Value::as_u64);
                if links.len() < MOST_LINKS {
                    links.push(link);
                }
                return;
            }
            members
                .values()
                .for_each(|value| collect_links(value, links));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_links(value, links)),
        _ => {}
    }
}

/// What a tool made, read as a resource.
pub(super) fn artifact(uri: String, artifact: &Artifact) -> ReadResourceResult {
    let bytes = base64::engine::general_purpose::STANDARD.encode(&artifact.bytes);
    let contents = ResourceContents::blob(bytes, uri).with_mime_type(&artifact.media_type);
    ReadResourceResult::new(vec![contents])
        .with_ttl_ms(60_000)
        .with_cache_scope(CacheScope::Private)
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
