use bson::{Bson, DateTime, bson, doc};

use super::*;

fn value(expression: Bson, document: Document) -> Value {
    let variables = Variables::default();
    let expr = Expr::parse(&expression, &variables).unwrap();
    expr.evaluate(&Scope::new(&document, &variables)).unwrap()
}

fn is(expression: Bson, document: Document, wanted: Bson) {
    assert_eq!(value(expression, document), Some(wanted));
}

fn code(expression: Bson, document: Document) -> i32 {
    let variables = Variables::default();
    let result = Expr::parse(&expression, &variables)
        .and_then(|expr| expr.evaluate(&Scope::new(&document, &variables)));
    result.unwrap_err().code
}

#[test]
fn paths_collect_over_arrays_and_miss_quietly() {
    let document = doc! { "a": [{ "b": 1 }, 5, { "b": 2 }, {}] };
    is(bson!("$a.b"), document.clone(), bson!([1, 2]));
    assert_eq!(value(bson!("$x.y"), document.clone()), None);
    assert_eq!(value(bson!("$a.0"), document), Some(bson!([])));
}

#[test]
fn arithmetic_keeps_the_narrowest_type() {
    is(bson!({ "$add": [1, 2] }), doc! {}, Bson::Int32(3));
    is(bson!({ "$multiply": [2, 1.5] }), doc! {}, Bson::Double(3.0));
    is(bson!({ "$divide": [1, 2] }), doc! {}, Bson::Double(0.5));
    is(
        bson!({ "$subtract": ["$a", 1] }),
        doc! { "a": 5_i64 },
        Bson::Int64(4),
    );
    is(bson!({ "$add": [1, null] }), doc! {}, Bson::Null);
    is(bson!({ "$round": [2.5] }), doc! {}, Bson::Double(2.0));
    let price: bson::Decimal128 = "12.50".parse().unwrap();
    let total: bson::Decimal128 = "25.00".parse().unwrap();
    is(
        bson!({ "$multiply": ["$p", 2] }),
        doc! { "p": price },
        Bson::Decimal128(total),
    );
    assert_eq!(code(bson!({ "$divide": [1, 0] }), doc! {}), 2);
    assert_eq!(code(bson!({ "$add": [1, "x"] }), doc! {}), 14);
}

#[test]
fn dates_shift_and_subtract() {
    let date = |millis| Bson::DateTime(DateTime::from_millis(millis));
    is(
        bson!({ "$add": ["$d", 500] }),
        doc! { "d": date(1000) },
        date(1500),
    );
    is(
        bson!({ "$subtract": ["$d", "$e"] }),
        doc! { "d": date(9), "e": date(4) },
        Bson::Int64(5),
    );
}

#[test]
fn dates_are_formatted_and_taken_apart_in_utc() {
    let leap = DateTime::parse_rfc3339_str("2024-02-29T13:04:05.006Z").unwrap();
    let expression = bson!({ "$dateToString": { "date": "$d", "format": "%Y-%m-%d %H:%M:%S.%L" } });
    is(
        expression,
        doc! { "d": leap },
        bson!("2024-02-29 13:04:05.006"),
    );
    is(
        bson!({ "$dayOfWeek": "$d" }),
        doc! { "d": leap },
        Bson::Int32(5),
    );
    is(
        bson!({ "$dayOfYear": "$d" }),
        doc! { "d": leap },
        Bson::Int32(60),
    );
    let old = DateTime::parse_rfc3339_str("1969-12-31T23:59:59Z").unwrap();
    is(
        bson!({ "$year": "$d" }),
        doc! { "d": old },
        Bson::Int32(1969),
    );
}

#[test]
fn branches_and_variables() {
    let big = bson!({ "$cond": { "if": { "$gte": ["$n", 10] }, "then": "big", "else": "small" } });
    is(big, doc! { "n": 12 }, bson!("big"));
    is(
        bson!({ "$ifNull": ["$x", "none"] }),
        doc! { "x": null },
        bson!("none"),
    );
    let doubled =
        bson!({ "$map": { "input": "$a", "as": "x", "in": { "$multiply": ["$$x", 2] } } });
    is(doubled, doc! { "a": [1, 2] }, bson!([2, 4]));
    let kept = bson!({ "$filter": { "input": "$a", "cond": { "$gt": ["$$this", 1] } } });
    is(kept, doc! { "a": [1, 2, 3] }, bson!([2, 3]));
    let sum = bson!({ "$reduce": {
        "input": "$a", "initialValue": 0, "in": { "$add": ["$$value", "$$this"] } } });
    is(sum, doc! { "a": [1, 2, 3] }, Bson::Int32(6));
}

#[test]
fn texts_join_and_convert() {
    is(
        bson!({ "$concat": ["$a", "-", "b"] }),
        doc! { "a": "x" },
        bson!("x-b"),
    );
    is(bson!({ "$toUpper": "abc" }), doc! {}, bson!("ABC"));
    is(bson!({ "$toString": "$n" }), doc! { "n": 5 }, bson!("5"));
    is(bson!({ "$toInt": "42" }), doc! {}, Bson::Int32(42));
    is(
        bson!({ "$substrCP": ["größe", 1, 3] }),
        doc! {},
        bson!("röß"),
    );
    assert_eq!(code(bson!({ "$toInt": "x" }), doc! {}), 241);
    assert_eq!(code(bson!({ "$concat": [1] }), doc! {}), 16702);
}

#[test]
fn arrays_are_measured_cut_and_searched() {
    is(
        bson!({ "$size": "$a" }),
        doc! { "a": [1, 2] },
        Bson::Int32(2),
    );
    is(
        bson!({ "$arrayElemAt": ["$a", -1] }),
        doc! { "a": [1, 2] },
        Bson::Int32(2),
    );
    is(
        bson!({ "$slice": ["$a", -2] }),
        doc! { "a": [1, 2, 3] },
        bson!([2, 3]),
    );
    is(
        bson!({ "$in": [2, "$a"] }),
        doc! { "a": [1, 2] },
        Bson::Boolean(true),
    );
    assert_eq!(code(bson!({ "$size": "$a" }), doc! {}), 17124);
}

#[test]
fn what_is_not_known_is_refused_when_parsed() {
    assert_eq!(code(bson!({ "$foo": 1 }), doc! {}), 168);
    assert_eq!(code(bson!("$$nobody"), doc! {}), 17276);
    assert_eq!(code(bson!({ "$eq": [1] }), doc! {}), 16020);
    assert_eq!(
        code(bson!({ "$eq": [1, 1], "$ne": [1, 2] }), doc! {}),
        15983
    );
    assert_eq!(
        code(bson!({ "$map": { "input": [], "in": 1, "x": 1 } }), doc! {}),
        9
    );
}
