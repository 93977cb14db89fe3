use bson::{Regex, doc, oid::ObjectId};
use proptest::prelude::*;

use super::*;

fn matches(filter: Document, document: Document) -> bool {
    let variables = Variables::default();
    Filter::parse(&filter, &variables)
        .unwrap()
        .matches(&document, &variables)
        .unwrap()
}

fn refusal(filter: Document) -> (i32, String) {
    let failure = Filter::parse(&filter, &Variables::default()).unwrap_err();
    (failure.code, failure.message)
}

#[test]
fn equality_sees_whole_arrays_and_their_elements() {
    assert!(matches(doc! { "a": 1 }, doc! { "a": [3, 1.0] }));
    assert!(matches(doc! { "a": [1, 2] }, doc! { "a": [1, 2] }));
    assert!(matches(doc! { "a": [1, 2] }, doc! { "a": [[1, 2], 5] }));
    assert!(!matches(doc! { "a": [1, 2] }, doc! { "a": [2, 1] }));
    assert!(!matches(
        doc! { "a": { "x": 1, "y": 2 } },
        doc! { "a": { "y": 2, "x": 1 } }
    ));
}

#[test]
fn null_matches_a_missing_field_but_not_scalars_under_an_array() {
    assert!(matches(doc! { "a": null }, doc! {}));
    assert!(matches(
        doc! { "a.b": null },
        doc! { "a": [{ "b": 1 }, {}] }
    ));
    assert!(!matches(doc! { "a.b": null }, doc! { "a": [1, 2] }));
    assert!(matches(doc! { "a": { "$gte": null } }, doc! {}));
    assert!(!matches(doc! { "a": { "$exists": true } }, doc! {}));
    assert!(matches(
        doc! { "a": { "$exists": true } },
        doc! { "a": null }
    ));
}

#[test]
fn ranges_compare_within_one_type_only() {
    assert!(matches(doc! { "a": { "$gt": 5 } }, doc! { "a": 5.5 }));
    assert!(!matches(doc! { "a": { "$gt": 5 } }, doc! { "a": "6" }));
    assert!(!matches(doc! { "a": { "$gt": 5 } }, doc! {}));
    assert!(matches(
        doc! { "a": { "$gt": Bson::MinKey } },
        doc! { "a": "x" }
    ));
    assert!(!matches(doc! { "a": { "$lt": 5 } }, doc! { "a": f64::NAN }));
    assert!(matches(
        doc! { "a": { "$lte": f64::NAN } },
        doc! { "a": f64::NAN }
    ));
}

#[test]
fn a_range_over_an_array_may_be_met_by_two_elements_but_elem_match_needs_one() {
    let document = doc! { "a": [1, 20] };
    assert!(matches(
        doc! { "a": { "$gt": 5, "$lt": 10 } },
        document.clone()
    ));
    assert!(!matches(
        doc! { "a": { "$elemMatch": { "$gt": 5, "$lt": 10 } } },
        document
    ));
    let lines = doc! { "lines": [{ "sku": "a", "n": 1 }, { "sku": "b", "n": 5 }] };
    let both = doc! { "lines": { "$elemMatch": { "sku": "a", "n": { "$gt": 2 } } } };
    assert!(!matches(both, lines.clone()));
    assert!(matches(doc! { "lines.sku": "a", "lines.n": 5 }, lines));
}

#[test]
fn negations_hold_for_every_element() {
    assert!(!matches(doc! { "a": { "$ne": 1 } }, doc! { "a": [1, 2] }));
    assert!(matches(doc! { "a": { "$ne": 1 } }, doc! {}));
    assert!(matches(doc! { "a": { "$nin": [1, 2] } }, doc! { "a": 3 }));
    assert!(matches(
        doc! { "a": { "$not": { "$gt": 5 } } },
        doc! { "a": "x" }
    ));
    assert!(matches(
        doc! { "$nor": [{ "a": 1 }, { "b": 1 }] },
        doc! { "a": 2 }
    ));
}

#[test]
fn logic_nests() {
    let filter = doc! { "$or": [{ "a": 1 }, { "$and": [{ "b": 2 }, { "c": { "$in": [3, 4] } }] }] };
    assert!(matches(filter.clone(), doc! { "b": 2, "c": 4 }));
    assert!(!matches(filter, doc! { "b": 2, "c": 5 }));
}

