//! `/docs`: the tools as a page for people, and `/`, which says where everything is. No script, no foreign host.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Html;
use business_tools_core::Effect;
use serde_json::Value;

use super::Shared;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1d1d1f}\
    code,pre{font:14px/1.4 ui-monospace,monospace;background:#f4f4f6;border-radius:4px;padding:.1em .3em}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-top:1px solid #ddd}\
    h3{margin:2rem 0 .2rem}small{color:#666}.destructive{color:#b00020}.write{color:#8a5a00}.read{color:#0a6b3d}";

fn frame(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    ))
}

pub(super) async fn index(State(shared): State<Shared>) -> Html<String> {
    let count = shared.registry().tools(None).len();
    let providers: Vec<_> = shared
        .registry()
        .plugins()
        .iter()
        .map(|plugin| plugin.info().title)
        .collect();
    frame(
        "Business Tools",
        &format!(
            "<h1>Business Tools {}</h1><p>{count} tools of {}.</p><ul>\
             <li><code>/mcp</code> for MCP clients</li>\
             <li><a href=\"/docs\">/docs</a> the tools, <a href=\"/openapi.json\">/openapi.json</a>, \
             <a href=\"/v1/tools\">/v1/tools</a> over REST</li>\
             <li><a href=\"/health\">/health</a>, <a href=\"/live\">/live</a>, <a href=\"/ready\">/ready</a>, \
             <a href=\"/metrics\">/metrics</a></li></ul>",
            env!("CARGO_PKG_VERSION"),
            if providers.is_empty() {
                "no provider yet".to_owned()
            } else {
                escape(&providers.join(", "))
            },
        ),
    )
}

pub(super) async fn page(State(shared): State<Shared>) -> Html<String> {
    let mut body = String::from(
        "<h1>Tools</h1><p>Call one with <code>POST /v1/tools/NAME</code> and a JSON object of arguments.</p>",
    );
    let tools = shared.registry().tools(None);
    for plugin in shared.registry().plugins() {
        let _ = write!(
            body,
            "<h2>{}</h2><p>{}</p>",
            escape(plugin.info().title),
            escape(plugin.info().summary)
        );
        for entry in tools
            .iter()
            .filter(|entry| entry.plugin.name() == plugin.name())
        {
            let spec = entry.tool.spec;
            let effect = match spec.effect {
                Effect::Read => "read",
                Effect::Write => "write",
                Effect::Destructive => "destructive",
            };
            let _ = write!(
                body,
                "<h3 id=\"{0}\"><code>{0}</code> <small class=\"{effect}\">{effect}</small></h3><p>{1}</p>{2}",
                spec.name,
                escape(&entry.tool.description),
                arguments(entry.tool.schema.value()),
            );
        }
    }
    frame("Tools", &body)
}

fn arguments(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return "<p><small>No arguments.</small></p>".to_owned();
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut table = String::from("<table>");
    for (name, property) in properties {
        let kind = property["type"].as_str().unwrap_or("any");
        let need = if required.contains(&name.as_str()) {
            " required"
        } else {
            ""
        };
        let mut about = property["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let Some(values) = property["enum"].as_array() {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            let _ = write!(about, " One of {}.", values.join(", "));
        }
        let _ = write!(
            table,
            "<tr><td><code>{}</code></td><td><small>{kind}{need}</small></td><td>{}</td></tr>",
            escape(name),
            escape(&about)
        );
    }
    table + "</table>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
