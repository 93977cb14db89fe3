//! The exact command of each tool, and its result.

use bson::{Document, doc};
use serde_json::{Value, json};

use crate::script::Script;
use crate::world::World;

/// A command without what the driver adds to it.
fn bare(mut command: Document) -> Document {
    for key in [
        "lsid",
        "$db",
        "$clusterTime",
        "$readPreference",
        "comment",
        "maxTimeMS",
    ] {
        command.remove(key);
    }
    command
}

async fn run(tool: &str, args: Value, reply: Document) -> (Document, Value) {
    let script = Script::start().await;
    script.reply(reply);
    let world = World::new(&script);
    let result = world.ok(tool, args).await;
    let command = script.command();
    assert!(
        command.get_str("comment").is_ok_and(|id| id.len() == 36),
        "{command}"
    );
    (command, result)
}

fn batch(documents: Vec<Document>) -> Document {
    doc! {"cursor": {"firstBatch": documents, "id": 0_i64, "ns": "shop.x"}, "ok": 1.0}
}

#[tokio::test]
async fn find_sends_the_query_as_it_came_and_gives_extended_json() {
    let id = bson::oid::ObjectId::parse_str("65f000000000000000000001").unwrap();
    let total: bson::Decimal128 = "12.50".parse().unwrap();
    let (command, result) = run(
        "mongo_find",
        json!({
            "database": "shop", "collection": "orders",
            "filter": {"customer_id": {"$oid": "5d505646cf6d4fe581014ab2"}, "created": {"$gte": {"$date": "2026-01-01T00:00:00Z"}}},
            "sort": {"created": -1}, "limit": 2,
        }),
        batch(vec![doc! {"_id": id, "total": total}]),
    )
    .await;
    let customer = bson::oid::ObjectId::parse_str("5d505646cf6d4fe581014ab2").unwrap();
    let created = bson::DateTime::parse_rfc3339_str("2026-01-01T00:00:00Z").unwrap();
    assert_eq!(command.get_str("$db").unwrap(), "shop");
    assert!(command.get_i64("maxTimeMS").unwrap() <= 30_000);
    assert_eq!(
        bare(command),
        doc! {
            "find": "orders",
            "filter": {"customer_id": customer, "created": {"$gte": created}},
            "sort": {"created": -1}, "limit": 2, "singleBatch": true, "batchSize": 2,
        }
    );
    assert_eq!(
        result,
        json!({
            "items": [{"_id": {"$oid": "65f000000000000000000001"}, "total": {"$numberDecimal": "12.50"}}],
            "untrusted": ["items"],
        })
    );
}

#[tokio::test]
async fn find_goes_on_where_the_page_before_ended() {
    let script = Script::start().await;
    let world = World::new(&script);
    script.batch(vec![doc! {"_id": 1}, doc! {"_id": 2}]);
    let args = json!({"collection": "orders", "limit": 2, "skip": 5});
    let first = world.ok("mongo_find", args.clone()).await;
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    script.batch(vec![doc! {"_id": 3}]);
    let mut next = args;
    next["cursor"] = cursor.into();
    let second = world.ok("mongo_find", next).await;
    assert_eq!(second["items"], json!([{"_id": 3}]));
    assert_eq!(second.get("next_cursor"), None);
    let commands = script.commands();
    assert_eq!(commands[0].get("skip"), Some(&bson::Bson::Int32(5)));
    assert_eq!(commands[1].get("skip"), Some(&bson::Bson::Int32(7)));
}

#[tokio::test]
async fn documents_that_are_too_large_together_are_left_out_whole_and_come_with_the_cursor() {
    let script = Script::start().await;
    let world = World::with(&script, json!({"max_bytes": 2500}));
    let big = |id: i32| doc! {"_id": id, "text": "x".repeat(1000)};
    script.batch(vec![big(1), big(2), big(3)]);
    let args = json!({"collection": "orders"});
    let first = world.ok("mongo_find", args.clone()).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["truncated"], true);
    script.batch(vec![big(3)]);
    let mut next = args;
    next["cursor"] = first["next_cursor"].clone();
    let second = world.ok("mongo_find", next).await;
    assert_eq!(second["items"][0]["_id"], 3);
    assert_eq!(
        script.commands()[1].get("skip"),
        Some(&bson::Bson::Int32(2))
    );
}

