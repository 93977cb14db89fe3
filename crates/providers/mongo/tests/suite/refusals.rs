use mongodb::{Client, bson::doc};

use super::{Flavor, code, database, filled};

pub(crate) async fn an_unknown_command_is_refused_by_name(client: &Client, db: &str, _: Flavor) {
    let error = database(client, db)
        .run_command(doc! { "frobnicate": 1 })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(59));
    assert!(error.to_string().contains("frobnicate"));
}

pub(crate) async fn an_unknown_query_operator_is_refused(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let error = collection
        .find_one(doc! { "a": { "$foo": 1 } })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(2));
    assert!(error.to_string().contains("$foo"));
}

pub(crate) async fn an_unknown_update_operator_is_refused(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let error = collection
        .update_one(doc! {}, doc! { "$foo": { "a": 1 } })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(9));
}

pub(crate) async fn an_unknown_stage_is_refused(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let error = collection
        .aggregate([doc! { "$foo": {} }])
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(40324));
}

pub(crate) async fn an_unknown_expression_is_refused(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let error = collection
        .aggregate([doc! { "$project": { "a": { "$foo": 1 } } }])
        .await;
    assert!(matches!(code(&error.unwrap_err()), Some(168 | 31325)));
}

pub(crate) async fn an_id_cannot_be_changed(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let error = collection
        .update_one(doc! {}, doc! { "$set": { "_id": 2 } })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(66));
}

pub(crate) async fn a_document_nested_too_deep_is_not_stored(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1 }]).await;
    let path = vec!["a"; 5000].join(".");
    assert!(
        collection
            .update_one(doc! {}, doc! { "$set": { path: 1 } })
            .await
            .is_err()
    );
    assert_eq!(
        collection.find_one(doc! {}).await.unwrap(),
        Some(doc! { "_id": 1 })
    );
}
