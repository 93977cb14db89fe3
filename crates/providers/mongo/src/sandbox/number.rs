//! The four numeric types of BSON as one line of numbers.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "conversions between i64 and f64 are guarded by range, or are what the server does"
)]

use std::cmp::Ordering;

use bson::Bson;

use super::{
    decimal::Decimal,
    failure::{Failure, Result},
};

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i32),
    Long(i64),
    Double(f64),
    Decimal(Decimal),
}

/// The arithmetic that update operators and expressions share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
}

impl Number {
    pub(crate) fn of(value: &Bson) -> Option<Self> {
        match value {
            Bson::Int32(value) => Some(Self::Int(*value)),
            Bson::Int64(value) => Some(Self::Long(*value)),
            Bson::Double(value) => Some(Self::Double(*value)),
            Bson::Decimal128(value) => Some(Self::Decimal(Decimal::decode(*value))),
            _ => None,
        }
    }

    pub(crate) fn is_nan(self) -> bool {
        match self {
            Self::Double(value) => value.is_nan(),
            Self::Decimal(value) => matches!(value, Decimal::Nan),
            _ => false,
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        match self {
            Self::Int(value) => value == 0,
            Self::Long(value) => value == 0,
            Self::Double(value) => value == 0.0,
            Self::Decimal(value) => value.is_zero(),
        }
    }

    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Self::Int(value) => value.into(),
            Self::Long(value) => value as f64,
            Self::Double(value) => value,
            Self::Decimal(value) => value.to_f64(),
        }
    }

    /// The value as a 64-bit integer, if it is one.
    pub(crate) fn to_integer(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value.into()),
            Self::Long(value) => Some(value),
            Self::Double(_) | Self::Decimal(_) => {
                let value = self.to_f64();
                let whole = value.fract() == 0.0 && (-TWO_63..TWO_63).contains(&value);
                whole.then_some(value as i64)
            }
        }
    }

    /// The value without its fraction, as `$toLong` and `$mod` in a filter read it.
    pub(crate) fn truncated(self) -> Option<i64> {
        match self {
            Self::Double(value) => Self::Double(value.trunc()).to_integer(),
            Self::Decimal(value) => Self::Double(value.to_f64().trunc()).to_integer(),
            whole => whole.to_integer(),
        }
    }

    fn as_long(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value.into()),
            Self::Long(value) => Some(value),
            _ => None,
        }
    }

    /// Exact where the server is exact: no integer is turned into a double to be compared.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Double(a), Self::Double(b)) => compare_doubles(a, b),
            (Self::Double(a), Self::Int(_) | Self::Long(_)) => {
                compare_long_double(other.as_long().unwrap_or_default(), a).reverse()
            }
            (Self::Int(_) | Self::Long(_), Self::Double(b)) => {
                compare_long_double(self.as_long().unwrap_or_default(), b)
            }
            (Self::Decimal(_), _) | (_, Self::Decimal(_)) => {
                self.to_decimal(34).compare(other.to_decimal(34))
            }
            _ => self.as_long().cmp(&other.as_long()),
        }
    }

    fn to_decimal(self, digits: usize) -> Decimal {
        match self {
            Self::Int(value) => Decimal::from_i64(value.into()),
            Self::Long(value) => Decimal::from_i64(value),
            Self::Double(value) => Decimal::from_f64(value, digits),
            Self::Decimal(value) => value,
        }
    }

    /// The result in the wider of the two types; 32 bits that overflow become 64.
    ///
    /// `Ok(None)` when 64 bits overflow: updates refuse that, expressions go on with doubles.
    pub(crate) fn calculate(self, operation: Operation, other: Self) -> Result<Option<Self>> {
        if let (Some(a), Some(b)) = (self.as_long(), other.as_long()) {
            let result = match operation {
                Operation::Add => a.checked_add(b),
                Operation::Subtract => a.checked_sub(b),
                Operation::Multiply => a.checked_mul(b),
            };
            let narrow = matches!((self, other), (Self::Int(_), Self::Int(_)));
            return Ok(result.map(|value| match i32::try_from(value) {
                Ok(value) if narrow => Self::Int(value),
                _ => Self::Long(value),
            }));
        }
        if matches!(self, Self::Decimal(_)) || matches!(other, Self::Decimal(_)) {
            let (a, b) = (self.to_decimal(15), other.to_decimal(15));
            let result = match operation {
                Operation::Add => a.add(b),
                Operation::Subtract => a.add(b.negated()),
                Operation::Multiply => a.multiply(b).ok_or_else(|| {
                    Failure::not_implemented("decimal products of more than 38 digits")
                })?,
            };
            return Ok(Some(Self::Decimal(result)));
        }
        Ok(Some(self.calculate_doubles(operation, other)))
    }

    pub(crate) fn calculate_doubles(self, operation: Operation, other: Self) -> Self {
        let (a, b) = (self.to_f64(), other.to_f64());
        Self::Double(match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
        })
    }

    pub(crate) fn divide(self, other: Self) -> Self {
        if matches!(self, Self::Decimal(_)) || matches!(other, Self::Decimal(_)) {
            return Self::Decimal(self.to_decimal(15).divide(other.to_decimal(15)));
        }
        Self::Double(self.to_f64() / other.to_f64())
    }
}

impl From<Number> for Bson {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int32(value),
            Number::Long(value) => Self::Int64(value),
            Number::Double(value) => Self::Double(value),
            Number::Decimal(value) => Self::Decimal128(value.encode()),
        }
    }
}

/// The smallest integer type that holds `value`, as the server answers counts.
pub(crate) fn integer(value: i64) -> Bson {
    i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32)
}

/// A count of documents as the server answers it.
pub(crate) fn count(value: usize) -> Bson {
    integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_long_double(long: i64, double: f64) -> Ordering {
    if double.is_nan() || double < -TWO_63 {
        return Ordering::Greater;
    }
    if double >= TWO_63 {
        return Ordering::Less;
    }
    long.cmp(&(double.trunc() as i64))
        .then_with(|| compare_doubles(0.0, double.fract()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_beyond_the_precision_of_a_double_stay_apart() {
        let big = 9_007_199_254_740_993_i64;
        let double = Number::Double(9_007_199_254_740_992.0);
        assert_eq!(Number::Long(big).compare(double), Ordering::Greater);
        assert_eq!(double.compare(Number::Long(big)), Ordering::Less);
        assert_eq!(
            Number::Long(i64::MAX).compare(Number::Double(TWO_63)),
            Ordering::Less
        );
    }

    #[test]
    fn one_is_one_in_every_type() {
        let decimal = Number::Decimal(Decimal::from_i64(1));
        let ones = [
            Number::Int(1),
            Number::Long(1),
            Number::Double(1.0),
            decimal,
        ];
        for a in ones {
            for b in ones {
                assert_eq!(a.compare(b), Ordering::Equal);
            }
        }
    }

    #[test]
    fn thirty_two_bits_widen_and_sixty_four_bits_report_overflow() {
        let sum = Number::Int(i32::MAX)
            .calculate(Operation::Add, Number::Int(1))
            .unwrap();
        assert_eq!(Bson::from(sum.unwrap()), Bson::Int64(2_147_483_648));
        let over = Number::Long(i64::MAX)
            .calculate(Operation::Add, Number::Int(1))
            .unwrap();
        assert!(over.is_none());
    }
}