#[tokio::test]
async fn a_plain_text_id_that_finds_nothing_gets_a_hint() {
    for filter in [
        json!({"_id": "5d505646cf6d4fe581014ab2"}),
        json!({"_id": {"$in": ["5d505646cf6d4fe581014ab2"]}}),
    ] {
        let args = json!({"collection": "orders", "filter": filter});
        let (_, result) = run("mongo_find", args, batch(vec![])).await;
        assert!(
            result["hint"].as_str().unwrap().contains("$oid"),
            "{result}"
        );
    }
    let args = json!({"collection": "orders", "filter": {"_id": "order-7"}});
    let (_, result) = run("mongo_find", args, batch(vec![])).await;
    assert_eq!(result.get("hint"), None);
}

#[tokio::test]
async fn numbers_keep_every_digit_in_both_directions() {
    let big = 9_223_372_036_854_775_807_i64;
    let (command, result) = run(
        "mongo_find",
        json!({"collection": "orders", "filter": {
            "a": big, "b": {"$numberLong": "9007199254740993"}, "c": 5, "d": {"$numberDecimal": "0.1"},
            "e": {"$numberLong": "5"}, "f": 1.5,
        }}),
        batch(vec![doc! {"a": big, "b": 9_007_199_254_740_991_i64, "c": f64::NAN, "d": 5_i64, "e": f64::INFINITY}]),
    )
    .await;
    let d: bson::Decimal128 = "0.1".parse().unwrap();
    assert_eq!(
        command.get_document("filter").unwrap(),
        &doc! {"a": big, "b": 9_007_199_254_740_993_i64, "c": 5, "d": d, "e": 5_i64, "f": 1.5}
    );
    assert_eq!(
        result["items"][0].to_string(),
        r#"{"a":{"$numberLong":"9223372036854775807"},"b":9007199254740991,"c":{"$numberDouble":"NaN"},"d":5,"e":{"$numberDouble":"Infinity"}}"#
    );
}

#[tokio::test]
async fn key_order_and_query_operators_are_kept() {
    let (command, _) = run(
        "mongo_find",
        json!({"collection": "c", "filter": {"z": 1, "a": {"$regex": "^H", "$options": "i"}, "m": {"$in": [1, "x", null]}},
               "sort": {"z": 1, "a": -1, "score": {"$meta": "textScore"}}, "projection": {"b": 1, "a": 0}}),
        batch(vec![]),
    )
    .await;
    let keys = |key: &str| {
        command
            .get_document(key)
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("filter"), ["z", "a", "m"]);
    assert_eq!(keys("sort"), ["z", "a", "score"]);
    assert_eq!(keys("projection"), ["b", "a"]);
    assert_eq!(
        command
            .get_document("filter")
            .unwrap()
            .get_document("a")
            .unwrap(),
        &doc! {"$regex": "^H", "$options": "i"}
    );
}

#[tokio::test]
async fn aggregate_is_bounded_by_stages_of_its_own() {
    let script = Script::start().await;
    let world = World::new(&script);
    let args = json!({"collection": "orders", "pipeline": [{"$group": {"_id": "$city", "n": {"$sum": 1}}}], "limit": 2});
    script.batch(vec![
        doc! {"_id": "Bern", "n": 5},
        doc! {"_id": "Thun", "n": 2},
    ]);
    let first = world.ok("mongo_aggregate", args.clone()).await;
    assert_eq!(first["items"][0], json!({"_id": "Bern", "n": 5}));
    script.batch(vec![]);
    let mut next = args;
    next["cursor"] = first["next_cursor"].clone();
    let second = world.ok("mongo_aggregate", next).await;
    assert_eq!(second.get("next_cursor"), None);
    let commands = script.commands();
    let group = doc! {"$group": {"_id": "$city", "n": {"$sum": 1}}};
    assert_eq!(
        bare(commands[0].clone()),
        doc! {"aggregate": "orders", "pipeline": [group.clone(), {"$limit": 2}], "cursor": {"batchSize": 2}}
    );
    assert_eq!(
        commands[1].get_array("pipeline").unwrap()[1..],
        [doc! {"$skip": 2}.into(), doc! {"$limit": 2}.into()]
    );
}

