//! Decimal128 taken apart, for exact comparison and plain arithmetic.

use std::cmp::Ordering;

use bson::Decimal128;

const MAX_DIGITS: u32 = 34;
const BIAS: i32 = 6176;
const MAX_EXPONENT: i32 = 6111;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Decimal {
    Nan,
    Infinite {
        negative: bool,
    },
    Finite {
        negative: bool,
        coefficient: u128,
        exponent: i32,
    },
}

impl Decimal {
    pub(crate) fn decode(value: Decimal128) -> Self {
        let bits = u128::from_le_bytes(value.bytes());
        let negative = bits >> 127 == 1;
        match (bits >> 122) & 0b1_1111 {
            0b1_1111 => return Self::Nan,
            0b1_1110 => return Self::Infinite { negative },
            _ => {}
        }
        // The second form of the exponent can only hold coefficients over the limit, which the
        // standard reads as zero.
        let large = (bits >> 125) & 0b11 == 0b11;
        let exponent = (bits >> if large { 111 } else { 113 }) & 0x3fff;
        let coefficient = bits & ((1 << 113) - 1);
        let coefficient = if large || coefficient >= 10_u128.pow(MAX_DIGITS) {
            0
        } else {
            coefficient
        };
        let exponent = i32::try_from(exponent).map_or(0, |exponent| exponent - BIAS);
        Self::Finite {
            negative,
            coefficient,
            exponent,
        }
    }

    pub(crate) fn encode(self) -> Decimal128 {
        let sign = |negative: bool| u128::from(negative) << 127;
        let bits = match self.fitted() {
            Self::Nan => 0x7c << 120,
            Self::Infinite { negative } => sign(negative) | 0x78 << 120,
            Self::Finite {
                negative,
                coefficient,
                exponent,
            } => {
                let biased = u128::try_from(exponent + BIAS).unwrap_or(0);
                sign(negative) | biased << 113 | coefficient
            }
        };
        Decimal128::from_bytes(bits.to_le_bytes())
    }

    pub(crate) fn from_i64(value: i64) -> Self {
        Self::Finite {
            negative: value < 0,
            coefficient: u128::from(value.unsigned_abs()),
            exponent: 0,
        }
    }

