//! Secrets that a configuration refers to: where they are, how they are fetched, and how they stay fresh.
//!
//! A [`Reference`] stands in the place of a credential. Those that need no network are followed by [`Local`]; those
//! to a [`Service`] by [`Secrets`], which keeps the last good value of each for as long as it is in use, so that a
//! service that is down takes nothing away from a process that runs.

#[cfg(feature = "http")]
mod keeper;
mod local;
mod reference;
#[cfg(feature = "http")]
mod remote;

use std::fmt;

#[cfg(feature = "http")]
pub use keeper::Secrets;
pub use local::{KEY, KEY_FILE, Local};
pub use reference::{Reference, Remote, Service};

use crate::secret::Secret;

/// What is wrong with a reference or behind it. It quotes neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl Wrong {
    /// What is wrong and what would be right.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl std::error::Error for Wrong {}

/// A secret, with what is odd about where it was.
#[derive(Debug, Clone)]
pub struct Found {
    /// The secret.
    pub secret: Secret,
    /// What is odd and not wrong.
    pub warning: Option<Wrong>,
}

impl From<Secret> for Found {
    fn from(secret: Secret) -> Self {
        Self {
            secret,
            warning: None,
        }
    }
}
