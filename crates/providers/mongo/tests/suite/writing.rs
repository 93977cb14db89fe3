use mongodb::{
    Client,
    bson::{Bson, DateTime, Document, bson, doc, oid::ObjectId},
    error::ErrorKind,
    options::ReturnDocument,
};

use super::{Flavor, code, database, filled, ids, one};

pub(crate) async fn inserted_documents_come_back_as_they_went_in(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = database(client, db).collection::<Document>("things");
    let document = doc! {
        "_id": 1, "text": "größe", "int": 5, "long": 5_i64, "double": 1.5, "yes": true,
        "none": null, "list": [1, "a", { "b": [] }], "inner": { "z": 1, "a": 2 },
        "when": DateTime::from_millis(1_565_546_054_692), "id": ObjectId::new(),
        "price": Bson::Decimal128("12.50".parse().unwrap()),
    };
    collection.insert_one(document.clone()).await.unwrap();
    let found = one(&collection, 1).await;
    assert_eq!(found.to_vec().unwrap(), document.to_vec().unwrap());
}

pub(crate) async fn an_id_is_made_where_none_is_given(client: &Client, db: &str, _: Flavor) {
    let database = database(client, db);
    let reply = database.run_command(doc! { "insert": "things", "documents": [{ "a": 1 }] });
    assert_eq!(
        reply.await.unwrap().get("n").and_then(Bson::as_i32),
        Some(1)
    );
    let collection = database.collection::<Document>("things");
    let found = collection.find_one(doc! {}).await.unwrap().unwrap();
    assert!(found.get_object_id("_id").is_ok());
}

pub(crate) async fn a_second_document_with_the_same_id_is_refused(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1, "a": 1 }]).await;
    let error = collection
        .insert_one(doc! { "_id": 1, "a": 2 })
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some(11000));
    assert_eq!(one(&collection, 1).await.get_i32("a").unwrap(), 1);
}

pub(crate) async fn unordered_inserts_go_on_after_a_duplicate(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 2 }]).await;
    let documents = [doc! { "_id": 1 }, doc! { "_id": 2 }, doc! { "_id": 3 }];
    let error = collection.insert_many(documents.clone()).await.unwrap_err();
    assert_eq!(code(&error), Some(11000));
    assert_eq!(ids(&collection, doc! {}).await, [1, 2]);
    let rest = [doc! { "_id": 2 }, doc! { "_id": 3 }];
    let error = collection
        .insert_many(rest)
        .ordered(false)
        .await
        .unwrap_err();
    let ErrorKind::InsertMany(error) = error.kind.as_ref() else {
        panic!("{error}")
    };
    let errors = error.write_errors.as_ref().unwrap();
    assert_eq!((errors.len(), errors[0].index), (1, 0));
    assert_eq!(ids(&collection, doc! {}).await, [1, 2, 3]);
}

pub(crate) async fn updates_report_what_they_matched_and_what_they_changed(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let documents = vec![
        doc! { "_id": 1, "a": 1 },
        doc! { "_id": 2, "a": 2 },
        doc! { "_id": 3 },
    ];
    let collection = filled(&database(client, db), documents).await;
    let set = doc! { "$set": { "a": 2 }, "$unset": { "b": "" } };
    let result = collection
        .update_many(doc! { "a": { "$exists": true } }, set.clone())
        .await;
    let result = result.unwrap();
    assert_eq!((result.matched_count, result.modified_count), (2, 1));
    let result = collection.update_one(doc! { "a": 9 }, set).await.unwrap();
    assert_eq!((result.matched_count, result.upserted_id), (0, None));
}

pub(crate) async fn an_upsert_takes_its_fields_from_filter_and_update(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = database(client, db).collection::<Document>("things");
    let update = doc! { "$set": { "b": 2 }, "$setOnInsert": { "c": 3 } };
    let upsert = || {
        collection
            .update_one(doc! { "_id": 7, "a": 1 }, update.clone())
            .upsert(true)
    };
    let result = upsert().await.unwrap();
    assert_eq!(result.upserted_id, Some(Bson::Int32(7)));
    assert_eq!(
        one(&collection, 7).await,
        doc! { "_id": 7, "a": 1, "b": 2, "c": 3 }
    );
    let result = upsert().await.unwrap();
    assert_eq!((result.matched_count, result.upserted_id), (1, None));
}

