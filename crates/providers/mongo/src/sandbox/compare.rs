//! The order of BSON values across all types, and the names of those types.

use std::cmp::Ordering;

use bson::{Bson, Document};

use super::number::Number;

/// The place of a value's type in the order; values of one rank compare by content.
pub(crate) fn rank(value: &Bson) -> i8 {
    match value {
        Bson::MinKey => -1,
        Bson::Undefined => 0,
        Bson::Null => 5,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 10,
        Bson::String(_) | Bson::Symbol(_) => 15,
        Bson::Document(_) => 20,
        Bson::Array(_) => 25,
        Bson::Binary(_) => 30,
        Bson::ObjectId(_) => 35,
        Bson::Boolean(_) => 40,
        Bson::DateTime(_) => 45,
        Bson::Timestamp(_) => 47,
        Bson::RegularExpression(_) => 50,
        Bson::DbPointer(_) => 55,
        Bson::JavaScriptCode(_) => 60,
        Bson::JavaScriptCodeWithScope(_) => 65,
        Bson::MaxKey => 127,
    }
}

pub(crate) fn compare(a: &Bson, b: &Bson) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| within_rank(a, b))
}

pub(crate) fn equal(a: &Bson, b: &Bson) -> bool {
    compare(a, b) == Ordering::Equal
}

fn within_rank(a: &Bson, b: &Bson) -> Ordering {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return a.compare(b);
    }
    if let (Some(a), Some(b)) = (text(a), text(b)) {
        return a.as_bytes().cmp(b.as_bytes());
    }
    match (a, b) {
        (Bson::Document(a), Bson::Document(b)) => compare_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| compare(a, b));
            first_difference(pairs).then(a.len().cmp(&b.len()))
        }
        (Bson::Binary(a), Bson::Binary(b)) => {
            let key = |value: &bson::Binary| (value.bytes.len(), u8::from(value.subtype));
            key(a).cmp(&key(b)).then_with(|| a.bytes.cmp(&b.bytes))
        }
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (Bson::Boolean(a), Bson::Boolean(b)) => a.cmp(b),
        (Bson::DateTime(a), Bson::DateTime(b)) => a.cmp(b),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => {
            (a.time, a.increment).cmp(&(b.time, b.increment))
        }
        (Bson::RegularExpression(a), Bson::RegularExpression(b)) => a
            .pattern
            .as_str()
            .cmp(b.pattern.as_str())
            .then_with(|| a.options.as_str().cmp(b.options.as_str())),
        (Bson::JavaScriptCode(a), Bson::JavaScriptCode(b)) => a.cmp(b),
        (Bson::JavaScriptCodeWithScope(a), Bson::JavaScriptCodeWithScope(b)) => a
            .code
            .cmp(&b.code)
            .then_with(|| compare_documents(&a.scope, &b.scope)),
        (Bson::DbPointer(a), Bson::DbPointer(b)) => {
            // Its fields are private to the bson crate; the order only has to be stable.
            format!("{a:?}").cmp(&format!("{b:?}"))
        }
        _ => Ordering::Equal,
    }
}

/// Field by field in stored order: type before name before value.
pub(crate) fn compare_documents(a: &Document, b: &Document) -> Ordering {
    let pairs = a.iter().zip(b).map(|((name_a, a), (name_b, b))| {
        rank(a)
            .cmp(&rank(b))
            .then_with(|| name_a.cmp(name_b))
            .then_with(|| within_rank(a, b))
    });
    first_difference(pairs).then(a.len().cmp(&b.len()))
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

pub(crate) fn text(value: &Bson) -> Option<&str> {
    match value {
        Bson::String(text) | Bson::Symbol(text) => Some(text),
        _ => None,
    }
}

/// Same type, same bytes, same order of fields: whether an update changed anything.
pub(crate) fn identical(a: &Bson, b: &Bson) -> bool {
    match (a, b) {
        (Bson::Document(a), Bson::Document(b)) => identical_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
        }
        (Bson::Double(a), Bson::Double(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

/// `Document`'s own equality does not look at the order of fields.
pub(crate) fn identical_documents(a: &Document, b: &Document) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((key_a, a), (key_b, b))| key_a == key_b && identical(a, b))
}

/// A value that can be the key of an ordered map.
#[derive(Debug, Clone)]
pub(crate) struct Key(pub(crate) Bson);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

const TYPES: &[(&str, i32)] = &[
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("binData", 5),
    ("undefined", 6),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("regex", 11),
    ("dbPointer", 12),
    ("javascript", 13),
    ("symbol", 14),
    ("javascriptWithScope", 15),
    ("int", 16),
    ("timestamp", 17),
    ("long", 18),
    ("decimal", 19),
    ("minKey", -1),
    ("maxKey", 127),
];

pub(crate) fn type_code(value: &Bson) -> i32 {
    match value {
        Bson::MinKey => -1,
        Bson::MaxKey => 127,
        other => i32::from(other.element_type() as u8),
    }
}

pub(crate) fn type_name(value: &Bson) -> &'static str {
    let code = type_code(value);
    TYPES
        .iter()
        .find(|(_, known)| *known == code)
        .map_or("missing", |(name, _)| name)
}

pub(crate) fn code_of_name(name: &str) -> Option<i32> {
    TYPES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, code)| *code)
}

pub(crate) fn is_type_code(code: i32) -> bool {
    TYPES.iter().any(|(_, known)| *known == code)
}

/// What counts as true where any value may stand for a boolean.
pub(crate) fn truthy(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Null | Bson::Undefined => false,
        other => Number::of(other).is_none_or(|number| !number.is_zero()),
    }
}

#[cfg(test)]
mod tests {
    use bson::{bson, doc, oid::ObjectId};

    use super::*;

    #[test]
    fn types_stand_in_the_documented_order() {
        let ordered = [
            Bson::MinKey,
            Bson::Null,
            Bson::Int32(5),
            Bson::String("a".to_owned()),
            bson!({ "a": 1 }),
            bson!([1]),
            Bson::ObjectId(ObjectId::new()),
            Bson::Boolean(false),
            Bson::DateTime(bson::DateTime::now()),
            Bson::MaxKey,
        ];
        assert!(
            ordered
                .windows(2)
                .all(|pair| compare(&pair[0], &pair[1]).is_lt())
        );
    }

    #[test]
    fn the_order_of_fields_matters_to_equality() {
        let (ab, ba) = (doc! { "a": 1, "b": 1 }, doc! { "b": 1, "a": 1 });
        assert!(compare_documents(&ab, &ba).is_ne());
        assert!(!identical_documents(&ab, &ba));
    }

    #[test]
    fn equal_numbers_of_two_types_are_not_identical() {
        assert!(equal(&Bson::Int32(1), &Bson::Double(1.0)));
        assert!(!identical(&Bson::Int32(1), &Bson::Double(1.0)));
    }

    #[test]
    fn every_type_has_its_name() {
        assert_eq!(type_name(&Bson::MaxKey), "maxKey");
        assert_eq!(type_name(&Bson::Int64(1)), "long");
        assert_eq!(type_name(&bson!([])), "array");
    }
}
