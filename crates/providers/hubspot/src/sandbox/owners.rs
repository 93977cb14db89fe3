//! Users who own records.

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::{self, Desk, Query};
use super::paged;
use super::refusal::{Answer, Refusal};
use super::state::Account;

#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) user: u32,
}

/// Where the owners of the account work.
pub(super) const COMPANY: &str = "northwindlantern.example";

const SINCE: &str = "2025-11-03T09:00:00.000Z";

/// The people of a new account: whoever set it up, and one colleague.
pub(super) fn of_every_account() -> Vec<Owner> {
    vec![
        owner("70100001", "Mara", "Lindqvist", 5_010_001),
        owner("70100002", "Tomás", "Ferreira", 5_010_002),
    ]
}

/// Somebody of the company whose account this is.
pub(super) fn owner(id: &str, first: &str, last: &str, user: u32) -> Owner {
    Owner {
        id: id.to_owned(),
        email: format!("{}@{COMPANY}", last.to_lowercase()),
        first: first.to_owned(),
        last: last.to_owned(),
        user,
    }
}

impl Owner {
    fn show(&self) -> Value {
        json!({
            "id": self.id, "email": self.email, "type": "PERSON", "firstName": self.first,
            "lastName": self.last, "userId": self.user, "userIdIncludingInactive": self.user,
            "createdAt": SINCE, "updatedAt": SINCE, "archived": false,
        })
    }
}

impl Account {
    /// Whether an owner can have this id; one that is not there yet is now.
    pub(super) fn has_owner(&mut self, id: &str) -> bool {
        if self.owners.iter().any(|owner| owner.id == id) {
            return true;
        }
        let Some(user) = id.parse::<u32>().ok().filter(|user| *user > 0) else {
            return false;
        };
        self.assumed.insert(format!("owner {id}"));
        self.owners.push(Owner {
            id: id.to_owned(),
            email: format!("owner-{id}@{COMPANY}"),
            first: "Owner".to_owned(),
            last: id.to_owned(),
            user,
        });
        true
    }
}

/// The id or the user's own id, as `idProperty` says.
#[derive(Deserialize)]
pub(super) struct One {
    owner: String,
}

pub(super) async fn list(desk: Desk, Query(query): Query) -> Answer {
    let size = paged::limit(&query, 100, 500)?;
    if desk::flag(&query, "archived") {
        return Ok(json::ok(&json!({ "results": [] })));
    }
    desk.with(|account| {
        let email = query.given("email");
        let mut owners: Vec<&Owner> = account
            .owners
            .iter()
            .filter(|owner| email.is_none_or(|email| owner.email.eq_ignore_ascii_case(email)))
            .collect();
        owners.sort_by_key(|owner| owner.id.parse::<u64>().unwrap_or_default());
        let ids = owners
            .iter()
            .map(|owner| owner.id.parse().unwrap_or_default());
        let page = paged::by_id(ids, &query, size)?;
        let shown: Vec<Value> = owners[page.range.clone()]
            .iter()
            .map(|owner| owner.show())
            .collect();
        Ok(page.answer(shown, &desk, &query))
    })
}

pub(super) async fn fetch(
    desk: Desk,
    Path(One { owner }): Path<One>,
    Query(query): Query,
) -> Answer {
    let by_user = query.get("idProperty") == Some("userId");
    desk.with(|account| {
        let named = |known: &&Owner| {
            if by_user {
                known.user.to_string() == owner
            } else {
                known.id == owner
            }
        };
        match account.owners.iter().find(named) {
            Some(owner) if !desk::flag(&query, "archived") => Ok(json::ok(&owner.show())),
            _ => Err(Refusal::no_object()),
        }
    })
}