#[test]
fn patterns_take_options_from_either_side() {
    let literal = Bson::RegularExpression(Regex {
        pattern: "^an".try_into().unwrap(),
        options: "i".try_into().unwrap(),
    });
    assert!(matches(
        doc! { "name": literal.clone() },
        doc! { "name": "Anna" }
    ));
    assert!(matches(
        doc! { "name": { "$in": [literal] } },
        doc! { "name": ["x", "ANNA"] }
    ));
    assert!(matches(
        doc! { "a": { "$regex": "b.c", "$options": "s" } },
        doc! { "a": "b\nc" }
    ));
    assert_eq!(refusal(doc! { "a": { "$regex": "(" } }).0, 51091);
    assert_eq!(
        refusal(doc! { "a": { "$regex": "x", "$options": "z" } }).0,
        51108
    );
    assert_eq!(refusal(doc! { "a": { "$options": "i" } }).0, 2);
}

#[test]
fn types_sizes_and_remainders() {
    assert!(matches(
        doc! { "a": { "$type": "number" } },
        doc! { "a": 1_i64 }
    ));
    assert!(matches(
        doc! { "_id": { "$type": 7 } },
        doc! { "_id": ObjectId::new() }
    ));
    assert!(matches(
        doc! { "a": { "$type": ["string", "array"] } },
        doc! { "a": [] }
    ));
    assert!(matches(doc! { "a": { "$size": 2 } }, doc! { "a": [1, 2] }));
    assert!(matches(doc! { "a": { "$mod": [4, 1] } }, doc! { "a": 5.9 }));
    assert!(matches(
        doc! { "a": { "$all": [1, 2] } },
        doc! { "a": [2, 3, 1] }
    ));
    assert!(!matches(doc! { "a": { "$all": [] } }, doc! { "a": [] }));
}

#[test]
fn an_expression_compares_two_fields() {
    let filter = doc! { "$expr": { "$gt": ["$spent", "$budget"] } };
    assert!(matches(filter.clone(), doc! { "spent": 5, "budget": 3 }));
    assert!(!matches(filter, doc! { "spent": 2, "budget": 3 }));
}

#[test]
fn unknown_operators_get_the_servers_own_refusal() {
    assert_eq!(
        refusal(doc! { "a": { "$foo": 1 } }),
        (2, "unknown operator: $foo".to_owned())
    );
    assert!(
        refusal(doc! { "$foo": 1 })
            .1
            .starts_with("unknown top level operator: $foo.")
    );
    assert_eq!(
        refusal(doc! { "a": { "$gt": 1, "b": 1 } }).1,
        "unknown operator: b"
    );
    assert_eq!(refusal(doc! { "$where": "1" }).0, 2);
    let inner = doc! { "a": { "$elemMatch": { "$expr": true } } };
    assert_eq!(
        refusal(inner).1,
        "$expr can only be applied to the top-level document"
    );
}

#[test]
fn the_matching_element_is_located() {
    let variables = Variables::default();
    let locate = |filter: Document, document: &Document| {
        Filter::parse(&filter, &variables)
            .unwrap()
            .locate(document, &variables)
            .unwrap()
            .1
    };
    let document = doc! { "a": [5, 7, 9], "b": [{ "c": 1 }, { "c": 2 }] };
    assert_eq!(locate(doc! { "a": 7 }, &document), Some(1));
    assert_eq!(locate(doc! { "b.c": 2 }, &document), Some(1));
    assert_eq!(
        locate(doc! { "a": { "$elemMatch": { "$gt": 8 } } }, &document),
        Some(2)
    );
    assert_eq!(locate(doc! {}, &document), None);
}

proptest! {
    #[test]
    fn a_value_always_equals_itself(a in any::<i64>(), b in ".{0,8}", c in any::<f64>()) {
        for value in [Bson::Int64(a), Bson::String(b.clone()), Bson::Double(c)] {
            let same = matches(doc! { "a": { "$eq": value.clone() } }, doc! { "a": value });
            prop_assert!(same);
        }
    }
}
