//! Where a bearer token comes from: a fixed one from the settings, or a source that keeps it fresh.

use std::sync::Arc;

use async_trait::async_trait;

use crate::cx::Cx;
use crate::error::Result;
use crate::secret::Secret;

/// Gives the token of a call. Asked before each attempt, and told when the provider refused what it gave.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that is good now, for the tenant, the user and the account of this call.
    ///
    /// # Errors
    /// `AUTH_REQUIRED` when a person has to log in first, or why no token can be had now.
    async fn token(&self, provider: &'static str, cx: &Cx) -> Result<Secret>;

    /// The provider answered 401 to this token. True when another may be had: the attempt is then made
    /// again, once, as far as the provider's policy has retries.
    async fn refused(&self, provider: &'static str, cx: &Cx, token: &Secret) -> bool;
}

/// A token that stays what it is.
pub(crate) struct Fixed(pub(crate) Secret);

#[async_trait]
impl TokenSource for Fixed {
    async fn token(&self, _: &'static str, _: &Cx) -> Result<Secret> {
        Ok(self.0.clone())
    }

    async fn refused(&self, _: &'static str, _: &Cx, _: &Secret) -> bool {
        false
    }
}

/// A source that never changes.
pub(crate) fn fixed(token: Secret) -> Arc<dyn TokenSource> {
    Arc::new(Fixed(token))
}
