//! Who is asked, who may, what is remembered, and what never shows.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use business_tools_core::{Answer, Cx, Kind, Origin, Plugin, Principal, ProviderSettings};
use business_tools_mongo::Mongo;
use serde_json::{Value, json};

use crate::fences::every_tool;
use crate::script::{Act, Script};
use crate::world::{World, cx_of};

async fn questions(tool: &str, args: Value) -> Vec<String> {
    let script = Script::start().await;
    let world = World::new(&script);
    script.reply(doc! {"n": 1, "nModified": 1, "ok": 1.0});
    let (cx, questions) = cx_of(Answer::Yes);
    world.reply(tool, args, cx).await.unwrap();
    let questions = questions.lock().unwrap();
    questions.clone()
}

#[tokio::test]
async fn a_person_is_asked_before_something_is_destroyed() {
    for (tool, args, words) in [
        (
            "mongo_delete_documents",
            json!({"database": "shop", "collection": "a", "filter": {"b": 1}, "many": true}),
            "all documents of `shop.a` that match {\"b\":1}",
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {}, "many": true, "allow_all": true}),
            "EVERY document of `a`",
        ),
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"_id": 1}}),
            "one document",
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {}, "update": {"$set": {"b": 1}}, "many": true}),
            "every document",
        ),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "t"}], "expire_after_seconds": 60}),
            "60 seconds after the date in `t`",
        ),
        (
            "mongo_drop_index",
            json!({"collection": "a", "name": "b_1"}),
            "Drop the index `b_1`",
        ),
        (
            "mongo_drop_collection",
            json!({"collection": "a", "confirm_name": "a"}),
            "Drop `a`",
        ),
    ] {
        let asked = questions(tool, args).await;
        assert_eq!(asked.len(), 1, "{tool}");
        assert!(asked[0].contains(words), "{tool}: {}", asked[0]);
    }
}

#[tokio::test]
async fn nobody_is_asked_about_an_everyday_change() {
    for (tool, args) in [
        (
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{}]}),
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {"b": 1}, "update": {"$set": {"b": 2}}, "many": true}),
        ),
        (
            "mongo_update_documents",
            json!({"collection": "a", "filter": {}, "update": {"$set": {"b": 2}}}),
        ),
        (
            "mongo_replace_document",
            json!({"collection": "a", "filter": {"_id": 1}, "replacement": {}}),
        ),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "t"}]}),
        ),
    ] {
        assert_eq!(questions(tool, args).await, Vec::<String>::new(), "{tool}");
    }
}

#[tokio::test]
async fn a_no_sends_nothing_and_a_token_stands_for_a_yes() {
    for (tool, args) in [
        (
            "mongo_delete_documents",
            json!({"collection": "a", "filter": {"b": 1}}),
        ),
        (
            "mongo_create_index",
            json!({"collection": "a", "keys": [{"field": "t"}], "expire_after_seconds": 60}),
        ),
    ] {
        let script = Script::start().await;
        let world = World::new(&script);
        let (cx, _) = cx_of(Answer::No);
        let error = world.reply(tool, args.clone(), cx).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ConfirmationDeclined);
        let error = world
            .reply(tool, args.clone(), Cx::local())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::ConfirmationRequired);
        assert_eq!(script.commands().len(), 0);

        script.reply(doc! {"n": 1, "ok": 1.0});
        let mut again = args;
        again["confirm_token"] = error.details()["confirm_token"].clone();
        world.reply(tool, again, Cx::local()).await.unwrap();
        assert_eq!(script.commands().len(), 1);
    }
}

#[tokio::test]
async fn who_may_only_read_writes_nothing() {
    let script = Script::start().await;
    let world = World::new(&script);
    let reader = Principal {
        scopes: Some(Arc::new(["mongo:read".to_owned()])),
        ..Principal::local()
    };
    let args = json!({"collection": "a", "documents": [{}]});
    let cx = Cx::builder(reader).build();
    let error = world
        .reply("mongo_insert_documents", args, cx)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::PermissionDenied);
    assert_eq!(script.commands().len(), 0);
}

#[tokio::test]
async fn counts_are_served_from_the_cache_until_a_write() {
    let script = Script::start().await;
    let world = World::new(&script);
    let count = json!({"collection": "a"});
    script.reply(doc! {"n": 1, "ok": 1.0});
    let first = world
        .reply("mongo_count", count.clone(), Cx::local())
        .await
        .unwrap();
    let again = world
        .reply("mongo_count", count.clone(), Cx::local())
        .await
        .unwrap();
    assert_eq!(
        (first.origin, again.origin),
        (Origin::Fresh, Origin::Cached)
    );
    assert_eq!(script.commands().len(), 1);
    script
        .reply(doc! {"n": 1, "ok": 1.0})
        .reply(doc! {"n": 2, "ok": 1.0});
    world
        .ok(
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{}]}),
        )
        .await;
    let after = world.ok("mongo_count", count).await;
    assert_eq!(after["count"], 2);
    // Documents themselves are never served from memory.
    script.batch(vec![]).batch(vec![]);
    for _ in 0..2 {
        world.ok("mongo_find", json!({"collection": "a"})).await;
    }
    assert_eq!(script.commands().len(), 5);
}