#[tokio::test]
async fn a_cursor_that_stays_open_is_closed_and_the_page_goes_on() {
    let script = Script::start().await;
    let world = World::new(&script);
    script.reply(
        doc! {"cursor": {"firstBatch": [{"_id": 1}], "id": 77_i64, "ns": "shop.orders"}, "ok": 1.0},
    );
    let result = world
        .ok(
            "mongo_aggregate",
            json!({"collection": "orders", "pipeline": []}),
        )
        .await;
    assert!(result["next_cursor"].is_string());
    let kill = bare(script.commands()[1].clone());
    assert_eq!(kill, doc! {"killCursors": "orders", "cursors": [77_i64]});
}

#[tokio::test]
async fn count_is_exact_with_a_filter_and_an_estimate_without() {
    let (command, result) = run(
        "mongo_count",
        json!({"collection": "orders", "filter": {"paid": true}}),
        batch(vec![doc! {"_id": 1, "n": 42}]),
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {
            "aggregate": "orders",
            "pipeline": [{"$match": {"paid": true}}, {"$group": {"_id": 1, "n": {"$sum": 1}}}],
            "cursor": {},
        }
    );
    assert_eq!(result, json!({"count": 42, "estimated": false}));
    let (command, result) = run(
        "mongo_count",
        json!({"collection": "orders"}),
        doc! {"n": 7, "ok": 1.0},
    )
    .await;
    assert_eq!(bare(command), doc! {"count": "orders"});
    assert_eq!(result, json!({"count": 7, "estimated": true}));
}

#[tokio::test]
async fn distinct_values_come_in_pages_with_their_number() {
    let script = Script::start().await;
    let world = World::new(&script);
    let args =
        json!({"collection": "orders", "field": "city", "filter": {"paid": true}, "limit": 2});
    let reply = doc! {"values": ["Bern", 5_i64, bson::Bson::Null], "ok": 1.0};
    script.reply(reply.clone()).reply(reply);
    let first = world.ok("mongo_distinct", args.clone()).await;
    assert_eq!(first["items"], json!(["Bern", 5]));
    assert_eq!(first["total"], 3);
    let mut next = args;
    next["cursor"] = first["next_cursor"].clone();
    let second = world.ok("mongo_distinct", next).await;
    assert_eq!(second["items"], json!([null]));
    assert_eq!(second.get("next_cursor"), None);
    assert_eq!(
        bare(script.commands()[0].clone()),
        doc! {"distinct": "orders", "key": "city", "query": {"paid": true}}
    );
}

#[tokio::test]
async fn insert_makes_the_ids_and_tells_them() {
    let (command, result) = run(
        "mongo_insert_documents",
        json!({"collection": "users", "documents": [{"_id": 1, "email": "a@b.c"}, {"email": "d@e.f"}]}),
        doc! {"n": 2, "ok": 1.0},
    )
    .await;
    let documents = command.get_array("documents").unwrap();
    assert_eq!(
        documents[0].as_document().unwrap(),
        &doc! {"_id": 1, "email": "a@b.c"}
    );
    let second = documents[1].as_document().unwrap();
    let id = second.get_object_id("_id").unwrap();
    assert_eq!(second.keys().next().unwrap(), "_id");
    assert_eq!(
        result,
        json!({"inserted_count": 2, "inserted_ids": [1, {"$oid": id.to_hex()}]})
    );
    assert!(command.get_bool("ordered").unwrap());
}

