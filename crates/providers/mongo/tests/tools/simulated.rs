//! The tools against the simulated server, run by the sandbox: what they do is done, and faults are met.

use std::time::{Duration, Instant};

use business_tools_core::Cx;
use business_tools_mongo::{sandbox_config, simulator};
use business_tools_sandbox::{FaultKind, FaultRule, Running, Sandbox};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::world::World;

struct Simulated {
    world: World,
    sandbox: Running,
}

async fn simulated() -> Simulated {
    simulated_with(json!({})).await
}

async fn simulated_with(settings: Value) -> Simulated {
    let sandbox = Sandbox::new(vec![simulator()])
        .start(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let config = sandbox_config(&sandbox.base_url("mongo"));
    let uri = config["uri"].as_str().unwrap();
    let uri = format!("{uri}&serverSelectionTimeoutMS=1500");
    let world = World::timed(&uri, settings, Duration::from_millis(1500));
    Simulated { world, sandbox }
}

impl Simulated {
    async fn ok(&self, tool: &str, args: Value) -> Value {
        self.world.ok(tool, args).await
    }

    /// All documents of a collection, by `_id`.
    async fn all(&self, collection: &str) -> Value {
        let args = json!({"collection": collection, "sort": {"_id": 1}, "limit": 100});
        self.ok("mongo_find", args).await["items"].take()
    }

    fn fault(&self, rule: FaultRule) {
        self.sandbox.switchboard().inject(rule);
    }

    fn sent(&self, command: &str) -> usize {
        self.sandbox
            .switchboard()
            .requests(Some("mongo"))
            .iter()
            .filter(|request| request.method == command)
            .count()
    }
}

#[tokio::test]
async fn documents_are_inserted_found_updated_replaced_counted_and_deleted() {
    let it = simulated().await;
    let inserted = it
        .ok(
            "mongo_insert_documents",
            json!({"collection": "users", "documents": [
                {"_id": 1, "name": "Ada", "age": 36, "tags": ["a"]},
                {"_id": 2, "name": "Bo", "age": 40, "big": {"$numberLong": "9223372036854775807"}},
                {"_id": 3, "name": "Cy", "age": 50, "price": {"$numberDecimal": "12.50"}},
            ]}),
        )
        .await;
    assert_eq!(
        inserted,
        json!({"inserted_count": 3, "inserted_ids": [1, 2, 3]})
    );
    let found = it
        .ok(
            "mongo_find",
            json!({"collection": "users", "filter": {"age": {"$gt": 36}}, "projection": {"name": 0}, "sort": {"age": -1}}),
        )
        .await;
    assert_eq!(
        found["items"],
        json!([
            {"_id": 3, "age": 50, "price": {"$numberDecimal": "12.50"}},
            {"_id": 2, "age": 40, "big": {"$numberLong": "9223372036854775807"}},
        ])
    );
    let exact =
        json!({"collection": "users", "filter": {"big": {"$numberLong": "9223372036854775807"}}});
    assert_eq!(it.ok("mongo_find", exact).await["items"][0]["_id"], 2);

    let count = json!({"collection": "users", "filter": {"age": {"$gte": 40}}});
    assert_eq!(it.ok("mongo_count", count.clone()).await["count"], 2);
    let updated = it
        .ok(
            "mongo_update_documents",
            json!({"collection": "users", "filter": {"age": {"$gte": 40}}, "update": {"$inc": {"age": -20}}, "many": true}),
        )
        .await;
    assert_eq!(updated, json!({"matched_count": 2, "modified_count": 2}));
    // The count was cached, and the update made it stale.
    assert_eq!(it.ok("mongo_count", count).await["count"], 0);
    let upserted = it
        .ok(
            "mongo_update_documents",
            json!({"collection": "users", "filter": {"_id": 9}, "update": {"$set": {"name": "Di"}}, "upsert": true}),
        )
        .await;
    assert_eq!(
        upserted,
        json!({"matched_count": 0, "modified_count": 0, "upserted_id": 9})
    );
    it.ok(
        "mongo_replace_document",
        json!({"collection": "users", "filter": {"_id": 1}, "replacement": {"name": "Eve"}}),
    )
    .await;
    let deleted = it
        .ok(
            "mongo_delete_documents",
            json!({"collection": "users", "filter": {"age": 30}}),
        )
        .await;
    assert_eq!(deleted, json!({"deleted_count": 1}));
    assert_eq!(
        it.all("users").await,
        json!([
            {"_id": 1, "name": "Eve"},
            {"_id": 2, "name": "Bo", "age": 20, "big": {"$numberLong": "9223372036854775807"}},
            {"_id": 9, "name": "Di"},
        ])
    );
    let gone = it
        .ok(
            "mongo_delete_documents",
            json!({"collection": "users", "filter": {}, "many": true, "allow_all": true}),
        )
        .await;
    assert_eq!(gone, json!({"deleted_count": 3}));
    assert_eq!(it.all("users").await, json!([]));
}

#[tokio::test]
async fn the_shop_is_there_to_look_at() {
    let it = simulated().await;
    let databases = it.ok("mongo_list_databases", json!({})).await;
    assert_eq!(databases["items"][0]["name"], "shop");
    let collections = it.ok("mongo_list_collections", json!({})).await;
    assert_eq!(
        collections["items"],
        json!([{"name": "customers", "type": "collection"}, {"name": "orders", "type": "collection"}])
    );
    let schema = it
        .ok(
            "mongo_get_collection_schema",
            json!({"collection": "orders"}),
        )
        .await;
    assert_eq!(schema["sampled"], 5);
    let fields: Vec<_> = schema["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["field"].as_str().unwrap())
        .collect();
    assert!(fields.contains(&"lines[].sku"), "{fields:?}");
    let totals = it
        .ok(
            "mongo_aggregate",
            json!({"collection": "orders", "pipeline": [
                {"$match": {"status": "paid"}},
                {"$group": {"_id": "$status", "n": {"$sum": 1}, "total": {"$sum": "$total"}}},
            ]}),
        )
        .await;
    assert_eq!(
        totals["items"],
        json!([{"_id": "paid", "n": 3, "total": {"$numberDecimal": "269.75"}}])
    );
    let values = it
        .ok(
            "mongo_distinct",
            json!({"collection": "orders", "field": "status"}),
        )
        .await;
    assert_eq!(values["items"].as_array().unwrap().len(), 3);
    let estimate = it.ok("mongo_count", json!({"collection": "orders"})).await;
    assert_eq!(estimate, json!({"count": 5, "estimated": true}));
    let plan = it
        .ok(
            "mongo_explain",
            json!({"collection": "customers", "filter": {"email": "ada@example.com"}}),
        )
        .await;
    assert_eq!(plan["indexes"], json!(["email_1"]), "{plan}");
    let plan = it
        .ok(
            "mongo_explain",
            json!({"collection": "customers", "filter": {"plan": "pro"}}),
        )
        .await;
    assert_eq!(plan["collection_scan"], true, "{plan}");
}

#[tokio::test]
async fn indexes_are_made_enforced_listed_and_dropped_and_so_are_collections() {
    let it = simulated().await;
    let args = json!({"collection": "users", "keys": [{"field": "email"}], "unique": true});
    let made = it.ok("mongo_create_index", args.clone()).await;
    assert_eq!(made, json!({"name": "email_1", "created": true}));
    assert_eq!(it.ok("mongo_create_index", args).await["created"], false);
    let insert = json!({"collection": "users", "documents": [{"email": "a@b.c"}]});
    it.ok("mongo_insert_documents", insert.clone()).await;
    let error = it.world.err("mongo_insert_documents", insert).await;
    assert_eq!(error.code(), "MONGO_CONFLICT");
    assert_eq!(error.details()["key_value"], json!({"email": "a@b.c"}));

    let names = |list: Value| {
        let items = list["items"].as_array().cloned().unwrap();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let list = json!({"collection": "users"});
    assert_eq!(
        names(it.ok("mongo_list_indexes", list.clone()).await),
        ["_id_", "email_1"]
    );
    it.ok(
        "mongo_drop_index",
        json!({"collection": "users", "name": "email_1"}),
    )
    .await;
    assert_eq!(
        names(it.ok("mongo_list_indexes", list.clone()).await),
        ["_id_"]
    );
    let error = it
        .world
        .err(
            "mongo_drop_index",
            json!({"collection": "users", "name": "nope"}),
        )
        .await;
    assert_eq!(error.code(), "MONGO_NOT_FOUND");

    let drop = json!({"collection": "users", "confirm_name": "users"});
    let dropped = it.ok("mongo_drop_collection", drop.clone()).await;
    assert_eq!(dropped["existed"], true);
    assert_eq!(
        it.world.err("mongo_list_indexes", list).await.code(),
        "MONGO_NOT_FOUND"
    );
    assert_eq!(
        names(it.ok("mongo_list_collections", json!({})).await),
        ["customers", "orders"]
    );
    it.ok("mongo_drop_collection", drop).await;
}

#[tokio::test]
async fn the_index_check_asks_the_server() {
    let it = simulated_with(json!({"index_check": true})).await;
    it.ok(
        "mongo_find",
        json!({"collection": "customers", "filter": {"email": "ada@example.com"}}),
    )
    .await;
    let error = it
        .world
        .err(
            "mongo_find",
            json!({"collection": "customers", "filter": {"plan": "pro"}}),
        )
        .await;
    assert_eq!(error.code(), "MONGO_INVALID_REQUEST");
}

#[tokio::test]
async fn an_insert_is_done_at_most_once_whatever_breaks() {
    let insert = json!({"collection": "users", "documents": [{"_id": 1}]});
    for (kind, done) in [
        (FaultKind::Reset, false),
        (FaultKind::ResetAfterWrite, true),
        (FaultKind::Truncate, true),
        (FaultKind::Garbage, false),
        (FaultKind::Html, false),
        (FaultKind::Hang, false),
    ] {
        let it = simulated().await;
        it.fault(FaultRule::new("mongo", kind).times(1).method("insert"));
        let started = Instant::now();
        let error = it.world.err("mongo_insert_documents", insert.clone()).await;
        assert_eq!(error.code(), "MONGO_OUTCOME_UNKNOWN", "{kind}: {error:?}");
        assert_eq!(error.details()["inserted_ids"], json!([1]), "{kind}");
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{kind}: {:?}",
            started.elapsed()
        );
        assert_eq!(it.sent("insert"), 1, "{kind}");
        let there = it.all("users").await.as_array().unwrap().len();
        assert_eq!(there, usize::from(done), "{kind}");
    }
}

#[tokio::test]
async fn a_huge_answer_does_not_harm() {
    let it = simulated().await;
    it.fault(
        FaultRule::new("mongo", FaultKind::Huge)
            .times(1)
            .method("find"),
    );
    // Padding beside the documents is read and let go.
    it.ok("mongo_find", json!({"collection": "orders"})).await;
}

#[tokio::test]
async fn reset_brings_the_shop_back() {
    let it = simulated().await;
    it.ok(
        "mongo_drop_collection",
        json!({"collection": "orders", "confirm_name": "orders"}),
    )
    .await;
    it.sandbox.reset().await;
    assert_eq!(it.all("orders").await.as_array().unwrap().len(), 5);
}

fn with_user(it: &Simulated, user: &str) -> String {
    let address = it.sandbox.base_url("mongo");
    let address = address.trim_start_matches("mongodb://");
    format!("mongodb://{user}@{address}/shop?directConnection=true&serverSelectionTimeoutMS=1500")
}

#[tokio::test]
async fn a_password_is_checked() {
    let it = simulated().await;
    let good = World::at(&with_user(&it, "me:sandbox"), json!({}));
    good.ok("mongo_find", json!({"collection": "orders"})).await;
    let health = good.plugin.health(&Cx::local()).await;
    assert!(health.ok, "{:?}", health.error);

    let bad = World::at(&with_user(&it, "me:wrong"), json!({}));
    // All at once: what one call finds out about the pool must not turn the others' error into another.
    let calls = (0..8).map(|_| bad.err("mongo_find", json!({"collection": "orders"})));
    for error in futures_util::future::join_all(calls).await {
        assert_eq!(error.code(), "MONGO_AUTH_FAILED", "{error:?}");
    }
    let health = bad.plugin.health(&Cx::local()).await;
    assert_eq!(health.error.unwrap().code(), "MONGO_AUTH_FAILED");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let it = simulated().await;
    let silent = format!("{}&tls=true", with_user(&it, "me:sandbox"));
    // And one that answers, though not with TLS.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let talking = format!("mongodb://{address}/shop?tls=true&serverSelectionTimeoutMS=1500");
    for uri in [silent, talking] {
        let world = World::at(&uri, json!({}));
        let error = world
            .err("mongo_find", json!({"collection": "orders"}))
            .await;
        assert_eq!(error.code(), "MONGO_UNAVAILABLE", "{error:?}");
        assert!(error.hint_text().unwrap().contains("tls"), "{error:?}");
    }
    assert_eq!(it.sent("find"), 0);
}

#[tokio::test]
async fn many_calls_at_once_share_a_pool() {
    let it = simulated().await;
    let calls = (0..200).map(|i| {
        let args = json!({"collection": "numbers", "documents": [{"_id": i}]});
        it.ok("mongo_insert_documents", args)
    });
    futures_util::future::join_all(calls).await;
    let counted = it.ok("mongo_count", json!({"collection": "numbers"})).await;
    assert_eq!(counted["count"], 200);
    let gauge = it
        .world
        .env
        .metrics
        .connections
        .with_label_values(&["mongodb"])
        .get();
    assert!((1..=16).contains(&gauge), "{gauge}");
}

#[tokio::test]
async fn results_are_bounded_and_the_rest_comes_with_the_cursor() {
    let it = simulated().await;
    let documents: Vec<_> = (0..60)
        .map(|i| json!({"_id": i, "text": "x".repeat(3000)}))
        .collect();
    it.ok(
        "mongo_insert_documents",
        json!({"collection": "big", "documents": documents}),
    )
    .await;
    let mut args = json!({"collection": "big", "sort": {"_id": 1}, "limit": 50});
    let mut ids = Vec::new();
    loop {
        let page = it.ok("mongo_find", args.clone()).await;
        assert!(page.to_string().len() <= 64 << 10);
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["_id"].as_i64().unwrap()),
        );
        match page.get("next_cursor") {
            Some(cursor) => args["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(ids, (0..60).collect::<Vec<_>>());
}
