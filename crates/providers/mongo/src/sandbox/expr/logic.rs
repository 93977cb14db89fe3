//! Comparison and negation.

use bson::Bson;

use super::{Value, functions::boolean};
use crate::sandbox::{
    compare::{compare, truthy},
    failure::Result,
};

/// Comparison across all types; a missing field stands below null.
pub(super) fn compared(name: &str, arguments: &[Value]) -> Result<Value> {
    let [left, right] = arguments else {
        return Ok(None);
    };
    let order = match (left, right) {
        (Some(left), Some(right)) => compare(left, right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    };
    Ok(match name {
        "$eq" => boolean(order.is_eq()),
        "$ne" => boolean(order.is_ne()),
        "$gt" => boolean(order.is_gt()),
        "$gte" => boolean(order.is_ge()),
        "$lt" => boolean(order.is_lt()),
        "$lte" => boolean(order.is_le()),
        _ => Some(Bson::Int32(order as i32)),
    })
}

pub(super) fn not(_: &str, arguments: &[Value]) -> Result<Value> {
    Ok(boolean(!arguments.iter().flatten().any(truthy)))
}
