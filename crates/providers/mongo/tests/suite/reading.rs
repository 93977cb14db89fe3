use futures_util::TryStreamExt;
use mongodb::{
    Client,
    bson::{Bson, Document, bson, doc},
};

use super::{Flavor, database, filled, ids, one};

pub(crate) async fn filters_compare_reach_into_arrays_and_negate(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let documents = vec![
        doc! { "_id": 1, "n": 5, "tags": ["a", "b"], "lines": [{ "sku": "x", "q": 1 }, { "sku": "y", "q": 9 }] },
        doc! { "_id": 2, "n": 7.5, "tags": ["b"], "inner": { "deep": 1 } },
        doc! { "_id": 3, "n": "7", "tags": [] },
        doc! { "_id": 4, "n": null },
    ];
    let collection = filled(&database(client, db), documents).await;
    let cases = [
        (doc! { "n": { "$gt": 5 } }, vec![2]),
        (doc! { "n": { "$gte": 5, "$lt": 100 } }, vec![1, 2]),
        (doc! { "n": { "$in": [5, "7"] } }, vec![1, 3]),
        (doc! { "n": { "$ne": 5 } }, vec![2, 3, 4]),
        (doc! { "n": null }, vec![4]),
        (doc! { "missing": null }, vec![1, 2, 3, 4]),
        (doc! { "tags": "b" }, vec![1, 2]),
        (doc! { "tags": { "$all": ["a", "b"] } }, vec![1]),
        (doc! { "tags": { "$size": 0 } }, vec![3]),
        (doc! { "tags": { "$exists": false } }, vec![4]),
        (doc! { "inner.deep": 1 }, vec![2]),
        (doc! { "lines.sku": "x", "lines.q": 9 }, vec![1]),
        (
            doc! { "lines": { "$elemMatch": { "sku": "x", "q": 9 } } },
            vec![],
        ),
        (doc! { "lines.1.sku": "y" }, vec![1]),
        (doc! { "n": { "$type": "string" } }, vec![3]),
        (doc! { "n": { "$not": { "$gt": 5 } } }, vec![1, 3, 4]),
        (
            doc! { "$or": [{ "n": 5 }, { "inner.deep": 1 }] },
            vec![1, 2],
        ),
        (doc! { "$nor": [{ "n": 5 }, { "tags": "b" }] }, vec![3, 4]),
        (doc! { "n": { "$mod": [5, 0] } }, vec![1]),
        (doc! { "$expr": { "$eq": ["$_id", 2] } }, vec![2]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&collection, filter.clone()).await, expected, "{filter}");
    }
}

pub(crate) async fn patterns_match_with_their_options(client: &Client, db: &str, _: Flavor) {
    let documents = vec![
        doc! { "_id": 1, "s": "Anna" },
        doc! { "_id": 2, "s": "banana" },
    ];
    let collection = filled(&database(client, db), documents).await;
    assert!(
        ids(&collection, doc! { "s": { "$regex": "^an" } })
            .await
            .is_empty()
    );
    let insensitive = doc! { "s": { "$regex": "^an", "$options": "i" } };
    assert_eq!(ids(&collection, insensitive).await, [1]);
    assert_eq!(
        ids(&collection, doc! { "s": { "$regex": "an+a" } }).await,
        [2]
    );
}

pub(crate) async fn sort_skip_and_limit_page_through_the_matches(
    client: &Client,
    db: &str,
    _: Flavor,
) {
    let documents = (1..=9)
        .map(|id| doc! { "_id": id, "group": id % 3, "n": id })
        .collect();
    let collection = filled(&database(client, db), documents).await;
    let page = collection
        .find(doc! {})
        .sort(doc! { "group": 1, "n": -1 })
        .skip(2)
        .limit(3);
    let page: Vec<Document> = page.await.unwrap().try_collect().await.unwrap();
    let page: Vec<i32> = page
        .iter()
        .map(|document| document.get_i32("_id").unwrap())
        .collect();
    assert_eq!(page, [3, 7, 4]);
}

pub(crate) async fn projections_keep_or_drop_fields(client: &Client, db: &str, _: Flavor) {
    let document = doc! { "_id": 1, "a": 1, "b": { "c": 2, "d": 3 }, "e": [1, 2, 3] };
    let collection = filled(&database(client, db), vec![document]).await;
    let cases = [
        (doc! { "a": 1 }, doc! { "_id": 1, "a": 1 }),
        (doc! { "b.c": 1, "_id": 0 }, doc! { "b": { "c": 2 } }),
        (doc! { "b": 0, "e": 0 }, doc! { "_id": 1, "a": 1 }),
        (
            doc! { "e": { "$slice": 2 }, "a": 0, "b": 0 },
            doc! { "_id": 1, "e": [1, 2] },
        ),
    ];
    for (projection, expected) in cases {
        let found = collection.find_one(doc! {}).projection(projection.clone());
        assert_eq!(found.await.unwrap().unwrap(), expected, "{projection}");
    }
}

pub(crate) async fn a_cursor_is_read_batch_by_batch(client: &Client, db: &str, _: Flavor) {
    let documents = (0..250).map(|id| doc! { "_id": id }).collect();
    let collection = filled(&database(client, db), documents).await;
    let cursor = collection
        .find(doc! {})
        .sort(doc! { "_id": 1 })
        .batch_size(40)
        .await
        .unwrap();
    let found: Vec<Document> = cursor.try_collect().await.unwrap();
    assert_eq!(found.len(), 250);
    assert_eq!(found[249], doc! { "_id": 249 });
    let single = doc! { "find": "things", "batchSize": 5, "singleBatch": true };
    let reply = database(client, db).run_command(single).await.unwrap();
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_array("firstBatch").unwrap().len(), 5);
    assert_eq!(cursor.get_i64("id").unwrap(), 0);
}

pub(crate) async fn counting_and_distinct_values(client: &Client, db: &str, _: Flavor) {
    let documents = vec![
        doc! { "_id": 1, "a": 1, "tags": ["x", "y"] },
        doc! { "_id": 2, "a": 1, "tags": ["y"] },
        doc! { "_id": 3, "a": 2 },
    ];
    let collection = filled(&database(client, db), documents).await;
    assert_eq!(
        collection.count_documents(doc! { "a": 1 }).await.unwrap(),
        2
    );
    assert_eq!(collection.estimated_document_count().await.unwrap(), 3);
    let mut values = collection.distinct("tags", doc! {}).await.unwrap();
    values.sort_by_key(ToString::to_string);
    assert_eq!(values, [bson!("x"), bson!("y")]);
    assert_eq!(
        collection.distinct("a", doc! { "_id": 3 }).await.unwrap(),
        [bson!(2)]
    );
}

pub(crate) async fn decimals_and_large_integers_stay_exact(client: &Client, db: &str, _: Flavor) {
    let decimal = |text: &str| Bson::Decimal128(text.parse().unwrap());
    let documents = vec![
        doc! { "_id": 1, "n": 9_007_199_254_740_993_i64 },
        doc! { "_id": 2, "n": 9_007_199_254_740_992.0 },
        doc! { "_id": 3, "n": decimal("0.1") },
    ];
    let collection = filled(&database(client, db), documents).await;
    assert_eq!(
        ids(&collection, doc! { "n": 9_007_199_254_740_993_i64 }).await,
        [1]
    );
    assert_eq!(
        ids(&collection, doc! { "n": { "$lt": decimal("0.2") } }).await,
        [3]
    );
    assert_eq!(one(&collection, 3).await.get("n"), Some(&decimal("0.1")));
}
