//! What is refused before anything is sent.

use serde_json::{Value, json};

use crate::script::Script;
use crate::world::World;

/// Refused at `at`, for a reason that holds `word`, with nothing sent.
async fn refused(tool: &str, args: Value, at: &str, word: &str) {
    refused_with(json!({}), tool, args, at, word).await;
}

async fn refused_with(fields: Value, tool: &str, args: Value, place: &str, reason: &str) {
    let script = Script::start().await;
    let world = World::with(&script, fields);
    let faults = world.faults(tool, args.clone()).await;
    let fault = faults
        .iter()
        .find(|(at, _)| at == place)
        .unwrap_or_else(|| panic!("{tool} {args}: no fault at {place} in {faults:?}"));
    assert!(fault.1.contains(reason), "{tool} {args}: {fault:?}");
    assert_eq!(script.commands().len(), 0);
}

#[tokio::test]
async fn javascript_is_refused_wherever_it_stands() {
    let function = json!({"$function": {"body": "function() {}", "args": [], "lang": "js"}});
    let accumulator = json!({"$accumulator": {"init": "function() {}"}});
    for (tool, args, at) in [
        (
            "mongo_find",
            json!({"collection": "a", "filter": {"$where": "true"}}),
            "/filter/$where",
        ),
        (
            "mongo_find",
            json!({"collection": "a", "filter": {"$or": [{"x": 1}, {"$and": [{"$where": "true"}]}]}}),
            "/filter/$or/1/$and/0/$where",
        ),
        (
            "mongo_find",
            json!({"collection": "a", "filter": {"$expr": {"$eq": [function, 1]}}}),
            "/filter/$expr/$eq/0/$function",
        ),
        (
            "mongo_find",
            json!({"collection": "a", "filter": {"x": {"$code": "function() {}"}}}),
            "/filter/x/$code",
        ),
        (
            "mongo_find",
            json!({"collection": "a", "projection": {"x": function}}),
            "/projection/x/$function",
        ),
        (
            "mongo_find",
            json!({"collection": "a", "sort": {"x": function}}),
            "/sort/x/$function",
        ),
        (
            "mongo_aggregate",
            json!({"collection": "a", "pipeline": [{"$group": {"_id": 1, "x": accumulator}}]}),
            "/pipeline/0/$group/x/$accumulator",
        ),
        (
            "mongo_aggregate",
            json!({"collection": "a", "pipeline": [{"$lookup": {"from": "b", "as": "c", "pipeline":
                [{"$facet": {"d": [{"$unionWith": {"coll": "e", "pipeline": [{"$match": {"$where": "1"}}]}}]}}]}}]}),
            "/pipeline/0/$lookup/pipeline/0/$facet/d/0/$unionWith/pipeline/0/$match/$where",
        ),
        (
            "mongo_aggregate",
            json!({"collection": "a", "pipeline": [{"$graphLookup": {"from": "b", "restrictSearchWithMatch": {"$where": "1"}}}]}),
            "/pipeline/0/$graphLookup/restrictSearchWithMatch/$where",
        ),
        (
            "mongo_count",
            json!({"collection": "a", "filter": {"$where": "1"}}),
            "/filter/$where",
        ),
        (
            "mongo_distinct",
            json!({"collection": "a", "field": "b", "filter": {"$where": "1"}}),
            "/filter/$where",
        ),
        (
            "mongo_explain",
            json!({"collection": "a", "filter": {"$where": "1"}}),
            "/filter/$where",
        ),
        (
            "mongo_explain",
            json!({"collection": "a", "pipeline": [{"$match": {"$where": "1"}}]}),
            "/pipeline/0/$match/$where",
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {"$where": "1"}, "update": {"$set": {"a": 1}}}),
            "/filter/$where",
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {}, "update": [{"$set": {"a": function}}]}),
            "/update/0/$set/a/$function",
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {}, "update": {"$set": {"a": 1}}, "array_filters": [{"x": {"$where": "1"}}]}),
            "/array_filters/0/x/$where",
        ),
        (
            "mongo_replace_document",
            json!({"collection": "a", "filter": {"$where": "1"}, "replacement": {}}),
            "/filter/$where",
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"$where": "1"}}),
            "/filter/$where",
        ),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "a"}], "partial_filter": {"$expr": function}}),
            "/partial_filter/$expr/$function",
        ),
    ] {
        refused(tool, args, at, "JavaScript").await;
    }
}

