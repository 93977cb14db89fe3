use bson::{bson, doc};

use super::*;

struct Customers;

impl Source for Customers {
    fn documents(&self, collection: &str) -> Vec<Document> {
        match collection {
            "customers" => vec![
                doc! { "_id": 1, "name": "Ada" },
                doc! { "_id": 2, "name": "Bob" },
            ],
            _ => Vec::new(),
        }
    }

    fn index_stats(&self, _: &str) -> Vec<Document> {
        vec![doc! { "name": "_id_" }]
    }
}

fn orders() -> Vec<Document> {
    vec![
        doc! { "_id": 1, "who": 1, "total": 10, "tags": ["a", "b"] },
        doc! { "_id": 2, "who": 1, "total": 2.5, "tags": [] },
        doc! { "_id": 3, "who": 3, "total": 7, "tags": ["b"] },
    ]
}

fn run(stages: Bson) -> Result<Vec<Document>> {
    let variables = Variables::default();
    let Bson::Array(stages) = stages else {
        unreachable!()
    };
    let context = Context {
        source: &Customers,
        collection: "orders",
        variables: &variables,
    };
    Pipeline::parse(&stages, &variables)?.run(orders(), context)
}

fn out(stages: Bson) -> Vec<Document> {
    run(stages).unwrap()
}

#[test]
fn groups_fold_their_members() {
    let stages = bson!([
        { "$group": {
            "_id": "$who", "n": { "$sum": 1 }, "total": { "$sum": "$total" }, "mean": { "$avg": "$total" },
            "ids": { "$push": "$_id" }, "first": { "$first": "$total" }, "most": { "$max": "$total" },
            "count": { "$count": {} } } },
        { "$sort": { "_id": 1 } },
    ]);
    let one = doc! {
        "_id": 1, "n": 2, "total": 12.5, "mean": 6.25, "ids": [1, 2], "first": 10, "most": 10, "count": 2,
    };
    assert_eq!(out(stages)[0], one);
}

#[test]
fn unwinding_drops_or_keeps_what_has_no_elements() {
    assert_eq!(out(bson!([{ "$unwind": "$tags" }])).len(), 3);
    let kept = bson!([{ "$unwind": { "path": "$tags", "preserveNullAndEmptyArrays": true } }]);
    let kept = out(kept);
    assert_eq!(kept.len(), 4);
    assert!(!kept[2].contains_key("tags"));
}

#[test]
fn lookups_join_by_field_or_by_pipeline() {
    let by_field = bson!([{ "$lookup": {
        "from": "customers", "localField": "who", "foreignField": "_id", "as": "customer" } }]);
    let joined = out(by_field);
    assert_eq!(
        joined[0].get_array("customer").unwrap(),
        &vec![bson!({ "_id": 1, "name": "Ada" })]
    );
    assert!(joined[2].get_array("customer").unwrap().is_empty());
    let by_pipeline = bson!([{ "$lookup": {
        "from": "customers", "let": { "id": "$who" }, "as": "customer",
        "pipeline": [{ "$match": { "$expr": { "$eq": ["$_id", "$$id"] } } }, { "$project": { "_id": 0 } }] } }]);
    assert_eq!(
        out(by_pipeline)[1].get_array("customer").unwrap(),
        &vec![bson!({ "name": "Ada" })]
    );
}

#[test]
fn counting_paging_and_facets() {
    assert_eq!(out(bson!([{ "$count": "n" }])), [doc! { "n": 3 }]);
    assert_eq!(
        out(bson!([{ "$match": { "who": 9 } }, { "$count": "n" }])),
        []
    );
    assert_eq!(
        out(bson!([{ "$sort": { "total": -1 } }, { "$skip": 1 }, { "$limit": 1 }]))[0]
            .get_i32("_id")
            .unwrap(),
        3
    );
    let facets = out(bson!([{ "$facet": { "n": [{ "$count": "n" }], "top": [{ "$limit": 1 }] } }]));
    assert_eq!(facets[0].get_array("n").unwrap(), &vec![bson!({ "n": 3 })]);
    assert_eq!(out(bson!([{ "$sample": { "size": 2 } }])).len(), 2);
    assert_eq!(out(bson!([{ "$unionWith": "customers" }])).len(), 5);
}

#[test]
fn documents_are_reshaped() {
    let added = out(bson!([{ "$addFields": { "a.b": "$who", "total": "$$REMOVE" } }]));
    assert_eq!(added[0].get_document("a").unwrap(), &doc! { "b": 1 });
    assert!(!added[0].contains_key("total"));
    let root = out(bson!([{ "$replaceWith": { "id": "$_id" } }, { "$limit": 1 }]));
    assert_eq!(root, [doc! { "id": 1 }]);
    let most = out(bson!([{ "$sortByCount": "$who" }, { "$limit": 1 }]));
    assert_eq!(most, [doc! { "_id": 1, "count": 2 }]);
}

#[test]
fn what_is_not_known_is_refused() {
    let code = |stages| run(stages).unwrap_err().code;
    assert_eq!(code(bson!([{ "$foo": {} }])), 40324);
    assert_eq!(code(bson!([{ "$match": {}, "$limit": 1 }])), 40323);
    assert_eq!(
        code(bson!([{ "$group": { "_id": 1, "x": { "$foo": 1 } } }])),
        15952
    );
    assert_eq!(code(bson!([{ "$group": { "x": { "$sum": 1 } } }])), 15955);
    assert_eq!(code(bson!([{ "$limit": 0 }])), 15958);
    assert_eq!(
        code(bson!([{ "$replaceRoot": { "newRoot": "$who" } }])),
        40228
    );
    let failure = run(bson!([{ "$project": { "a": 1, "b": 0 } }])).unwrap_err();
    assert!(
        failure
            .message
            .starts_with("Invalid $project :: caused by :: ")
    );
}
