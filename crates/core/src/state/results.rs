//! Results of reads that replicas share.
//!
//! A *group* holds the results of one tool for one account. It has an *edition*, which is another one after every
//! write that makes results stale: what was read under an older edition is neither found nor kept. For each name one
//! asker at a time has the *turn* to fetch it; a turn ends by itself when it is not held on to.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Trouble;

/// Keeps results by group and name, both hashed, and says whose turn it is to fetch one.
#[async_trait]
pub trait ResultStore: Send + Sync {
    /// The result of a name. Without one `asker` gets the turn for `held`, unless another one has it.
    async fn look(
        &self,
        group: &str,
        name: &str,
        asker: &str,
        held: Duration,
    ) -> Result<Look, Trouble>;

    /// Ends a turn with its result, and says whether that was kept: not if the group has another edition by now.
    async fn keep(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        value: Bytes,
        kept: Duration,
    ) -> Result<bool, Trouble>;

    /// Has the turn for another while, and says whether it still was this asker's.
    async fn hold(
        &self,
        group: &str,
        name: &str,
        turn: &Turn,
        held: Duration,
    ) -> Result<bool, Trouble>;

    /// Ends a turn without a result.
    async fn leave(&self, group: &str, name: &str, turn: &Turn) -> Result<(), Trouble>;

    /// Gives groups another edition, and tells the other replicas.
    async fn forget(&self, groups: &[&str]) -> Result<(), Trouble>;
}

/// What a look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The result.
    Found {
        /// Of the group.
        edition: String,
        /// As it was kept.
        value: Bytes,
        /// How long it is still good.
        left: Duration,
    },
    /// There is none, and the asker has the turn.
    Yours(Turn),
    /// There is none, and another one has the turn.
    Theirs {
        /// The turn that the asker would have: with it a result is kept, if it is fetched all the same.
        own: Turn,
        /// Who has it.
        holder: String,
    },
}

/// The right to fetch a result, and to keep it as long as its group has the same edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Of the group, when it was looked at.
    pub edition: String,
    /// Who asked.
    pub asker: String,
}

impl Turn {
    /// What tells one turn from all others.
    pub(super) fn holder(&self) -> String {
        format!("{}{}", self.edition, self.asker)
    }
}

/// An edition that was never there before. All are of one length.
pub(super) fn fresh_edition() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
