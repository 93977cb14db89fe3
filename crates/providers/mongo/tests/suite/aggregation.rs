use mongodb::{
    Client, Collection,
    bson::{Document, bson, doc},
};

use super::{Flavor, aggregate, database, filled};

async fn orders(client: &Client, db: &str) -> Collection<Document> {
    let documents = vec![
        doc! { "_id": 1, "who": 1, "total": 10, "items": ["a", "b"] },
        doc! { "_id": 2, "who": 1, "total": 2.5, "items": [] },
        doc! { "_id": 3, "who": 2, "total": 7, "items": ["b"] },
    ];
    filled(&database(client, db), documents).await
}

pub(crate) async fn pipelines_group_sort_and_count(client: &Client, db: &str, _: Flavor) {
    let collection = orders(client, db).await;
    let stages = vec![
        doc! { "$match": { "total": { "$gt": 1 } } },
        doc! { "$group": {
        "_id": "$who", "n": { "$sum": 1 }, "total": { "$sum": "$total" },
        "mean": { "$avg": "$total" }, "least": { "$min": "$total" },
        "most": { "$max": "$total" } } },
        doc! { "$sort": { "total": -1 } },
    ];
    let groups = aggregate(&collection, stages).await;
    let first = doc! { "_id": 1, "n": 2, "total": 12.5, "mean": 6.25, "least": 2.5, "most": 10 };
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0], first);
    let counted = vec![doc! { "$match": { "who": 1 } }, doc! { "$count": "n" }];
    assert_eq!(aggregate(&collection, counted).await, [doc! { "n": 2 }]);
    let popular = vec![doc! { "$sortByCount": "$who" }, doc! { "$limit": 1 }];
    assert_eq!(
        aggregate(&collection, popular).await,
        [doc! { "_id": 1, "count": 2 }]
    );
}

pub(crate) async fn pipelines_unwind_and_join(client: &Client, db: &str, _: Flavor) {
    let collection = orders(client, db).await;
    let people = database(client, db).collection::<Document>("people");
    people
        .insert_many([doc! { "_id": 1, "name": "Ada" }])
        .await
        .unwrap();
    let stages = vec![
        doc! { "$unwind": { "path": "$items", "preserveNullAndEmptyArrays": true } },
        doc! { "$sort": { "_id": 1, "items": 1 } },
        doc! { "$lookup": { "from": "people", "localField": "who", "foreignField": "_id", "as": "person" } },
        doc! { "$project": { "_id": 0, "items": 1, "name": { "$arrayElemAt": ["$person.name", 0] } } },
    ];
    let expected = [
        doc! { "items": "a", "name": "Ada" },
        doc! { "items": "b", "name": "Ada" },
        doc! { "name": "Ada" },
        doc! { "items": "b" },
    ];
    assert_eq!(aggregate(&collection, stages).await, expected);
}

pub(crate) async fn pipelines_reshape_documents(client: &Client, db: &str, _: Flavor) {
    let collection = orders(client, db).await;
    let stages = vec![
        doc! { "$match": { "_id": 1 } },
        doc! { "$addFields": {
        "size": { "$size": "$items" },
        "label": { "$concat": [{ "$toUpper": "no-" }, { "$toString": "$_id" }] },
        "band": { "$cond": [{ "$gte": ["$total", 10] }, "high", "low"] } } },
        doc! { "$unset": ["items", "who"] },
    ];
    let expected = doc! { "_id": 1, "total": 10, "size": 2, "label": "NO-1", "band": "high" };
    assert_eq!(aggregate(&collection, stages).await, [expected]);
    let root = vec![
        doc! { "$match": { "_id": 3 } },
        doc! { "$replaceRoot": { "newRoot": { "who": "$who" } } },
    ];
    assert_eq!(aggregate(&collection, root).await, [doc! { "who": 2 }]);
}

pub(crate) async fn facets_answer_several_questions_at_once(client: &Client, db: &str, _: Flavor) {
    let collection = orders(client, db).await;
    let facets = doc! { "$facet": {
    "n": [{ "$count": "n" }],
    "top": [{ "$sort": { "total": -1 } }, { "$limit": 1 }, { "$project": { "total": 1 } }] } };
    let found = aggregate(&collection, vec![facets]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get_array("n").unwrap(), &vec![bson!({ "n": 3 })]);
    assert_eq!(
        found[0].get_array("top").unwrap(),
        &vec![bson!({ "_id": 1, "total": 10 })]
    );
}

pub(crate) async fn samples_are_of_the_size_asked_for(client: &Client, db: &str, _: Flavor) {
    let collection = orders(client, db).await;
    assert_eq!(
        aggregate(&collection, vec![doc! { "$sample": { "size": 2 } }])
            .await
            .len(),
        2
    );
}
