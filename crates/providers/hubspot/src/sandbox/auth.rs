//! Who calls: the account that a token belongs to.
//!
//! Any token that could be one is good. Some words in a token make it a bad one: `wrong` is refused, `expired` has
//! expired, `unscoped` may do nothing, `exhausted` has used up the calls of its day.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use business_tools_sandbox::auth::{Credentials, credentials, looks_wrong};
use business_tools_sandbox::axum::http::HeaderMap;
use business_tools_sandbox::ids;

use super::refusal::{Answer, Refusal};

/// How long an OAuth access token is good.
pub(super) const LIFETIME: Duration = Duration::from_mins(30);

/// The account behind a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The number of the account, which is its name here: a token must not show in `GET /_sandbox`.
    pub(super) account: String,
    /// Whether the token came from the OAuth endpoint.
    pub(super) oauth: bool,
}

impl Caller {
    /// The account of a token, or of whatever stands for one.
    pub(super) fn of(credential: &str) -> Self {
        Self {
            account: portal_of(credential).to_string(),
            oauth: false,
        }
    }

    pub(super) fn portal(&self) -> u32 {
        self.account.parse().unwrap_or_default()
    }
}

/// Eight digits that always belong to a credential.
fn portal_of(credential: &str) -> u32 {
    let hex = ids::hex32_of("", credential);
    let number = u128::from_str_radix(&hex, 16).unwrap_or_default() % 90_000_000;
    10_000_000 + u32::try_from(number).unwrap_or_default()
}

/// A token that OAuth gave out.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) account: String,
    pub(super) client: String,
    pub(super) refresh: Option<String>,
    pub(super) expires: Instant,
}

/// The tokens that OAuth gave out, and those it took back.
#[derive(Debug, Default)]
pub(super) struct Grants {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) access: HashMap<String, Grant>,
    pub(super) revoked: HashSet<String>,
}

/// How many tokens are remembered, so that a load test cannot fill the memory.
const MOST_TOKENS: usize = 100_000;

impl Book {
    /// Write a token down. When the book is full it starts over: tokens it forgets are those of an account of their
    /// own, as any other token.
    pub(super) fn give(&mut self, access: String, grant: Grant) {
        if self.access.len() >= MOST_TOKENS {
            let now = Instant::now();
            self.access.retain(|_, grant| grant.expires > now);
        }
        if self.access.len() >= MOST_TOKENS {
            *self = Self::default();
        }
        self.access.insert(access, grant);
    }
}

impl Grants {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forget all of them.
    pub(super) fn clear(&self) {
        *self.book() = Book::default();
    }

    /// Take a token back; a refresh token takes its access tokens along.
    pub(super) fn revoke(&self, token: &str) {
        let mut book = self.book();
        let fruits: Vec<String> = book
            .access
            .iter()
            .filter(|(_, grant)| grant.refresh.as_deref() == Some(token))
            .map(|(access, _)| access.clone())
            .collect();
        book.revoked.extend(fruits);
        book.revoked.insert(token.to_owned());
    }

    /// Who calls.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Answer<Caller> {
        let Ok(Credentials::Bearer(token)) = credentials(headers) else {
            return Err(Refusal::no_credentials());
        };
        if looks_wrong(&token) || !is_token(&token) {
            return Err(Refusal::no_credentials());
        }
        if token.contains("expired") {
            return Err(Refusal::expired());
        }
        if token.contains("unscoped") {
            return Err(Refusal::scopes("crm.objects.contacts.read"));
        }
        if token.contains("exhausted") {
            return Err(Refusal::too_many("DAILY"));
        }
        let book = self.book();
        match book.access.get(&token) {
            _ if book.revoked.contains(&token) => Err(Refusal::no_credentials()),
            Some(grant) if grant.expires <= Instant::now() => Err(Refusal::expired()),
            Some(grant) => Ok(Caller {
                account: grant.account.clone(),
                oauth: true,
            }),
            None => Ok(Caller::of(&token)),
        }
    }
}

/// Whether this could be a token: of a private app, a service key, or of OAuth.
fn is_token(token: &str) -> bool {
    let well_formed = (8..=512).contains(&token.len())
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b));
    // `pat-na1-…`: the region is where the account lives.
    let region = token.strip_prefix("pat-").map(|rest| rest.split_once('-'));
    let region_is_right = match region {
        None => true,
        Some(Some((region, rest))) => region.len() == 3 && !rest.is_empty(),
        Some(None) => false,
    };
    well_formed && region_is_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_token_is_one() {
        for token in [
            "pat-na1-5a4db0c0-de5a",
            "pat-eu1-x",
            "CJSP5qf1KhICAQEYs-gDIIGOBii1hQIyGQAf",
            "12345678",
        ] {
            assert!(is_token(token), "{token}");
        }
        let long = "x".repeat(513);
        for token in [
            "",
            "short",
            "pat-na1",
            "pat-na1-",
            "pat-europe-x",
            "two words",
            "tökenized",
            &long,
        ] {
            assert!(!is_token(token), "{token}");
        }
    }

    #[test]
    fn an_account_has_eight_digits() {
        let caller = Caller::of("pat-na1-a");
        assert_eq!(caller.account.len(), 8);
        assert_eq!(caller.portal().to_string(), caller.account);
        assert_ne!(caller.account, Caller::of("pat-na1-b").account);
    }
}