#[tokio::test]
async fn aggregate_never_writes_at_any_level() {
    for (pipeline, at) in [
        (json!([{"$match": {}}, {"$out": "b"}]), "/pipeline/1/$out"),
        (
            json!([{"$out": {"db": "x", "coll": "b"}}]),
            "/pipeline/0/$out",
        ),
        (json!([{"$merge": "b"}]), "/pipeline/0/$merge"),
        (
            json!([{"$merge": {"into": {"db": "x", "coll": "b"}, "whenMatched": "merge"}}]),
            "/pipeline/0/$merge",
        ),
        (
            json!([{"$unionWith": {"coll": "c", "pipeline": [{"$out": "b"}]}}]),
            "/pipeline/0/$unionWith/pipeline/0/$out",
        ),
    ] {
        for tool in ["mongo_aggregate", "mongo_explain"] {
            let args = json!({"collection": "a", "pipeline": pipeline});
            refused(tool, args, at, "writes").await;
        }
    }
}

#[tokio::test]
async fn stages_about_the_server_are_refused() {
    for stage in [
        "$currentOp",
        "$listSessions",
        "$listLocalSessions",
        "$shardedDataDistribution",
        "$planCacheStats",
        "$changeStream",
        "$_internalInhibitOptimization",
    ] {
        let args = json!({"collection": "a", "pipeline": [{stage: {}}]});
        refused(
            "mongo_aggregate",
            args,
            &format!("/pipeline/0/{stage}"),
            "server itself",
        )
        .await;
    }
}

#[tokio::test]
async fn other_collections_are_fenced_like_the_first() {
    let settings = json!({"collections": ["shop.orders", "shop.users"]});
    for (pipeline, at) in [
        (
            json!([{"$lookup": {"from": "secrets", "as": "s"}}]),
            "/pipeline/0/$lookup",
        ),
        (
            json!([{"$graphLookup": {"from": "secrets"}}]),
            "/pipeline/0/$graphLookup",
        ),
        (json!([{"$unionWith": "secrets"}]), "/pipeline/0/$unionWith"),
        (
            json!([{"$unionWith": {"coll": "secrets"}}]),
            "/pipeline/0/$unionWith",
        ),
        (
            json!([{"$facet": {"x": [{"$lookup": {"from": "users", "pipeline": [{"$unionWith": "secrets"}]}}]}}]),
            "/pipeline/0/$facet/x/0/$lookup/pipeline/0/$unionWith",
        ),
    ] {
        for tool in ["mongo_aggregate", "mongo_explain"] {
            let args = json!({"collection": "orders", "pipeline": pipeline});
            refused_with(settings.clone(), tool, args, at, "operator opened").await;
        }
    }
    for (pipeline, at) in [
        (
            json!([{"$lookup": {"from": {"db": "bank", "coll": "x"}}}]),
            "/pipeline/0/$lookup",
        ),
        (
            json!([{"$unionWith": {"db": "bank", "coll": "x"}}]),
            "/pipeline/0/$unionWith",
        ),
    ] {
        let args = json!({"collection": "orders", "pipeline": pipeline});
        refused("mongo_aggregate", args, at, "another database").await;
    }
    let args = json!({"collection": "orders", "pipeline": [{"$lookup": {"from": "system.users"}}]});
    refused(
        "mongo_aggregate",
        args,
        "/pipeline/0/$lookup",
        "server's own",
    )
    .await;
}

#[tokio::test]
async fn an_open_collection_may_be_joined() {
    let script = Script::start().await;
    let world = World::with(
        &script,
        json!({"databases": ["shop"], "collections": ["shop.*"]}),
    );
    script.batch(vec![]);
    let pipeline = json!([{"$lookup": {"from": "users", "localField": "u", "foreignField": "_id", "as": "u"}}]);
    world
        .ok(
            "mongo_aggregate",
            json!({"collection": "orders", "pipeline": pipeline}),
        )
        .await;
}

#[tokio::test]
async fn allow_lists_hold_for_every_tool() {
    let settings = json!({"databases": ["shop"], "collections": ["shop.orders"]});
    for (tool, mut args) in every_tool() {
        if tool == "mongo_list_databases" {
            continue;
        }
        args["database"] = "bank".into();
        refused_with(
            settings.clone(),
            tool,
            args.clone(),
            "/database",
            "operator opened",
        )
        .await;
        if tool == "mongo_list_collections" {
            continue;
        }
        args["database"] = "shop".into();
        refused_with(
            settings.clone(),
            tool,
            args,
            "/collection",
            "operator opened",
        )
        .await;
    }
}

#[tokio::test]
async fn the_systems_own_databases_and_collections_are_closed() {
    for database in ["admin", "config", "local"] {
        for (tool, mut args) in every_tool() {
            if tool == "mongo_list_databases" {
                continue;
            }
            args["database"] = database.into();
            refused(tool, args, "/database", "server's own").await;
        }
    }
    for (tool, mut args) in every_tool() {
        if matches!(tool, "mongo_list_databases" | "mongo_list_collections") {
            continue;
        }
        args["collection"] = "system.users".into();
        if tool == "mongo_drop_collection" {
            args["confirm_name"] = "system.users".into();
        }
        refused(tool, args, "/collection", "server's own").await;
    }
}

