//! The tools themselves on a server that is not ours: all sixteen, in the order in which a person would use them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use business_tools_core::{Cx, Env, Kind, Plugin, ProviderSettings, Registry};
use business_tools_mongo::Mongo;
use serde_json::{Map, Value, json};

struct Tools(Registry);

impl Tools {
    fn on(uri: &str, database: &str) -> Self {
        let (scheme, rest) = uri.split_once("://").unwrap();
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        let host = path.split('/').next().unwrap_or(path);
        let uri = format!("{scheme}://{host}/{database}?{options}");
        let fields = Map::from_iter([("uri".to_owned(), json!(uri))]);
        let mut env = Env::alone();
        env.auto_confirm = true;
        let registry = Registry::new(env);
        let settings = ProviderSettings::single(fields);
        let plugin = Plugin::<Mongo>::connect(&settings, registry.env()).unwrap();
        registry.add(Arc::new(plugin)).unwrap();
        Self(registry)
    }

    async fn ok(&self, tool: &str, args: Value) -> Value {
        let Value::Object(args) = args else {
            panic!("{tool}: arguments are an object")
        };
        match self.0.call(tool, args, Cx::local()).await {
            Ok(reply) => reply.value,
            Err(error) => panic!("{tool}: {error:?}"),
        }
    }
}

/// A day's work with every tool.
pub(crate) async fn every_tool_does_its_work(uri: &str, database: &str) {
    let tools = Tools::on(uri, database);
    let people = json!([
        {"_id": 1, "name": "Ada", "age": 36, "town": "Berlin"},
        {"_id": 2, "name": "Bo", "age": 40, "town": "Oslo", "big": {"$numberLong": "9223372036854775807"}},
        {"_id": 3, "name": "Cy", "age": 50, "town": "Oslo", "price": {"$numberDecimal": "12.50"}},
    ]);
    let insert = json!({"collection": "people", "documents": people});
    let inserted = tools.ok("mongo_insert_documents", insert.clone()).await;
    assert_eq!(inserted["inserted_count"], 3);
    let Value::Object(again) = insert else {
        unreachable!()
    };
    let twice = tools
        .0
        .call("mongo_insert_documents", again, Cx::local())
        .await;
    assert_eq!(twice.unwrap_err().kind(), Kind::Conflict);

    let index = json!({"collection": "people", "keys": [{"field": "town"}], "name": "by_town"});
    tools.ok("mongo_create_index", index).await;
    let indexes = tools
        .ok("mongo_list_indexes", json!({"collection": "people"}))
        .await;
    assert!(indexes.to_string().contains("by_town"), "{indexes}");

    let found = tools
        .ok(
            "mongo_find",
            json!({"collection": "people", "filter": {"town": "Oslo"}, "sort": {"_id": -1},
                   "projection": {"town": 0, "age": 0, "name": 0}}),
        )
        .await;
    assert_eq!(
        found["items"],
        json!([
            {"_id": 3, "price": {"$numberDecimal": "12.50"}},
            {"_id": 2, "big": {"$numberLong": "9223372036854775807"}},
        ])
    );
    let plan = tools
        .ok(
            "mongo_explain",
            json!({"collection": "people", "filter": {"town": "Oslo"}}),
        )
        .await;
    assert!(plan.is_object(), "{plan}");
    let totals = tools
        .ok(
            "mongo_aggregate",
            json!({"collection": "people", "pipeline": [
                {"$group": {"_id": "$town", "people": {"$sum": 1}}}, {"$sort": {"people": -1}}]}),
        )
        .await;
    assert_eq!(totals["items"][0], json!({"_id": "Oslo", "people": 2}));
    let of_oslo = json!({"collection": "people", "filter": {"town": "Oslo"}});
    assert_eq!(tools.ok("mongo_count", of_oslo).await["count"], 2);
    let towns = json!({"collection": "people", "field": "town"});
    let towns = tools.ok("mongo_distinct", towns).await;
    assert_eq!(towns["total"], 2, "{towns}");
    let schema = json!({"collection": "people"});
    let schema = tools.ok("mongo_get_collection_schema", schema).await;
    assert!(schema.to_string().contains("age"), "{schema}");

    let older = json!({"collection": "people", "filter": {"town": "Oslo"}, "many": true,
                       "update": {"$inc": {"age": 1}}});
    let updated = tools.ok("mongo_update_documents", older).await;
    assert_eq!(updated["modified_count"], 2);
    let replace = json!({"collection": "people", "filter": {"_id": 1},
                         "replacement": {"name": "Eve"}});
    tools.ok("mongo_replace_document", replace).await;
    let gone = json!({"collection": "people", "filter": {"town": "Oslo"}, "many": true});
    let deleted = tools.ok("mongo_delete_documents", gone).await;
    assert_eq!(deleted["deleted_count"], 2);
    let rest = tools
        .ok("mongo_find", json!({"collection": "people"}))
        .await;
    assert_eq!(rest["items"], json!([{"_id": 1, "name": "Eve"}]));

    let databases = tools.ok("mongo_list_databases", json!({})).await;
    assert!(databases.to_string().contains(database), "{databases}");
    let collections = tools.ok("mongo_list_collections", json!({})).await;
    assert!(collections.to_string().contains("people"), "{collections}");
    let drop = json!({"collection": "people", "name": "by_town"});
    tools.ok("mongo_drop_index", drop).await;
    let drop = json!({"collection": "people", "confirm_name": "people"});
    tools.ok("mongo_drop_collection", drop).await;
    let collections = tools.ok("mongo_list_collections", json!({})).await;
    assert!(!collections.to_string().contains("people"), "{collections}");
}