#[tokio::test]
async fn a_duplicate_is_a_conflict_with_its_key() {
    let script = Script::start().await;
    let world = World::new(&script);
    script.reply(doc! {"n": 1, "ok": 1.0, "writeErrors": [{
        "index": 1, "code": 11000, "keyPattern": {"email": 1}, "keyValue": {"email": "a@b.c"},
        "errmsg": "E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: \"a@b.c\" }",
    }]});
    let args = json!({"collection": "users", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]});
    let error = world.err("mongo_insert_documents", args).await;
    assert_eq!(error.code(), "MONGO_CONFLICT");
    let details = Value::Object(error.details().clone());
    assert_eq!(details["upstream_code"], 11000);
    assert_eq!(details["key_value"], json!({"email": "a@b.c"}));
    assert_eq!(details["index"], 1);
    assert_eq!(details["inserted_count"], 1);
    assert_eq!(details["inserted_ids"], json!([1]));
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn update_sends_operators_pipelines_and_array_filters() {
    let (command, result) = run(
        "mongo_update_documents",
        json!({"collection": "users", "filter": {"plan": "free"}, "update": {"$set": {"active": false}}, "many": true}),
        doc! {"n": 3, "nModified": 2, "ok": 1.0},
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {"update": "users", "updates": [
            {"q": {"plan": "free"}, "u": {"$set": {"active": false}}, "multi": true, "upsert": false}
        ]}
    );
    assert_eq!(result, json!({"matched_count": 3, "modified_count": 2}));
    let (command, result) = run(
        "mongo_update_documents",
        json!({"collection": "users", "filter": {"_id": 9}, "update": [{"$set": {"b": "$a"}}], "upsert": true}),
        doc! {"n": 1, "nModified": 0, "upserted": [{"index": 0, "_id": 9}], "ok": 1.0},
    )
    .await;
    assert_eq!(
        bare(command).get_array("updates").unwrap()[0]
            .as_document()
            .unwrap(),
        &doc! {"q": {"_id": 9}, "u": [{"$set": {"b": "$a"}}], "multi": false, "upsert": true}
    );
    assert_eq!(
        result,
        json!({"matched_count": 0, "modified_count": 0, "upserted_id": 9})
    );
    let (command, _) = run(
        "mongo_update_documents",
        json!({"collection": "users", "filter": {}, "update": {"$set": {"g.$[e]": 1}}, "array_filters": [{"e": {"$gt": 5}}]}),
        doc! {"n": 1, "nModified": 1, "ok": 1.0},
    )
    .await;
    assert_eq!(
        command.get_array("updates").unwrap()[0]
            .as_document()
            .unwrap()
            .get_array("arrayFilters")
            .unwrap(),
        &vec![doc! {"e": {"$gt": 5}}.into()]
    );
}

#[tokio::test]
async fn replace_and_delete_send_one_change() {
    let (command, result) = run(
        "mongo_replace_document",
        json!({"collection": "users", "filter": {"_id": 1}, "replacement": {"name": "x"}}),
        doc! {"n": 1, "nModified": 1, "ok": 1.0},
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {"update": "users", "updates": [{"q": {"_id": 1}, "u": {"name": "x"}, "multi": false, "upsert": false}]}
    );
    assert_eq!(result, json!({"matched_count": 1, "modified_count": 1}));
    for (many, limit) in [(false, 1), (true, 0)] {
        let (command, result) = run(
            "mongo_delete_documents",
            json!({"collection": "users", "filter": {"a": 1}, "many": many}),
            doc! {"n": 1, "ok": 1.0},
        )
        .await;
        assert_eq!(
            bare(command),
            doc! {"delete": "users", "deletes": [{"q": {"a": 1}, "limit": limit}]}
        );
        assert_eq!(result, json!({"deleted_count": 1}));
    }
}

#[tokio::test]
async fn metadata_is_listed_by_name_without_the_systems_own() {
    let (command, result) = run(
        "mongo_list_databases",
        json!({}),
        doc! {"databases": [
            {"name": "shop", "sizeOnDisk": 8192_i64, "empty": false}, {"name": "admin", "sizeOnDisk": 1_i64},
            {"name": "bank", "sizeOnDisk": 1.0},
        ], "ok": 1.0},
    )
    .await;
    assert_eq!(command.get_str("$db").unwrap(), "admin");
    assert_eq!(
        bare(command),
        doc! {"listDatabases": 1, "authorizedDatabases": true}
    );
    assert_eq!(
        result["items"],
        json!([{"name": "bank", "size_bytes": 1}, {"name": "shop", "size_bytes": 8192}])
    );
    let (command, result) = run(
        "mongo_list_collections",
        json!({"database": "shop"}),
        batch(vec![
            doc! {"name": "users", "type": "collection"},
            doc! {"name": "system.views", "type": "collection"},
            doc! {"name": "paid", "type": "view"},
        ]),
    )
    .await;
    let bare = bare(command);
    assert!(bare.get_bool("nameOnly").unwrap());
    assert!(bare.get_bool("authorizedCollections").unwrap());
    assert_eq!(
        result["items"],
        json!([{"name": "paid", "type": "view"}, {"name": "users", "type": "collection"}])
    );
}

