//! A call of each tool, on the shop that the simulator holds to begin with.

use business_tools_sandbox::{Example, Examples};
use serde_json::{Value, json};

fn indexed() -> Value {
    json!({"collection": "orders", "keys": [{"field": "status"}], "name": "by_status"})
}

/// Calls that the simulator answers, one of each tool.
pub fn examples() -> Examples {
    // The password of the simulator's users is their own name.
    let uri = "mongodb://${secret}:${secret}@${address}/shop?directConnection=true";
    let examples = Examples::new().credentials(json!({"uri": uri}));
    [reads(), writes(), structure()]
        .into_iter()
        .flatten()
        .fold(examples, Examples::with)
}

fn reads() -> Vec<Example> {
    let by_id = json!({"_id": 1});
    vec![
        Example::new(
            "mongo_find",
            json!({"collection": "orders", "filter": {"status": {"$ne": "cancelled"}},
                   "projection": {"status": 1, "total": 1}, "sort": by_id}),
        ),
        Example::new(
            "mongo_aggregate",
            json!({"collection": "orders", "pipeline": [{"$sort": by_id}, {"$project": {"status": 1}}]}),
        ),
        Example::new(
            "mongo_count",
            json!({"collection": "orders", "filter": {"status": "paid"}}),
        ),
        Example::new(
            "mongo_distinct",
            json!({"collection": "orders", "field": "status"}),
        ),
        Example::new("mongo_list_databases", json!({})),
        Example::new("mongo_list_collections", json!({"database": "shop"})),
        Example::new(
            "mongo_get_collection_schema",
            json!({"collection": "orders"}),
        ),
        Example::new("mongo_list_indexes", json!({"collection": "orders"})),
        Example::new(
            "mongo_explain",
            json!({"collection": "customers", "filter": {"email": "ada@example.com"}}),
        ),
    ]
}

fn writes() -> Vec<Example> {
    vec![
        Example::new(
            "mongo_insert_documents",
            json!({"collection": "notes", "documents": [{"text": "Hello"}, {"text": "again"}]}),
        ),
        // An update of everything is what a person is asked about.
        Example::new(
            "mongo_update_documents",
            json!({"collection": "orders", "filter": {}, "update": {"$set": {"seen": true}}, "many": true}),
        ),
        Example::new(
            "mongo_replace_document",
            json!({"collection": "notes", "filter": {"_id": 1}, "replacement": {"text": "Bye"}}),
        )
        .after(
            "note",
            "mongo_insert_documents",
            json!({"collection": "notes", "documents": [{"_id": 1, "text": "Hello"}]}),
        ),
        Example::new(
            "mongo_delete_documents",
            json!({"collection": "orders", "filter": {"status": "cancelled"}, "many": true}),
        ),
    ]
}

fn structure() -> Vec<Example> {
    vec![
        Example::new("mongo_create_index", indexed()),
        Example::new(
            "mongo_drop_index",
            json!({"collection": "orders", "name": "${index/name}"}),
        )
        .after("index", "mongo_create_index", indexed()),
        Example::new(
            "mongo_drop_collection",
            json!({"collection": "orders", "confirm_name": "orders"}),
        ),
    ]
}
