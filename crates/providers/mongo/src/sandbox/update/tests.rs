use bson::{bson, doc};

use super::*;

fn updated(update: Bson, document: Document) -> Document {
    apply(update, &[], document).unwrap()
}

fn apply(update: Bson, filters: &[Bson], document: Document) -> Result<Document> {
    let variables = Variables::default();
    Update::parse(&update, filters, &variables)?.apply(&document, Some(1), false, &variables)
}

fn code(update: Bson, document: Document) -> i32 {
    apply(update, &[], document).unwrap_err().code
}

#[test]
fn fields_are_set_removed_and_renamed() {
    let update = bson!({ "$set": { "b.c": 1 }, "$unset": { "a": "" }, "$rename": { "x": "y" } });
    let after = updated(update, doc! { "_id": 1, "a": 1, "x": 2 });
    assert_eq!(after, doc! { "_id": 1, "b": { "c": 1 }, "y": 2 });
}

#[test]
fn numbers_grow_shrink_and_widen() {
    let update =
        bson!({ "$inc": { "a": 1 }, "$mul": { "b": 2 }, "$min": { "c": 3 }, "$max": { "d": 3 } });
    let after = updated(update, doc! { "a": i32::MAX, "b": 1.5, "c": 5, "d": 5 });
    assert_eq!(
        after,
        doc! { "a": 2_147_483_648_i64, "b": 3.0, "c": 3, "d": 5 }
    );
    assert_eq!(
        updated(bson!({ "$inc": { "n": 2 } }), doc! {}),
        doc! { "n": 2 }
    );
    assert_eq!(code(bson!({ "$inc": { "a": 1 } }), doc! { "a": "x" }), 14);
    assert_eq!(code(bson!({ "$inc": { "a": "1" } }), doc! { "a": 1 }), 14);
    assert_eq!(
        code(bson!({ "$inc": { "a": 1 } }), doc! { "a": i64::MAX }),
        2
    );
}

#[test]
fn new_fields_appear_in_the_order_of_their_names() {
    let after = updated(bson!({ "$set": { "b": 1, "a": 2 } }), doc! { "_id": 1 });
    let keys: Vec<&String> = after.keys().collect();
    assert_eq!(keys, ["_id", "a", "b"]);
}

#[test]
fn arrays_are_pushed_sorted_and_cut_in_that_order() {
    let update = bson!({ "$push": { "a": { "$each": [5, 1], "$sort": 1, "$slice": 3 } } });
    assert_eq!(
        updated(update, doc! { "a": [4, 2] }),
        doc! { "a": [1, 2, 4] }
    );
    let front = bson!({ "$push": { "a": { "$each": [0], "$position": 0 } } });
    assert_eq!(updated(front, doc! { "a": [1] }), doc! { "a": [0, 1] });
    let add = bson!({ "$addToSet": { "a": { "$each": [1, 2, 2] } } });
    assert_eq!(updated(add, doc! { "a": [1] }), doc! { "a": [1, 2] });
    assert_eq!(code(bson!({ "$push": { "a": 1 } }), doc! { "a": 1 }), 2);
}

#[test]
fn elements_are_pulled_by_value_by_operator_and_by_field() {
    let document = doc! { "a": [1, 5, 9], "b": [{ "c": 1, "d": 1 }, { "c": 2 }] };
    let update = bson!({ "$pull": { "a": { "$gt": 4 }, "b": { "c": 1 } } });
    assert_eq!(
        updated(update, document.clone()),
        doc! { "a": [1], "b": [{ "c": 2 }] }
    );
    let update = bson!({ "$pullAll": { "a": [1, 9] }, "$pop": { "b": -1 } });
    assert_eq!(
        updated(update, document),
        doc! { "a": [5], "b": [{ "c": 2 }] }
    );
}

#[test]
fn positions_stand_for_the_match_for_all_or_for_a_filter() {
    let document = doc! { "a": [1, 2, 3], "b": [{ "n": 1 }, { "n": 5 }] };
    assert_eq!(
        updated(bson!({ "$set": { "a.$": 9 } }), document.clone())
            .get_array("a")
            .unwrap()[1],
        Bson::Int32(9)
    );
    let all = updated(bson!({ "$inc": { "a.$[]": 1 } }), document.clone());
    assert_eq!(
        all.get_array("a").unwrap(),
        &vec![bson!(2), bson!(3), bson!(4)]
    );
    let update = bson!({ "$set": { "b.$[big].n": 0 } });
    let filters = [bson!({ "big.n": { "$gt": 3 } })];
    let after = apply(update.clone(), &filters, document.clone()).unwrap();
    assert_eq!(
        after.get_array("b").unwrap(),
        &vec![bson!({ "n": 1 }), bson!({ "n": 0 })]
    );
    assert_eq!(code(update, document.clone()), 2);
    let unused = apply(bson!({ "$set": { "x": 1 } }), &filters, document).unwrap_err();
    assert_eq!(unused.code, 9);
}

#[test]
fn a_replacement_keeps_the_id() {
    let after = updated(bson!({ "b": 2 }), doc! { "_id": 1, "a": 1 });
    assert_eq!(after, doc! { "_id": 1, "b": 2 });
    assert_eq!(code(bson!({ "_id": 2 }), doc! { "_id": 1 }), 66);
    assert_eq!(code(bson!({ "$set": { "_id": 2 } }), doc! { "_id": 1 }), 66);
}

#[test]
fn a_pipeline_computes_from_the_document() {
    let update = bson!([{ "$set": { "total": { "$add": ["$a", "$b"] } } }, { "$unset": "a" }]);
    assert_eq!(
        updated(update, doc! { "_id": 1, "a": 1, "b": 2 }),
        doc! { "_id": 1, "b": 2, "total": 3 }
    );
    assert_eq!(code(bson!([{ "$match": {} }]), doc! {}), 72);
}

#[test]
fn what_is_wrong_with_an_update_is_said_before_it_is_applied() {
    assert_eq!(code(bson!({ "$foo": { "a": 1 } }), doc! {}), 9);
    assert_eq!(code(bson!({ "$set": { "a": 1 }, "b": 1 }), doc! {}), 9);
    assert_eq!(code(bson!({ "$set": 1 }), doc! {}), 9);
    assert_eq!(
        code(bson!({ "$set": { "a": 1 }, "$inc": { "a.b": 1 } }), doc! {}),
        40
    );
    assert_eq!(code(bson!({ "$set": { "a..b": 1 } }), doc! {}), 56);
    assert_eq!(code(bson!({ "a": 1, "$set": { "b": 1 } }), doc! {}), 52);
    assert_eq!(code(bson!({ "$set": { "a.b": 1 } }), doc! { "a": 1 }), 28);
}
