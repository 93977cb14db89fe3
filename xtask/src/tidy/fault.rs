//! One broken rule.

/// Where it is, what is wrong, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: String,
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Fault {
    pub(super) fn new(
        place: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}
