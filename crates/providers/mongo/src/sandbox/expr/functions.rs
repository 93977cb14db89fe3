//! The table of functions whose arguments are all evaluated first.

use bson::Bson;

use super::{Value, arithmetic, arrays, convert, dates, logic, strings};
use crate::sandbox::{
    compare::type_name,
    failure::{Failure, Result},
    number::Number,
};

type Run = fn(&str, &[Value]) -> Result<Value>;

/// A function with a list of arguments.
#[derive(Debug)]
pub(crate) struct Function {
    pub(super) name: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) run: Run,
}

/// A function with named arguments, of which the first `required` must be there.
#[derive(Debug)]
pub(crate) struct Named {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) required: usize,
    pub(super) run: Run,
}

const MANY: usize = usize::MAX;

const fn function(name: &'static str, least: usize, most: usize, run: Run) -> Function {
    Function {
        name,
        least,
        most,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function("$abs", 1, 1, arithmetic::unary),
    function("$add", 0, MANY, arithmetic::add),
    function("$ceil", 1, 1, arithmetic::unary),
    function("$divide", 2, 2, arithmetic::divide),
    function("$floor", 1, 1, arithmetic::unary),
    function("$mod", 2, 2, arithmetic::modulo),
    function("$multiply", 0, MANY, arithmetic::multiply),
    function("$round", 1, 2, arithmetic::round),
    function("$sqrt", 1, 1, arithmetic::unary),
    function("$subtract", 2, 2, arithmetic::subtract),
    function("$trunc", 1, 2, arithmetic::round),
    function("$avg", 0, MANY, arithmetic::fold),
    function("$max", 0, MANY, arithmetic::fold),
    function("$min", 0, MANY, arithmetic::fold),
    function("$sum", 0, MANY, arithmetic::fold),
    function("$cmp", 2, 2, logic::compared),
    function("$eq", 2, 2, logic::compared),
    function("$gt", 2, 2, logic::compared),
    function("$gte", 2, 2, logic::compared),
    function("$lt", 2, 2, logic::compared),
    function("$lte", 2, 2, logic::compared),
    function("$ne", 2, 2, logic::compared),
    function("$not", 1, 1, logic::not),
    function("$concat", 0, MANY, strings::concat),
    function("$split", 2, 2, strings::split),
    function("$strLenBytes", 1, 1, strings::length),
    function("$strLenCP", 1, 1, strings::length),
    function("$substr", 3, 3, strings::substring),
    function("$substrBytes", 3, 3, strings::substring),
    function("$substrCP", 3, 3, strings::substring),
    function("$toLower", 1, 1, strings::case),
    function("$toUpper", 1, 1, strings::case),
    function("$arrayElemAt", 2, 2, arrays::element_at),
    function("$arrayToObject", 1, 1, arrays::to_object),
    function("$concatArrays", 0, MANY, arrays::concat),
    function("$first", 1, 1, arrays::end),
    function("$in", 2, 2, arrays::contains),
    function("$isArray", 1, 1, arrays::is_array),
    function("$last", 1, 1, arrays::end),
    function("$mergeObjects", 0, MANY, arrays::merge_objects),
    function("$objectToArray", 1, 1, arrays::from_object),
    function("$range", 2, 3, arrays::range),
    function("$reverseArray", 1, 1, arrays::reverse),
    function("$size", 1, 1, arrays::size),
    function("$slice", 2, 3, arrays::slice),
    function("$isNumber", 1, 1, convert::is_number),
    function("$toBool", 1, 1, convert::to_bool),
    function("$toDate", 1, 1, convert::to_date),
    function("$toDecimal", 1, 1, convert::to_number),
    function("$toDouble", 1, 1, convert::to_number),
    function("$toInt", 1, 1, convert::to_number),
    function("$toLong", 1, 1, convert::to_number),
    function("$toObjectId", 1, 1, convert::to_object_id),
    function("$toString", 1, 1, convert::to_string),
    function("$type", 1, 1, convert::type_of),
    function("$dayOfMonth", 1, 1, dates::part),
    function("$dayOfWeek", 1, 1, dates::part),
    function("$dayOfYear", 1, 1, dates::part),
    function("$hour", 1, 1, dates::part),
    function("$millisecond", 1, 1, dates::part),
    function("$minute", 1, 1, dates::part),
    function("$month", 1, 1, dates::part),
    function("$second", 1, 1, dates::part),
    function("$year", 1, 1, dates::part),
];

static NAMED: &[Named] = &[
    Named {
        name: "$dateToString",
        arguments: &["date", "format", "timezone", "onNull"],
        required: 1,
        run: dates::to_string,
    },
    Named {
        name: "$ltrim",
        arguments: &["input", "chars"],
        required: 1,
        run: strings::trim,
    },
    Named {
        name: "$rtrim",
        arguments: &["input", "chars"],
        required: 1,
        run: strings::trim,
    },
    Named {
        name: "$trim",
        arguments: &["input", "chars"],
        required: 1,
        run: strings::trim,
    },
];

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

pub(super) fn named(name: &str) -> Option<&'static Named> {
    NAMED.iter().find(|function| function.name == name)
}

pub(super) fn is_nullish(value: &Value) -> bool {
    matches!(value, None | Some(Bson::Null | Bson::Undefined))
}

pub(super) fn kind(value: &Value) -> &'static str {
    value.as_ref().map_or("missing", type_name)
}

pub(super) fn number(value: &Value) -> Option<Number> {
    value.as_ref().and_then(Number::of)
}

pub(super) fn integer(value: &Value) -> Option<i64> {
    number(value).and_then(Number::to_integer)
}

/// A count that must be at least one; null counts as not given.
pub(super) fn positive(value: &Value, operator: &str) -> Result<Option<usize>> {
    if is_nullish(value) {
        return Ok(None);
    }
    let count = integer(value).and_then(|count| usize::try_from(count).ok());
    count.filter(|count| *count > 0).map(Some).ok_or_else(|| {
        Failure::new(
            327_391,
            format!("{operator}: limit must be a positive integer"),
        )
    })
}

pub(super) fn boolean(value: bool) -> Value {
    Some(Bson::Boolean(value))
}

pub(super) const NULL: Value = Some(Bson::Null);