const CANARY: &str = "c4nary-p4ss";

#[tokio::test]
async fn wrong_credentials_are_told_every_time_and_never_shown() {
    let script = Script::start().await;
    let uri = format!(
        "mongodb://someone:{CANARY}@{}/shop?directConnection=true&serverSelectionTimeoutMS=1500&authSource=admin",
        script.address
    );
    let world = World::at(&uri, json!({}));
    let refused = doc! {"ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed."};
    for _ in 0..8 {
        script.reply(refused.clone());
    }
    for (tool, args) in [
        ("mongo_find", json!({"collection": "a"})),
        (
            "mongo_insert_documents",
            json!({"collection": "a", "documents": [{}]}),
        ),
        ("mongo_find", json!({"collection": "a"})),
    ] {
        let error = world.err(tool, args).await;
        assert_eq!(error.code(), "MONGO_AUTH_FAILED", "{error:?}");
        assert_eq!(error.details()["upstream_code"], 18);
        assert!(error.hint_text().unwrap().contains("MONGODB_URI"));
        assert!(!error.is_retryable());
    }
    let sent = script.commands();
    assert!(
        sent.iter().all(|command| command.contains_key("saslStart")),
        "{sent:?}"
    );
}

#[tokio::test]
async fn the_password_shows_nowhere() {
    let script = Script::start().await;
    // Everything that can be seen of calls that succeed, fail and are refused.
    let mut seen = String::new();
    let log = crate::log::capture();
    let uri = format!(
        "mongodb://someone:{CANARY}@{}/shop?serverSelectionTimeoutMS=500",
        script.address
    );
    let fields = json!({"uri": uri}).as_object().cloned().unwrap();
    let settings = ProviderSettings::single(fields);
    let world = World::at(&uri, json!({}));
    seen += &format!(
        "{:?}",
        Plugin::<Mongo>::connect(&settings, &world.env).err()
    );
    for broken in [
        format!("mongodb://someone:{CANARY}@"),
        format!("http://someone:{CANARY}@host"),
        format!("mongodb://someone:{CANARY}@host/?tlsInsecure=true"),
        format!("mongodb://someone:{CANARY}@host:x/"),
    ] {
        let fields = json!({ "uri": broken }).as_object().cloned().unwrap();
        let error = Plugin::<Mongo>::connect(&ProviderSettings::single(fields), &world.env)
            .err()
            .unwrap();
        assert_eq!(error.kind(), Kind::NotConfigured);
        seen += &format!(
            "{error:?} {error} {} {:?}",
            error.wire(&Cx::local()),
            error.cause()
        );
    }
    let refused = doc! {"ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed."};
    for (tool, args) in every_tool() {
        for act in [Act::Reply(refused.clone()), Act::Drop] {
            script.then(act);
            match world.call(tool, args.clone()).await {
                Ok(value) => seen += &value.to_string(),
                Err(error) => {
                    seen += &format!(
                        "{error:?} {error} {} {:?}",
                        error.wire(&Cx::local()),
                        error.cause()
                    );
                }
            }
        }
        let mut dry = args;
        if tool.contains("insert") || tool.contains("delete") {
            dry["dry_run"] = true.into();
            seen += &world.ok(tool, dry).await.to_string();
        }
    }
    let health = world.plugin.health(&Cx::local()).await;
    seen += &format!("{health:?}");
    for line in world.audit.0.lock().unwrap().iter() {
        seen += &line.to_string();
    }
    for family in world.env.metrics.registry().gather() {
        seen += &format!("{family:?}");
    }
    let logged = log.text();
    assert!(
        logged.contains("mongo_find"),
        "the log was not captured: {logged}"
    );
    seen += &logged;
    assert!(seen.len() > 10_000);
    assert!(!seen.contains("c4nary"), "the password shows");
}

#[tokio::test]
async fn connections_are_made_with_the_first_call_and_not_before() {
    let script = Script::start().await;
    let uri = format!("mongodb://{}/shop?directConnection=true", script.address);
    let world = World::at(&uri, json!({}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        world
            .env
            .metrics
            .connections
            .with_label_values(&["mongodb"])
            .get(),
        0
    );
}