#[tokio::test]
async fn schema_is_inferred_from_a_sample() {
    let (command, result) = run(
        "mongo_get_collection_schema",
        json!({"collection": "users", "sample_size": 2}),
        batch(vec![doc! {"_id": 1, "a": {"b": 5_i64}}, doc! {"_id": 2}]),
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {"aggregate": "users", "pipeline": [{"$sample": {"size": 2}}], "cursor": {"batchSize": 2}}
    );
    assert_eq!(result["sampled"], 2);
    assert_eq!(
        result["items"],
        json!([
            {"field": "_id", "types": {"int": 1.0}, "optional": false},
            {"field": "a", "types": {"object": 1.0}, "optional": true},
            {"field": "a.b", "types": {"long": 1.0}, "optional": false},
        ])
    );
}

#[tokio::test]
async fn indexes_are_listed_created_and_dropped() {
    let (command, result) = run(
        "mongo_list_indexes",
        json!({"collection": "users"}),
        batch(vec![
            doc! {"v": 2, "key": {"b": 1, "a": -1}, "name": "b_1_a_-1", "unique": true},
        ]),
    )
    .await;
    assert_eq!(bare(command).get_str("listIndexes").unwrap(), "users");
    assert_eq!(
        result["items"].to_string(),
        r#"[{"key":{"b":1,"a":-1},"name":"b_1_a_-1","unique":true}]"#
    );

    let (command, result) = run(
        "mongo_create_index",
        json!({"collection": "users", "keys": [{"field": "b"}, {"field": "a", "direction": -1}, {"field": "t", "type": "text"}],
               "unique": true, "sparse": true, "partial_filter": {"a": {"$gt": 5}}, "collation": {"locale": "de"}}),
        doc! {"numIndexesBefore": 1, "numIndexesAfter": 2, "ok": 1.0},
    )
    .await;
    assert_eq!(command.get("maxTimeMS"), None);
    assert_eq!(
        bare(command),
        doc! {"createIndexes": "users", "indexes": [{
            "key": {"b": 1, "a": -1, "t": "text"}, "name": "b_1_a_-1_t_text", "unique": true, "sparse": true,
            "partialFilterExpression": {"a": {"$gt": 5}}, "collation": {"locale": "de"},
        }]}
    );
    assert_eq!(result, json!({"name": "b_1_a_-1_t_text", "created": true}));

    let (command, result) = run(
        "mongo_drop_index",
        json!({"collection": "users", "name": "b_1_a_-1"}),
        doc! {"nIndexesWas": 2, "ok": 1.0},
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {"dropIndexes": "users", "index": "b_1_a_-1"}
    );
    assert_eq!(result, json!({"name": "b_1_a_-1", "dropped": true}));
}

#[tokio::test]
async fn drop_collection_is_done_also_when_it_is_gone_already() {
    let args = json!({"collection": "users", "confirm_name": "users"});
    let (command, result) = run(
        "mongo_drop_collection",
        args.clone(),
        doc! {"ns": "shop.users", "ok": 1.0},
    )
    .await;
    assert_eq!(bare(command), doc! {"drop": "users"});
    assert_eq!(result, json!({"collection": "users", "existed": true}));
    let gone =
        doc! {"ok": 0.0, "code": 26, "codeName": "NamespaceNotFound", "errmsg": "ns not found"};
    let (_, result) = run("mongo_drop_collection", args, gone).await;
    assert_eq!(result, json!({"collection": "users", "existed": false}));
}

