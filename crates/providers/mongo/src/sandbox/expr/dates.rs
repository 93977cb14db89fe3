//! Dates in UTC; other time zones are refused.

use std::fmt::Write;

use bson::{Bson, DateTime};

use super::{
    Value,
    functions::{NULL, is_nullish, kind},
};
use crate::sandbox::{
    failure::{Failure, Result},
    number::integer,
};

const DAY: i64 = 86_400_000;

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    days: i64,
    millis: i64,
}

/// The proleptic Gregorian date, by counting in eras of 400 years that begin in March.
fn parts(date: DateTime) -> Parts {
    let millis = date.timestamp_millis();
    let days = millis.div_euclid(DAY);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Parts {
        year,
        month,
        day,
        days,
        millis: millis.rem_euclid(DAY),
    }
}

impl Parts {
    fn day_of_week(&self) -> i64 {
        // The epoch was a Thursday, and Sunday counts as 1.
        (self.days + 4).rem_euclid(7) + 1
    }

    fn day_of_year(&self) -> i64 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let month = usize::try_from(self.month - 1).unwrap_or(0);
        before.get(month).unwrap_or(&0) + self.day + i64::from(leap && self.month > 2)
    }
}

fn date(value: &Value) -> Result<DateTime> {
    match value {
        Some(Bson::DateTime(date)) => Ok(*date),
        Some(Bson::ObjectId(id)) => Ok(id.timestamp()),
        Some(Bson::Timestamp(stamp)) => Ok(DateTime::from_millis(i64::from(stamp.time) * 1000)),
        other => {
            let kind = kind(other);
            Err(Failure::new(
                16006,
                format!("can't convert from BSON type {kind} to Date"),
            ))
        }
    }
}

pub(super) fn part(name: &str, arguments: &[Value]) -> Result<Value> {
    let argument = arguments.first().unwrap_or(&None);
    if is_nullish(argument) {
        return Ok(NULL);
    }
    let parts = parts(date(argument)?);
    Ok(Some(integer(match name {
        "$year" => parts.year,
        "$month" => parts.month,
        "$dayOfMonth" => parts.day,
        "$dayOfWeek" => parts.day_of_week(),
        "$dayOfYear" => parts.day_of_year(),
        "$hour" => parts.millis / 3_600_000,
        "$minute" => parts.millis / 60_000 % 60,
        "$second" => parts.millis / 1_000 % 60,
        _ => parts.millis % 1_000,
    })))
}

pub(super) fn to_string(_: &str, arguments: &[Value]) -> Result<Value> {
    let [value, format, zone, on_null] = arguments else {
        return Ok(NULL);
    };
    match zone {
        None => {}
        Some(Bson::String(zone)) if matches!(zone.as_str(), "UTC" | "GMT" | "Z" | "+00:00") => {}
        Some(_) => return Err(Failure::not_implemented("time zones other than UTC")),
    }
    if is_nullish(value) {
        return Ok(on_null.clone().or(NULL));
    }
    let format = match format {
        None => "%Y-%m-%dT%H:%M:%S.%LZ",
        Some(Bson::String(format)) => format,
        Some(_) => {
            return Err(Failure::new(
                18533,
                "$dateToString requires that 'format' be a string",
            ));
        }
    };
    Ok(Some(Bson::String(format_date(date(value)?, format)?)))
}

pub(crate) fn format_date(date: DateTime, format: &str) -> Result<String> {
    let parts = parts(date);
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let written = match letters.next() {
            Some('Y') => write!(out, "{:04}", parts.year),
            Some('m') => write!(out, "{:02}", parts.month),
            Some('d') => write!(out, "{:02}", parts.day),
            Some('H') => write!(out, "{:02}", parts.millis / 3_600_000),
            Some('M') => write!(out, "{:02}", parts.millis / 60_000 % 60),
            Some('S') => write!(out, "{:02}", parts.millis / 1_000 % 60),
            Some('L') => write!(out, "{:03}", parts.millis % 1_000),
            Some('j') => write!(out, "{:03}", parts.day_of_year()),
            Some('w') => write!(out, "{}", parts.day_of_week()),
            Some('z') => out.write_str("+0000"),
            Some('Z') => out.write_char('0'),
            Some('%') => out.write_char('%'),
            Some(other) => {
                return Err(Failure::new(
                    18536,
                    format!("Invalid format character '%{other}' in format string"),
                ));
            }
            None => {
                return Err(Failure::new(18535, "Unmatched '%' at end of format string"));
            }
        };
        // Writing to a string does not fail.
        written.unwrap_or_default();
    }
    Ok(out)
}