    /// Rounded to `digits` significant digits: 34 to compare, 15 to calculate, as the server does.
    pub(crate) fn from_f64(value: f64, digits: usize) -> Self {
        if value.is_nan() {
            return Self::Nan;
        }
        let negative = value.is_sign_negative();
        if value.is_infinite() {
            return Self::Infinite { negative };
        }
        let text = format!("{:.*e}", digits.saturating_sub(1), value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len());
        let coefficient = mantissa.replace('.', "").parse().unwrap_or(0);
        let exponent = exponent.parse().unwrap_or(0) - i32::try_from(fraction).unwrap_or(0);
        Self::Finite {
            negative,
            coefficient,
            exponent,
        }
    }

    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Self::Nan => f64::NAN,
            Self::Infinite { negative: true } => f64::NEG_INFINITY,
            Self::Infinite { negative: false } => f64::INFINITY,
            Self::Finite {
                negative,
                coefficient,
                exponent,
            } => {
                let sign = if negative { "-" } else { "" };
                format!("{sign}{coefficient}e{exponent}")
                    .parse()
                    .unwrap_or(f64::NAN)
            }
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        matches!(self, Self::Finite { coefficient: 0, .. })
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Nan => Self::Nan,
            Self::Infinite { negative } => Self::Infinite {
                negative: !negative,
            },
            Self::Finite {
                negative,
                coefficient,
                exponent,
            } => Self::Finite {
                negative: !negative,
                coefficient,
                exponent,
            },
        }
    }

    /// A total order with NaN below everything, as in the server's indexes.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        self.class()
            .cmp(&other.class())
            .then_with(|| match (self, other) {
                (
                    Self::Finite {
                        negative,
                        coefficient: a,
                        exponent: ea,
                    },
                    Self::Finite {
                        coefficient: b,
                        exponent: eb,
                        ..
                    },
                ) => {
                    let order = magnitude(a, ea, b, eb);
                    if negative { order.reverse() } else { order }
                }
                _ => Ordering::Equal,
            })
    }

    fn class(self) -> i8 {
        match self {
            Self::Nan => -3,
            Self::Infinite { negative: true } => -2,
            Self::Finite { coefficient: 0, .. } => 0,
            Self::Finite { negative: true, .. } => -1,
            Self::Finite {
                negative: false, ..
            } => 1,
            Self::Infinite { negative: false } => 2,
        }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nan, _) | (_, Self::Nan) => Self::Nan,
            (Self::Infinite { negative: a }, Self::Infinite { negative: b }) if a != b => Self::Nan,
            (Self::Infinite { .. }, _) => self,
            (_, Self::Infinite { .. }) => other,
            (
                Self::Finite {
                    negative: na,
                    coefficient: a,
                    exponent: ea,
                },
                Self::Finite {
                    negative: nb,
                    coefficient: b,
                    exponent: eb,
                },
            ) => {
                let (a, b, exponent) = align(a, ea, b, eb);
                let (negative, coefficient) = match (na == nb, a.cmp(&b)) {
                    (true, _) => (na, a + b),
                    (false, Ordering::Less) => (nb, b - a),
                    (false, Ordering::Equal) => (false, 0),
                    (false, Ordering::Greater) => (na, a - b),
                };
                Self::Finite {
                    negative,
                    coefficient,
                    exponent,
                }
                .fitted()
            }
        }
    }

    /// `None` when the exact product needs more than 38 digits.
    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (
                Self::Finite {
                    negative: na,
                    coefficient: a,
                    exponent: ea,
                },
                Self::Finite {
                    negative: nb,
                    coefficient: b,
                    exponent: eb,
                },
            ) => Self::Finite {
                negative: na != nb,
                coefficient: a.checked_mul(b)?,
                exponent: ea + eb,
            }
            .fitted(),
            _ if self.class() == 0 || other.class() == 0 => Self::Nan,
            (Self::Nan, _) | (_, Self::Nan) => Self::Nan,
            _ => Self::Infinite {
                negative: (self.class() < 0) != (other.class() < 0),
            },
        })
    }

    pub(crate) fn divide(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Finite {
                    negative: na,
                    coefficient: a,
                    exponent: ea,
                },
                Self::Finite {
                    negative: nb,
                    coefficient: b,
                    exponent: eb,
                },
            ) if b != 0 => {
                let (mut quotient, mut rest, mut exponent) = (a / b, a % b, ea - eb);
                while rest != 0 && digits(quotient) < MAX_DIGITS {
                    rest *= 10;
                    quotient = quotient * 10 + rest / b;
                    rest %= b;
                    exponent -= 1;
                }
                if rest >= b - rest && rest != 0 {
                    quotient += 1;
                }
                Self::Finite {
                    negative: na != nb,
                    coefficient: quotient,
                    exponent,
                }
                .fitted()
            }
            (
                Self::Finite {
                    negative: na,
                    coefficient,
                    ..
                },
                Self::Finite { negative: nb, .. },
            ) if coefficient != 0 => Self::Infinite { negative: na != nb },
            (Self::Infinite { negative: na }, Self::Finite { negative: nb, .. }) => {
                Self::Infinite { negative: na != nb }
            }
            (Self::Finite { .. }, Self::Infinite { .. }) => Self::from_i64(0),
            _ => Self::Nan,
        }
    }

    /// Rounds half to even until coefficient and exponent fit the format.
    fn fitted(self) -> Self {
        let Self::Finite {
            negative,
            mut coefficient,
            mut exponent,
        } = self
        else {
            return self;
        };
        let over = digits(coefficient).saturating_sub(MAX_DIGITS);
        let under = u32::try_from(-BIAS - exponent).unwrap_or(0);
        let drop = over.max(under);
        if drop > 0 {
            coefficient = round(coefficient, drop);
            exponent = exponent.saturating_add(i32::try_from(drop).unwrap_or(i32::MAX));
        }
        while exponent > MAX_EXPONENT && coefficient != 0 && digits(coefficient) < MAX_DIGITS {
            coefficient *= 10;
            exponent -= 1;
        }
        if digits(coefficient) > MAX_DIGITS {
            coefficient /= 10;
            exponent += 1;
        }
        if exponent > MAX_EXPONENT {
            if coefficient != 0 {
                return Self::Infinite { negative };
            }
            exponent = MAX_EXPONENT;
        }
        Self::Finite {
            negative,
            coefficient,
            exponent,
        }
    }
}

