//! What the front adds to the engine, seen by the official driver.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt;
use mongodb::error::ErrorKind;
use mongodb::{Client, Collection};

use super::Front;
use crate::engine;

/// An empty collection in a database of its own.
async fn collection(front: &Front, name: &str) -> Collection<Document> {
    let client = Client::with_uri_str(front.uri()).await.unwrap();
    let database = client.database(&format!("front_{name}"));
    database.drop().await.unwrap();
    database.collection("things")
}

#[tokio::test]
async fn a_cursor_of_many_pages_gives_every_document_once() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "pages").await;
    things
        .insert_many((0..500).map(|n| doc! { "_id": n }))
        .await
        .unwrap();
    let found: Vec<Document> = things
        .find(doc! {})
        .sort(doc! { "_id": -1 })
        .batch_size(60)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<i32> = found
        .iter()
        .map(|thing| thing.get_i32("_id").unwrap())
        .collect();
    assert_eq!(ids, (0..500).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn two_cursors_in_turn_do_not_disturb_each_other() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "cursors").await;
    things
        .insert_many((0..50).map(|n| doc! { "_id": n }))
        .await
        .unwrap();
    let open = || async {
        let stages = [doc! { "$sort": { "_id": 1 } }];
        things.aggregate(stages).batch_size(7).await.unwrap()
    };
    let (mut one, mut two) = (open().await, open().await);
    for n in 0..50 {
        assert_eq!(one.try_next().await.unwrap(), Some(doc! { "_id": n }));
        assert_eq!(two.try_next().await.unwrap(), Some(doc! { "_id": n }));
    }
    assert_eq!(one.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_second_equal_key_is_refused_with_mongodbs_code() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "keys").await;
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    let fault = things.insert_one(doc! { "_id": 1 }).await.unwrap_err();
    assert!(fault.to_string().contains("11000"), "{fault}");
}

#[tokio::test]
async fn a_rolled_back_transaction_changes_nothing_and_a_committed_one_does() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "transactions").await;
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    let mut session = things.client().start_session().await.unwrap();

    session.start_transaction().await.unwrap();
    things
        .delete_one(doc! { "_id": 1 })
        .session(&mut session)
        .await
        .unwrap();
    session.abort_transaction().await.unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1);

    session.start_transaction().await.unwrap();
    things
        .delete_one(doc! { "_id": 1 })
        .session(&mut session)
        .await
        .unwrap();
    session.commit_transaction().await.unwrap();
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn an_unknown_operator_and_an_unknown_command_have_mongodbs_codes() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "codes").await;
    things.insert_one(doc! { "a": 1 }).await.unwrap();
    let code = |fault: mongodb::error::Error| match *fault.kind {
        ErrorKind::Command(said) => said.code,
        other => panic!("{other:?}"),
    };
    let operator = things
        .find(doc! { "a": { "$near_enough": 1 } })
        .await
        .unwrap_err();
    assert_eq!(code(operator), 2);
    let database = things.client().database("front_codes");
    let command = database
        .run_command(doc! { "frobnicate": 1 })
        .await
        .unwrap_err();
    assert_eq!(code(command), 59);
}

#[tokio::test]
async fn a_command_over_its_time_is_stopped_and_the_next_one_is_not() {
    let Some(front) = engine().await else { return };
    let things = collection(&front, "time").await;
    things
        .insert_many((0..3000).map(|n| doc! { "_id": n, "n": n }))
        .await
        .unwrap();
    let product = [
        doc! { "$lookup": {
            "from": "things", "let": { "n": "$n" },
            "pipeline": [{ "$match": { "$expr": { "$lt": ["$n", "$$n"] } } }], "as": "smaller",
        } },
        doc! { "$unwind": "$smaller" },
        doc! { "$count": "pairs" },
    ];
    let limit = Duration::from_millis(50);
    let fault = things.aggregate(product).max_time(limit).await.unwrap_err();
    assert!(fault.to_string().contains("MaxTimeMSExpired"), "{fault}");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 3000);
}
