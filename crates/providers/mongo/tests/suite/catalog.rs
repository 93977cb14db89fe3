use mongodb::{
    Client,
    bson::{Bson, Document, doc},
};

use super::{Flavor, database, filled};

fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int32(value)) => i64::from(*value),
        Some(Bson::Int64(value)) => *value,
        #[allow(clippy::cast_possible_truncation, reason = "counts are small here")]
        Some(Bson::Double(value)) => *value as i64,
        other => panic!("{field}: {other:?}"),
    }
}

pub(crate) async fn databases_and_collections_are_listed(client: &Client, db: &str, _: Flavor) {
    let database = database(client, db);
    filled(&database, vec![doc! { "_id": 1 }]).await;
    database.create_collection("empty").await.unwrap();
    let mut names = database.list_collection_names().await.unwrap();
    names.sort();
    assert_eq!(names, ["empty", "things"]);
    assert!(
        client
            .list_database_names()
            .await
            .unwrap()
            .contains(&db.to_owned())
    );
}

pub(crate) async fn dropping_a_collection_forgets_its_documents(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let database = database(client, db);
    let collection = filled(&database, vec![doc! { "_id": 1 }]).await;
    collection.drop().await.unwrap();
    assert_eq!(collection.find_one(doc! {}).await.unwrap(), None);
    assert!(database.list_collection_names().await.unwrap().is_empty());
    database.drop().await.unwrap();
}

pub(crate) async fn collection_statistics_count_the_documents(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let database = database(client, db);
    filled(&database, vec![doc! { "_id": 1 }, doc! { "_id": 2 }]).await;
    let stats = database
        .run_command(doc! { "collStats": "things" })
        .await
        .unwrap();
    assert_eq!(number(&stats, "count"), 2);
    assert_eq!(number(&stats, "nindexes"), 1);
    let stats = database.run_command(doc! { "dbStats": 1 }).await.unwrap();
    assert_eq!(number(&stats, "collections"), 1);
}

pub(crate) async fn the_handshake_and_the_build_are_described(client: &Client, _: &str, _: Flavor) {
    let admin = client.database("admin");
    assert_eq!(
        number(&admin.run_command(doc! { "ping": 1 }).await.unwrap(), "ok"),
        1
    );
    let hello = admin.run_command(doc! { "hello": 1 }).await.unwrap();
    assert!(hello.get_bool("isWritablePrimary").unwrap());
    assert_eq!(number(&hello, "maxBsonObjectSize"), 16_777_216);
    let build = admin.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    assert!(build.get_str("version").is_ok());
}
