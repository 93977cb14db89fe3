//! The simulator as the sandbox runs it.

use serde_json::{Map, Value, json};

/// The configuration that leads to a simulator at `base_url`.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let address = base_url.rsplit("://").next().unwrap_or(base_url);
    let address = address.trim_end_matches('/');
    // One server, known to be there: nothing is looked for beyond it.
    let uri = format!("mongodb://sandbox:sandbox@{address}/sandbox?directConnection=true");
    match json!({ "uri": uri }) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