#[tokio::test]
async fn what_the_operator_opened_of_the_system_is_read_and_never_written() {
    let script = Script::start().await;
    let world = World::with(&script, json!({"allow_system": true}));
    script.batch(vec![]);
    world
        .ok(
            "mongo_find",
            json!({"database": "local", "collection": "oplog.rs"}),
        )
        .await;
    let args = json!({"database": "admin", "collection": "system.users", "documents": [{}]});
    let faults = world.faults("mongo_insert_documents", args).await;
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[tokio::test]
async fn names_that_no_server_takes_are_told_all_at_once() {
    for (database, collection) in [
        ("", "a"),
        ("a b", "a"),
        ("a.b", "a"),
        ("a$b", "a"),
        ("a/b", "a"),
        ("a\0b", "a"),
        (&*"x".repeat(64), "a"),
        ("a", "b$c"),
        ("a", "b\0c"),
        ("a", ".b"),
        ("a", &*"x".repeat(255)),
    ] {
        let script = Script::start().await;
        let world = World::new(&script);
        let args = json!({"database": database, "collection": collection});
        let faults = world.faults("mongo_find", args).await;
        assert_eq!(faults.len(), 1, "{database:?} {collection:?}: {faults:?}");
        assert_eq!(script.commands().len(), 0);
    }
    let script = Script::start().await;
    let world = World::new(&script);
    let args = json!({"database": "a b", "collection": "c$", "limit": 5000, "filter": {"a": {"$oid": "x"}}});
    let faults = world.faults("mongo_find", args).await;
    let places: Vec<_> = faults.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["/database", "/collection", "/limit", "/filter/a"]);
}

#[tokio::test]
async fn a_missing_database_is_told_when_the_connection_string_names_none() {
    let script = Script::start().await;
    let uri = format!("mongodb://{}/?directConnection=true", script.address);
    let world = World::at(&uri, json!({}));
    let faults = world.faults("mongo_find", json!({"collection": "a"})).await;
    assert_eq!(faults[0].0, "/database");
}

#[tokio::test]
async fn stored_documents_hold_no_operators_and_no_broken_names() {
    let documents = json!([{"a": 1}, {"$set": {"a": 1}}, {"a\0b": 1}]);
    let args = json!({"collection": "a", "documents": documents});
    let script = Script::start().await;
    let world = World::new(&script);
    let faults = world.faults("mongo_insert_documents", args).await;
    assert_eq!(faults[0].0, "/documents/1/$set");
    assert_eq!(faults[1].0, "/documents/2/a\0b");
    let args = json!({"collection": "a", "filter": {"_id": 1}, "replacement": {"$set": {"a": 1}}});
    refused(
        "mongo_replace_document",
        args,
        "/replacement/$set",
        "begin with $",
    )
    .await;
}

#[tokio::test]
async fn updates_are_operators_only_and_filters_are_not_forgotten() {
    let args = json!({"collection": "a", "filter": {}, "update": {"a": 1}});
    refused("mongo_update_documents", args, "/update", "operators only").await;
    let args = json!({"collection": "a", "filter": {}, "update": {"$set": {"a": 1}, "b": 1}});
    refused("mongo_update_documents", args, "/update", "operators only").await;
    for update in [json!({}), json!([])] {
        let args = json!({"collection": "a", "filter": {}, "update": update});
        refused("mongo_update_documents", args, "/update", "empty").await;
    }
    let args = json!({"collection": "a", "filter": {}, "many": true});
    refused("mongo_delete_documents", args, "/filter", "allow_all").await;
    let args = json!({"collection": "a", "filter": {}, "replacement": {}});
    refused("mongo_replace_document", args, "/filter", "empty").await;
    let args = json!({"collection": "a", "confirm_name": "b"});
    refused("mongo_drop_collection", args, "/confirm_name", "same").await;
    for name in ["*", "_id_"] {
        let args = json!({"collection": "a", "name": name});
        refused("mongo_drop_index", args, "/name", "").await;
    }
    let args = json!({"collection": "a", "field": "$a"});
    refused("mongo_distinct", args, "/field", "$").await;
    let args = json!({"collection": "a", "sort": {"a": "up"}});
    refused("mongo_find", args, "/sort/a", "1, -1").await;
    let args = json!({"collection": "a", "pipeline": [{"$match": {}, "$limit": 1}, {"a": 1}]});
    refused("mongo_aggregate", args.clone(), "/pipeline/0", "one stage").await;
    refused("mongo_aggregate", args, "/pipeline/1", "one stage").await;
}

