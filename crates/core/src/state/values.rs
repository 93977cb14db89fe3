//! Values by name: for tokens, marks of what was seen, and short locks.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{State, Store, Trouble, hashed};
use crate::cx::Cx;

/// Keeps bytes by folder and name, both hashed. What a method did is durable when it returns.
#[async_trait]
pub trait ValueStore: Send + Sync {
    /// The value of a name.
    async fn get(&self, folder: &str, name: &str) -> Result<Option<Found>, Trouble>;

    /// Keeps a value, for ever or for a while, whatever was there before.
    async fn put(
        &self,
        folder: &str,
        name: &str,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Version, Trouble>;

    /// Keeps a value if the one that is there has the version `seen`; `None` means that there is none.
    async fn swap(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
        value: Bytes,
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble>;

    /// Removes a value, any or the one of a version, and says whether there was such a one.
    async fn remove(
        &self,
        folder: &str,
        name: &str,
        seen: Option<Version>,
    ) -> Result<bool, Trouble>;

    /// Everything in a folder, with its name.
    async fn list(&self, folder: &str) -> Result<Vec<(String, Found)>, Trouble>;
}

/// The version of a value: another one whenever it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u64);

impl Version {
    /// A version that was never there before.
    pub(crate) fn fresh() -> Self {
        // Stores keep signed numbers.
        Self(fastrand::u64(1..u64::MAX / 2))
    }
}

/// A value and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The bytes.
    pub value: Bytes,
    /// For [`Values::swap`].
    pub version: Version,
}

/// Whose values they are, and of which kind: what one [`Values::list`] shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: String,
}

impl Place {
    /// Values of a kind (`oauth`, `webhook`) for the provider, tenant and account of a call.
    pub fn of(kind: &'static str, provider: &str, cx: &Cx) -> Self {
        Self::named(kind, provider, &cx.principal().tenant, cx.account())
    }

    /// Values of a kind for a provider's account of a tenant.
    pub fn named(kind: &'static str, provider: &str, tenant: &str, account: &str) -> Self {
        Self {
            folder: format!("{kind}/{}", hashed(&[kind, provider, tenant, account])),
        }
    }

    /// Values of a kind that belong to nobody, such as marks of spent tokens.
    pub fn common(kind: &'static str) -> Self {
        Self {
            folder: kind.to_owned(),
        }
    }

    pub(super) fn folder(&self) -> &str {
        &self.folder
    }
}

/// Values by name, sealed where the store is not the process's own memory.
#[derive(Clone)]
pub struct Values {
    state: State,
}

impl Values {
    pub(super) fn new(state: State) -> Self {
        Self { state }
    }

    fn store(&self) -> &dyn Store {
        &**self.state.store()
    }

    fn seal(&self, place: &Place, name: &str, value: &[u8]) -> Result<Bytes, Trouble> {
        self.state.seal(&["value", place.folder(), name], value)
    }

    fn open(&self, place: &Place, name: &str, found: Found) -> Result<Found, Trouble> {
        let name = ["value", place.folder(), name];
        let value = self.state.open(&name, found.value)?;
        Ok(Found { value, ..found })
    }

    /// The value of a name.
    ///
    /// # Errors
    /// When the store does not answer, or the value was sealed with a key that is not there any more.
    pub async fn get(&self, place: &Place, name: &str) -> Result<Option<Found>, Trouble> {
        let name = hashed(&[name]);
        let found = self.store().get(place.folder(), &name).await?;
        let open = |found| self.open(place, &name, found);
        found.map(open).transpose()
    }

    /// Keeps a value, whatever was there before.
    ///
    /// # Errors
    /// When the store does not answer or takes no more.
    pub async fn put(
        &self,
        place: &Place,
        name: &str,
        value: &[u8],
        kept: Option<Duration>,
    ) -> Result<Version, Trouble> {
        let name = hashed(&[name]);
        let value = self.seal(place, &name, value)?;
        self.store().put(place.folder(), &name, value, kept).await
    }

    /// Keeps a value if nobody changed it since `seen`; `None` if there should be none yet. Gives nothing when
    /// somebody was faster.
    ///
    /// # Errors
    /// When the store does not answer or takes no more.
    pub async fn swap(
        &self,
        place: &Place,
        name: &str,
        seen: Option<Version>,
        value: &[u8],
        kept: Option<Duration>,
    ) -> Result<Option<Version>, Trouble> {
        let name = hashed(&[name]);
        let value = self.seal(place, &name, value)?;
        let store = self.store();
        store.swap(place.folder(), &name, seen, value, kept).await
    }

    /// Removes a value, any or the one of a version, and says whether there was such a one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove(
        &self,
        place: &Place,
        name: &str,
        seen: Option<Version>,
    ) -> Result<bool, Trouble> {
        let name = hashed(&[name]);
        self.store().remove(place.folder(), &name, seen).await
    }

    /// Every value of a place, in no order.
    ///
    /// # Errors
    /// When the store does not answer, or a value was sealed with a key that is not there any more.
    pub async fn list(&self, place: &Place) -> Result<Vec<Found>, Trouble> {
        let all = self.store().list(place.folder()).await?;
        let open = |(name, found): (String, Found)| self.open(place, &name, found);
        all.into_iter().map(open).collect()
    }

    /// Takes a lock for at most `held`, so that one of many replicas does a thing. Nothing when another has it.
    /// Give it back with [`Values::remove`] and the version.
    ///
    /// # Errors
    /// When the store does not answer or takes no more.
    pub async fn lock(
        &self,
        place: &Place,
        name: &str,
        held: Duration,
    ) -> Result<Option<Version>, Trouble> {
        self.swap(place, name, None, &[], Some(held)).await
    }
}
