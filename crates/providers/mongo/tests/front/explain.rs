//! PostgreSQL's plan, where drivers and people look for MongoDB's.

use bson::{Bson, Document, doc};
use serde_json::Value;

use super::errors::Fault;
use super::postgres::{Postgres, literal, quoted};

/// Explains the command in `spec`. A write is only planned, whatever the verbosity.
pub(super) async fn explain(
    postgres: &Postgres,
    database: &str,
    spec: &Document,
) -> Result<Document, Fault> {
    let command = spec.get_document("explain").map_err(Fault::internal)?;
    let (function, reads) = match command.keys().next().map(String::as_str) {
        Some("find") => ("find", true),
        Some("aggregate") => ("pipeline", true),
        Some("count") => ("count", true),
        Some("distinct") => ("distinct", true),
        Some("update") => ("update", false),
        Some("delete") => ("delete", false),
        _ => {
            let why = "the engine cannot explain it";
            return Err(Fault::new(115, "CommandNotSupported", why));
        }
    };
    let run = reads && spec.get_str("verbosity").ok() != Some("queryPlanner");
    let sql = format!(
        "EXPLAIN (FORMAT JSON{}) \
         SELECT document FROM documentdb_api_catalog.bson_aggregation_{function}({}, {})",
        if run { ", ANALYZE" } else { "" },
        quoted(database),
        literal(command)?
    );
    let rows = postgres.rows(&sql).await?;
    let text: String = rows.iter().filter_map(|row| row.get(0)).collect();
    let plans: Value = serde_json::from_str(&text).map_err(Fault::internal)?;
    let plan = &plans[0];
    let collection = command
        .values()
        .next()
        .and_then(Bson::as_str)
        .unwrap_or_default();
    let mut reply = doc! {
        "queryPlanner": {
            "namespace": format!("{database}.{collection}"),
            "winningPlan": winning(&plan["Plan"])?,
        },
    };
    if run {
        let number = |value: &Value| value.as_f64().unwrap_or_default();
        reply.insert(
            "executionStats",
            doc! {
                "executionSuccess": true,
                "nReturned": number(&plan["Plan"]["Actual Rows"]),
                "executionTimeMillis": number(&plan["Execution Time"]),
            },
        );
    }
    reply.insert("ok", 1.0);
    Ok(reply)
}

/// The stage in MongoDB's word, and the plan as it is.
fn winning(plan: &Value) -> Result<Document, Fault> {
    let mut winning = doc! { "stage": "COLLSCAN" };
    if let Some(name) = used_index(plan) {
        winning = doc! { "stage": "IXSCAN", "indexName": name };
    }
    winning.insert(
        "postgres",
        bson::serialize_to_bson(plan).map_err(Fault::internal)?,
    );
    Ok(winning)
}

/// The index that narrows the search. Every collection is read by an index on its shard key, which
/// narrows nothing here: there is one shard.
fn used_index(node: &Value) -> Option<&str> {
    let narrows = node["Index Cond"]
        .as_str()
        .is_some_and(|condition| condition.contains("object_id") || condition.contains("document"));
    if narrows {
        return node["Index Name"].as_str();
    }
    node["Plans"].as_array()?.iter().find_map(used_index)
}