pub(crate) async fn a_replacement_keeps_the_id_and_nothing_else(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = filled(&database(client, db), vec![doc! { "_id": 1, "a": 1 }]).await;
    let result = collection
        .replace_one(doc! { "_id": 1 }, doc! { "b": 2 })
        .await
        .unwrap();
    assert_eq!((result.matched_count, result.modified_count), (1, 1));
    assert_eq!(one(&collection, 1).await, doc! { "_id": 1, "b": 2 });
}

pub(crate) async fn array_elements_are_updated_by_position_and_by_filter(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let document = doc! { "_id": 1, "n": [1, 5, 9], "tags": ["a"], "old": [3, 4, 5] };
    let collection = filled(&database(client, db), vec![document]).await;
    let id = doc! { "_id": 1 };
    collection
        .update_one(doc! { "_id": 1, "n": 5 }, doc! { "$set": { "n.$": 6 } })
        .await
        .unwrap();
    collection
        .update_one(id.clone(), doc! { "$inc": { "n.$[big]": 10 } })
        .array_filters([doc! { "big": { "$gt": 5 } }])
        .await
        .unwrap();
    let update = doc! {
        "$push": { "tags": { "$each": ["c", "b"], "$sort": 1 } },
        "$pull": { "old": { "$gte": 4 } },
    };
    collection.update_one(id.clone(), update).await.unwrap();
    collection
        .update_one(id, doc! { "$addToSet": { "tags": "a" } })
        .await
        .unwrap();
    let expected = doc! { "_id": 1, "n": [1, 16, 19], "tags": ["a", "b", "c"], "old": [3] };
    assert_eq!(one(&collection, 1).await, expected);
}

pub(crate) async fn a_pipeline_updates_from_the_document_itself(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let collection = filled(
        &database(client, db),
        vec![doc! { "_id": 1, "a": 2, "b": 3 }],
    )
    .await;
    let pipeline = vec![
        doc! { "$set": { "sum": { "$add": ["$a", "$b"] } } },
        doc! { "$unset": "b" },
    ];
    collection
        .update_one(doc! { "_id": 1 }, pipeline)
        .await
        .unwrap();
    assert_eq!(
        one(&collection, 1).await,
        doc! { "_id": 1, "a": 2, "sum": 5 }
    );
}

pub(crate) async fn deleting_takes_one_or_all(client: &Client, db: &str, _: Flavor) {
    let documents = (1..=4)
        .map(|id| doc! { "_id": id, "even": id % 2 == 0 })
        .collect();
    let collection = filled(&database(client, db), documents).await;
    let result = collection.delete_one(doc! { "even": true }).await.unwrap();
    assert_eq!(result.deleted_count, 1);
    let result = collection
        .delete_many(doc! { "even": false })
        .await
        .unwrap();
    assert_eq!(result.deleted_count, 2);
    assert_eq!(ids(&collection, doc! {}).await.len(), 1);
}

pub(crate) async fn find_one_and_update_answers_the_document_before_or_after(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let documents = vec![doc! { "_id": 1, "n": 1 }, doc! { "_id": 2, "n": 5 }];
    let collection = filled(&database(client, db), documents).await;
    let increment = doc! { "$inc": { "n": 1 } };
    let before = collection.find_one_and_update(doc! {}, increment.clone());
    let before = before.sort(doc! { "n": -1 }).await.unwrap().unwrap();
    assert_eq!(before, doc! { "_id": 2, "n": 5 });
    let after = collection.find_one_and_update(doc! { "_id": 2 }, increment);
    let after = after
        .return_document(ReturnDocument::After)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after, doc! { "_id": 2, "n": 7 });
    let gone = collection
        .find_one_and_delete(doc! { "_id": 1 })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(gone, doc! { "_id": 1, "n": 1 });
    assert_eq!(
        collection
            .find_one_and_delete(doc! { "_id": 1 })
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn numbers_grow_without_losing_their_type(client: &Client, db: &str, _: Flavor) {
    let price = |text: &str| Bson::Decimal128(text.parse().unwrap());
    let document =
        doc! { "_id": 1, "i": 1, "l": 1_i64, "d": 0.5, "p": price("12.50"), "max": i32::MAX };
    let collection = filled(&database(client, db), vec![document]).await;
    let update = doc! { "$inc": { "i": 1, "l": 1, "d": 1, "p": 1, "max": 1 } };
    collection
        .update_one(doc! { "_id": 1 }, update)
        .await
        .unwrap();
    let found = one(&collection, 1).await;
    let expected = bson!({
        "_id": 1, "i": 2, "l": 2_i64, "d": 1.5, "p": price("13.50"), "max": 2_147_483_648_i64,
    });
    assert_eq!(Bson::Document(found), expected);
}