#[tokio::test]
async fn explain_tells_stages_indexes_and_counts_and_no_host() {
    let (command, result) = run(
        "mongo_explain",
        json!({"collection": "users", "filter": {"a": 1}, "sort": {"a": 1}, "verbosity": "executionStats"}),
        doc! {
            "queryPlanner": {"namespace": "shop.users",
                "winningPlan": {"stage": "FETCH", "inputStage": {"stage": "IXSCAN", "indexName": "a_1"}, "filter": {"stage": "COLLSCAN", "host": "kept"}},
                "rejectedPlans": [{"stage": "COLLSCAN"}]},
            "executionStats": {"nReturned": 1, "totalKeysExamined": 2, "totalDocsExamined": 3, "executionTimeMillis": 4,
                "executionStages": {"stage": "FETCH"}},
            "command": {"find": "users"}, "serverInfo": {"host": "db-7.internal"}, "ok": 1.0,
        },
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {"explain": {"find": "users", "filter": {"a": 1}, "sort": {"a": 1}}, "verbosity": "executionStats"}
    );
    assert_eq!(result["stages"], json!(["FETCH", "IXSCAN"]));
    assert_eq!(result["indexes"], json!(["a_1"]));
    assert_eq!(result["collection_scan"], false);
    assert_eq!(
        result["execution"],
        json!({"returned": 1, "keys_examined": 2, "documents_examined": 3, "millis": 4})
    );
    assert!(!result.to_string().contains("internal"), "{result}");
    assert_eq!(
        result["plan"]["queryPlanner"]["winningPlan"]["filter"],
        json!({"stage": "COLLSCAN", "host": "kept"})
    );
    let (command, _) = run(
        "mongo_explain",
        json!({"collection": "users", "pipeline": [{"$match": {"a": 1}}]}),
        doc! {"queryPlanner": {"winningPlan": {"stage": "COLLSCAN"}}, "ok": 1.0},
    )
    .await;
    assert_eq!(
        bare(command),
        doc! {
            "explain": {"aggregate": "users", "pipeline": [{"$match": {"a": 1}}], "cursor": {}},
            "verbosity": "queryPlanner",
        }
    );
}

#[tokio::test]
async fn concerns_of_the_connection_string_go_with_the_commands() {
    let script = Script::start().await;
    let uri = format!(
        "mongodb://{}/shop?directConnection=true&w=majority&journal=true&readConcernLevel=majority",
        script.address
    );
    let world = World::at(&uri, json!({}));
    script.batch(vec![]).reply(doc! {"n": 1, "ok": 1.0});
    world.ok("mongo_find", json!({"collection": "a"})).await;
    world
        .ok(
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{}]}),
        )
        .await;
    let commands = script.commands();
    assert_eq!(
        commands[0].get_document("readConcern").unwrap(),
        &doc! {"level": "majority"}
    );
    assert_eq!(
        commands[1].get_document("writeConcern").unwrap(),
        &doc! {"w": "majority", "j": true}
    );
}

#[tokio::test]
async fn a_dry_run_shows_the_command_and_sends_nothing() {
    let script = Script::start().await;
    let world = World::with(&script, json!({"index_check": true}));
    let shown = world
        .ok(
            "mongo_update_documents",
            json!({"collection": "users", "filter": {"_id": {"$oid": "5d505646cf6d4fe581014ab2"}},
                   "update": {"$inc": {"n": {"$numberLong": "9223372036854775807"}}}, "dry_run": true}),
        )
        .await;
    let request = &shown["request"];
    assert_eq!(request["database"], "shop");
    assert_eq!(
        request["command"]["updates"],
        json!([{
            "q": {"_id": {"$oid": "5d505646cf6d4fe581014ab2"}},
            "u": {"$inc": {"n": {"$numberLong": "9223372036854775807"}}},
            "multi": false, "upsert": false,
        }])
    );
    assert_eq!(request["command"]["maxTimeMS"], 10_000);
    for (tool, args) in [
        (
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{"a": 1}]}),
        ),
        (
            "mongo_replace_document",
            json!({"collection": "a", "filter": {"_id": 1}, "replacement": {}}),
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"_id": 1}}),
        ),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "a"}]}),
        ),
        (
            "mongo_drop_index",
            json!({"collection": "a", "name": "a_1"}),
        ),
        (
            "mongo_drop_collection",
            json!({"collection": "a", "confirm_name": "a"}),
        ),
    ] {
        let mut args = args;
        args["dry_run"] = true.into();
        let shown = world.ok(tool, args).await;
        assert!(shown["request"]["command"].is_object(), "{tool}: {shown}");
    }
    assert_eq!(script.commands().len(), 0);
}
