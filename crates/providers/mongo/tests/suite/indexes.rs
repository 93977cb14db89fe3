use futures_util::TryStreamExt;
use mongodb::{
    Client, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};

use super::{Flavor, code, database, filled};

fn unique(key: Document) -> IndexModel {
    IndexModel::builder()
        .keys(key)
        .options(IndexOptions::builder().unique(true).build())
        .build()
}

fn plain(key: Document) -> IndexModel {
    IndexModel::builder().keys(key).build()
}

pub(crate) async fn a_unique_index_refuses_duplicates(client: &Client, db: &str, flavor: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1, "email": "a" }]).await;
    collection
        .create_index(unique(doc! { "email": 1 }))
        .await
        .unwrap();
    let error = collection
        .insert_one(doc! { "_id": 2, "email": "a" })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(11000));
    collection
        .insert_one(doc! { "_id": 2, "email": "b" })
        .await
        .unwrap();
    let update = doc! { "$set": { "email": "a" } };
    let error = collection
        .update_one(doc! { "_id": 2 }, update)
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(11000));
    if flavor != Flavor::DocumentDb {
        let again = doc! { "insert": "things", "documents": [{ "_id": 3, "email": "a" }] };
        let reply = database(client, db).run_command(again).await.unwrap();
        let errors = reply.get_array("writeErrors").unwrap();
        let error = errors[0].as_document().unwrap();
        assert_eq!(
            error.get_document("keyPattern").unwrap(),
            &doc! { "email": 1 }
        );
        assert_eq!(
            error.get_document("keyValue").unwrap(),
            &doc! { "email": "a" }
        );
    }
}

pub(crate) async fn indexes_are_listed_and_dropped(client: &Client, db: &str, _: Flavor) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1, "a": 1 }]).await;
    let name = collection
        .create_index(plain(doc! { "a": 1, "b": -1 }))
        .await
        .unwrap();
    assert_eq!(name.index_name, "a_1_b_-1");
    let listed: Vec<IndexModel> = collection
        .list_indexes()
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let keys: Vec<&Document> = listed.iter().map(|index| &index.keys).collect();
    assert_eq!(keys, [&doc! { "_id": 1 }, &doc! { "a": 1, "b": -1 }]);
    collection.drop_index("a_1_b_-1").await.unwrap();
    assert_eq!(collection.list_index_names().await.unwrap(), ["_id_"]);
    let error = collection.drop_index("a_1_b_-1").await.unwrap_err();
    assert_eq!(code(&error), Some(27));
}

pub(crate) async fn an_index_made_twice_is_one_and_a_conflicting_one_is_refused(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1, "a": 1 }]).await;
    collection
        .create_index(plain(doc! { "a": 1 }))
        .await
        .unwrap();
    collection
        .create_index(plain(doc! { "a": 1 }))
        .await
        .unwrap();
    assert_eq!(collection.list_index_names().await.unwrap().len(), 2);
    let error = collection
        .create_index(unique(doc! { "a": 1 }))
        .await
        .unwrap_err();
    assert!(matches!(code(&error), Some(85 | 86)), "{error}");
    let options = IndexOptions::builder().name("other".to_owned()).build();
    let renamed = IndexModel::builder()
        .keys(doc! { "a": 1 })
        .options(options)
        .build();
    let error = collection.create_index(renamed).await.unwrap_err();
    assert_eq!(code(&error), Some(85));
}

pub(crate) async fn explain_tells_an_index_from_a_scan(client: &Client, db: &str, flavor: Flavor) {
    let collection = filled(
        &database(client, db),
        vec![doc! { "_id": 1, "a": 1, "b": 1 }],
    )
    .await;
    collection
        .create_index(plain(doc! { "a": 1 }))
        .await
        .unwrap();
    let explain = async |filter: Document| {
        let command = doc! {
            "explain": { "find": "things", "filter": filter }, "verbosity": "queryPlanner",
        };
        database(client, db)
            .run_command(command)
            .await
            .unwrap()
            .to_string()
    };
    let scan = explain(doc! { "b": 1 }).await;
    assert!(scan.contains("COLLSCAN"), "{scan}");
    // With so few documents, the engine prefers to scan although there is an index.
    if flavor != Flavor::DocumentDb {
        let indexed = explain(doc! { "a": { "$gt": 0 } }).await;
        assert!(
            indexed.contains("IXSCAN") && indexed.contains("a_1"),
            "{indexed}"
        );
        let by_id = explain(doc! { "_id": 1 }).await;
        assert!(
            by_id.contains("IDHACK") || by_id.contains("EXPRESS"),
            "{by_id}"
        );
    }
}
