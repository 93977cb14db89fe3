//! Arguments as a confused or hostile caller gives them.

use business_tools_core::Kind;
use serde_json::{Value, json};

use crate::World;

/// Values that are of the wrong type somewhere, too long, or strange.
fn values() -> Vec<Value> {
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("\r\nX-Injected: 1"),
        json!("../../../x?y#z"),
        json!("%2e%2e%2f"),
        json!("\u{202e}\u{feff}🙂"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([null]),
        json!([""]),
        json!({}),
        json!({"$ne": 1}),
        deep,
    ]
}

/// Calls a tool with every argument replaced by every strange value in turn, and with arguments that it does not have.
///
/// Whatever comes of a call, it is no fault of the server and no request for nothing in particular; `dry_run` keeps
/// writes from being sent.
pub async fn arguments(world: &World, tool: &str, good: &Value) {
    let entry = world.registry.get(tool).expect("the tool is there");
    let schema = entry.tool.schema.value();
    let names: Vec<_> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    let mut tried = 0;
    for name in names
        .iter()
        .map(|name| name.as_str())
        .chain(["", "__proto__", "colour"])
    {
        for value in values() {
            let mut args = good.clone();
            if entry.tool.spec.writes() {
                args["dry_run"] = true.into();
            }
            args[name] = value.clone();
            // A dry run that is none would be sent.
            if name == "dry_run" && value.is_null() {
                continue;
            }
            tried += 1;
            if let Err(error) = world.call(tool, args).await {
                let shown = value.to_string();
                let shown: String = shown.chars().take(60).collect();
                assert_ne!(
                    error.kind(),
                    Kind::Internal,
                    "{tool}: {name}: {shown}: {error:?}"
                );
                assert!(
                    error.message().len() < 5_000,
                    "{tool}: {name}: {shown}: a message of {} bytes",
                    error.message().len()
                );
            }
        }
    }
    println!("{tool}: {tried} strange calls");
}