fn digits(value: u128) -> u32 {
    value.checked_ilog10().map_or(1, |log| log + 1)
}

fn round(value: u128, drop: u32) -> u128 {
    if drop == 0 {
        return value;
    }
    let Some(unit) = 10_u128.checked_pow(drop) else {
        return 0;
    };
    let (kept, rest) = (value / unit, value % unit);
    match rest.cmp(&(unit / 2)) {
        Ordering::Less => kept,
        Ordering::Equal => kept + kept % 2,
        Ordering::Greater => kept + 1,
    }
}

fn magnitude(a: u128, ea: i32, b: u128, eb: i32) -> Ordering {
    let height = |value: u128, exponent: i32| i64::from(digits(value)) + i64::from(exponent);
    height(a, ea).cmp(&height(b, eb)).then_with(|| {
        // Equal heights differ by at most 34 digits of exponent, so scaling stays within u128.
        let scale = |value: u128, by: i32| {
            let factor = u32::try_from(by)
                .ok()
                .and_then(|by| 10_u128.checked_pow(by));
            factor
                .and_then(|factor| value.checked_mul(factor))
                .unwrap_or(value)
        };
        let low = ea.min(eb);
        scale(a, ea - low).cmp(&scale(b, eb - low))
    })
}

/// Brings both to one exponent; digits that cannot matter to 34 significant ones are rounded off.
fn align(a: u128, ea: i32, b: u128, eb: i32) -> (u128, u128, i32) {
    if ea < eb {
        let (b, a, exponent) = align(b, eb, a, ea);
        return (a, b, exponent);
    }
    if a == 0 {
        return (0, b, eb);
    }
    let gap = u32::try_from(ea - eb).unwrap_or(0);
    let room = (MAX_DIGITS + 3).saturating_sub(digits(a)).min(gap);
    let exponent = ea - i32::try_from(room).unwrap_or(0);
    (a * 10_u128.pow(room), round(b, gap - room), exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::decode(text.parse().unwrap())
    }

    fn text(value: Decimal) -> String {
        value.encode().to_string()
    }

    #[test]
    fn decoding_and_encoding_are_inverse() {
        for value in [
            "0",
            "-12.50",
            "1E+30",
            "NaN",
            "Infinity",
            "-Infinity",
            "9.99E-6143",
        ] {
            assert_eq!(text(decimal(value)), value);
        }
    }

    #[test]
    fn trailing_zeros_do_not_change_the_order() {
        assert_eq!(decimal("1.50").compare(decimal("1.5")), Ordering::Equal);
        assert_eq!(
            decimal("1E+3").compare(decimal("999.999")),
            Ordering::Greater
        );
        assert_eq!(
            decimal("-1E+3").compare(decimal("-999.999")),
            Ordering::Less
        );
        assert_eq!(decimal("NaN").compare(decimal("-Infinity")), Ordering::Less);
    }

    #[test]
    fn sums_keep_the_cents() {
        assert_eq!(text(decimal("12.50").add(decimal("0.1"))), "12.60");
        assert_eq!(text(decimal("5").add(decimal("-7.25"))), "-2.25");
        assert_eq!(
            text(decimal("1E+40").add(decimal("1"))).replace('0', ""),
            "1.E+4"
        );
    }

    #[test]
    fn products_and_quotients_are_exact_or_rounded_to_34_digits() {
        assert_eq!(
            text(decimal("12.50").multiply(decimal("3")).unwrap()),
            "37.50"
        );
        assert_eq!(text(decimal("1").divide(decimal("8"))), "0.125");
        assert_eq!(
            text(decimal("2").divide(decimal("3"))),
            format!("0.{}7", "6".repeat(33))
        );
        assert_eq!(text(decimal("1").divide(decimal("0"))), "Infinity");
    }

    #[test]
    fn a_double_is_read_with_the_digits_asked_for() {
        assert_eq!(text(Decimal::from_f64(0.1, 15)), "0.100000000000000");
        assert_eq!(
            Decimal::from_f64(0.1, 34).compare(decimal("0.1")),
            Ordering::Greater
        );
    }
}
