//! `/openapi.json`: the REST side described from the same declarations as everything else.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use business_tools_core::{Effect, Kind};
use serde_json::{Map, Value, json};

use super::Shared;

pub(super) async fn page(State(shared): State<Shared>) -> Response {
    axum::Json(document(&shared)).into_response()
}

fn document(shared: &Shared) -> Value {
    let mut paths = Map::new();
    paths.insert(
        "/v1/tools".into(),
        json!({"get": {"operationId": "listTools", "summary": "List the tools",
            "responses": {"200": {"description": "The tools, sorted by name"}}}}),
    );
    paths.insert(
        "/v1/artifacts/{id}/{name}".into(),
        json!({"get": {"operationId": "getArtifact", "summary": "Get what a tool made, by the end of its `bt://artifacts/` link",
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "name", "in": "path", "required": true, "schema": {"type": "string"}},
            ],
            "responses": {"200": {"description": "The bytes"}}}}),
    );
    for entry in shared.registry().tools(None) {
        let spec = entry.tool.spec;
        let required = entry.tool.schema.value().get("required").is_some();
        paths.insert(
            format!("/v1/tools/{}", spec.name),
            json!({"post": {
                "operationId": spec.name,
                "tags": [entry.plugin.info().title],
                "summary": entry.tool.description,
                "x-effect": match spec.effect {
                    Effect::Read => "read",
                    Effect::Write => "write",
                    Effect::Destructive => "destructive",
                },
                "requestBody": {"required": required, "content": {"application/json": {"schema": entry.tool.schema.value()}}},
                "responses": {
                    "200": {"description": "The result", "content": {"application/json": {"schema": {"type": "object"}}}},
                    "default": {"description": "The error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                },
            }}),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Business Tools", "version": env!("CARGO_PKG_VERSION"),
                 "description": "Business systems as tools. The same tools are served over MCP at /mcp."},
        "paths": paths,
        "components": {"schemas": {"Error": error_schema()}},
    })
}

fn error_schema() -> Value {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    json!({
        "type": "object", "required": ["error"],
        "properties": {"error": {
            "type": "object", "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "description": format!("One of {}, with the provider before it where the error is the provider's", kinds.join(", "))},
                "message": {"type": "string"},
                "details": {"type": "object", "properties": {
                    "provider": {"type": "string"}, "timestamp": {"type": "string", "format": "date-time"},
                    "request_id": {"type": "string"}, "retryable": {"type": "boolean"},
                    "retry_after_ms": {"type": "integer"}, "upstream_status": {"type": "integer"}}},
                "hint": {"type": "string", "description": "What to do next"},
            },
        }},
    })
}