#[tokio::test]
async fn long_patterns_need_an_anchor() {
    let long = "x".repeat(513);
    for (filter, at) in [
        (json!({"a": {"$regex": long}}), "/filter/a/$regex"),
        (
            json!({"a": {"$regularExpression": {"pattern": long, "options": ""}}}),
            "/filter/a/$regularExpression",
        ),
        (
            json!({"$expr": {"$regexMatch": {"input": "$a", "regex": long}}}),
            "/filter/$expr/$regexMatch/regex",
        ),
    ] {
        refused(
            "mongo_find",
            json!({"collection": "a", "filter": filter}),
            at,
            "pattern",
        )
        .await;
    }
    let script = Script::start().await;
    let world = World::new(&script);
    script.batch(vec![]).batch(vec![]);
    for filter in [
        json!({"a": {"$regex": format!("^{long}")}}),
        json!({"regex": long}),
    ] {
        world
            .ok("mongo_find", json!({"collection": "a", "filter": filter}))
            .await;
    }
}

#[tokio::test]
async fn hostile_nesting_is_refused_with_a_place_and_a_limit() {
    let mut filter = json!({"$where": "1"});
    for _ in 0..110 {
        filter = json!({"$and": [filter]});
    }
    let script = Script::start().await;
    let world = World::new(&script);
    let faults = world
        .faults("mongo_find", json!({"collection": "a", "filter": filter}))
        .await;
    assert!(faults[0].1.contains("100 levels"), "{faults:?}");
    assert!(faults[0].0.len() < 300);
}

#[tokio::test]
async fn a_query_without_an_index_is_refused_where_the_operator_wants_that() {
    use bson::doc;
    let script = Script::start().await;
    let world = World::with(&script, json!({"index_check": true}));
    let plan = |stage: &str| doc! {"queryPlanner": {"winningPlan": {"stage": stage}}, "ok": 1.0};
    for (tool, args) in [
        ("mongo_find", json!({"collection": "a", "filter": {"b": 1}})),
        (
            "mongo_aggregate",
            json!({"collection": "a", "pipeline": []}),
        ),
        (
            "mongo_count",
            json!({"collection": "a", "filter": {"b": 1}}),
        ),
        ("mongo_distinct", json!({"collection": "a", "field": "b"})),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {"b": 1}, "update": {"$set": {"c": 1}}}),
        ),
        (
            "mongo_replace_document",
            json!({"collection": "a", "filter": {"b": 1}, "replacement": {}}),
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"b": 1}}),
        ),
    ] {
        let before = script.commands().len();
        script.reply(plan("COLLSCAN"));
        let error = world.err(tool, args).await;
        assert_eq!(error.code(), "MONGO_INVALID_REQUEST", "{tool}");
        assert!(error.hint_text().unwrap().contains("index"), "{tool}");
        assert_eq!(
            script.commands().len(),
            before + 1,
            "{tool} sent more than the question"
        );
    }
    // An index, or no answer to the question, lets the query through.
    script.reply(plan("IXSCAN")).batch(vec![]);
    world
        .ok("mongo_find", json!({"collection": "a", "filter": {"b": 1}}))
        .await;
    script
        .reply(doc! {"ok": 0.0, "code": 59, "codeName": "CommandNotFound"})
        .batch(vec![]);
    world
        .ok("mongo_find", json!({"collection": "a", "filter": {"b": 1}}))
        .await;
}

/// A good call of every tool.
pub fn every_tool() -> Vec<(&'static str, Value)> {
    vec![
        ("mongo_find", json!({"collection": "a"})),
        (
            "mongo_aggregate",
            json!({"collection": "a", "pipeline": []}),
        ),
        ("mongo_count", json!({"collection": "a"})),
        ("mongo_distinct", json!({"collection": "a", "field": "b"})),
        (
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{"_id": 1}]}),
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {"_id": 1}, "update": {"$inc": {"b": 1}}}),
        ),
        (
            "mongo_replace_document",
            json!({"collection": "a", "filter": {"_id": 1}, "replacement": {"b": 1}}),
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"_id": 1}}),
        ),
        ("mongo_list_databases", json!({})),
        ("mongo_list_collections", json!({})),
        ("mongo_get_collection_schema", json!({"collection": "a"})),
        ("mongo_list_indexes", json!({"collection": "a"})),
        ("mongo_explain", json!({"collection": "a"})),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "b"}]}),
        ),
        (
            "mongo_drop_index",
            json!({"collection": "a", "name": "b_1"}),
        ),
        (
            "mongo_drop_collection",
            json!({"collection": "a", "confirm_name": "a"}),
        ),
    ]
}

#[tokio::test]
async fn every_tool_is_in_the_list_of_this_test() {
    let script = Script::start().await;
    let world = World::new(&script);
    let listed: Vec<_> = world
        .plugin
        .tools()
        .iter()
        .map(|tool| tool.spec.name)
        .collect();
    let tested: Vec<_> = every_tool().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, tested);
}
