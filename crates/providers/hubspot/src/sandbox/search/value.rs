//! Values as they are compared: numbers as numbers, times as times, the rest without regard to case.

use std::cmp::Ordering;

use crate::sandbox::fields::Shape;
use crate::sandbox::values::moment_of;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Comparable {
    Number(f64),
    /// Milliseconds since 1970.
    Moment(i64),
    Text(String),
}

impl Comparable {
    /// A value of a property, or one that it is compared with.
    pub(super) fn of(shape: Shape, value: &str) -> Self {
        let read = match shape {
            Shape::Number => value.trim().parse().ok().map(Self::Number),
            Shape::Moment | Shape::Date => {
                moment_of(value).map(|at| Self::Moment(at.as_millisecond()))
            }
            _ => None,
        };
        read.unwrap_or_else(|| Self::Text(value.to_lowercase()))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Moment(a), Self::Moment(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Moment(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_is_compared_in_its_own_way() {
        let less = |shape, a, b| {
            Comparable::of(shape, a)
                .compare(&Comparable::of(shape, b))
                .is_lt()
        };
        assert!(less(Shape::Number, "9", "10.5") && less(Shape::Number, "-1", "0"));
        assert!(less(Shape::Line, "10.5", "9") && less(Shape::Line, "ada", "Bob"));
        assert!(less(
            Shape::Moment,
            "2026-01-01T00:00:00.000Z",
            "1793331017883"
        ));
        assert!(less(Shape::Date, "2026-01-01", "2026-01-02"));
        assert_eq!(
            Comparable::of(Shape::Line, "ADA"),
            Comparable::of(Shape::Line, "ada")
        );
    }
}
