//! What `--sandbox-seed demo` puts into the account: a small company that makes lamps, its customers, and the work
//! that is under way.

mod customers;
mod work;

use std::time::Duration;

use business_tools_sandbox::clock;
use business_tools_sandbox::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::kinds::Type;
use super::links::End;
use super::owners::{self, Owner};
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::write::{New, Pen};

/// A moment so many days ago; later today and beyond with a negative number.
fn days_ago(now: Timestamp, days: i64) -> Timestamp {
    let span = Duration::from_secs(days.unsigned_abs() * 86_400);
    if days < 0 { now + span } else { now - span }
}

/// Writes to the account as a user would, only earlier.
struct Story<'a> {
    account: &'a mut Account,
    portal: u32,
    now: Timestamp,
}

impl Story<'_> {
    /// Makes an object that was created so many days ago.
    fn create(&mut self, kind: &str, days: i64, properties: Value) -> Answer<End> {
        let kind = Type::of(kind).ok_or_else(Refusal::no_object)?;
        let Value::Object(mut properties) = properties else {
            return Err(Refusal::invalid("properties are an object"));
        };
        properties.retain(|_, value| *value != "");
        let new = New {
            properties,
            ..New::default()
        };
        let mut pen = Pen::new(self.account, &kind, self.portal);
        let id = pen.create_at(&new, days_ago(self.now, days))?;
        Ok((kind.id().to_owned(), id))
    }

    fn link(&mut self, from: &End, to: &End) {
        self.account.join(from, to, None);
    }

    /// A time as text, for a property.
    fn time(&self, days: i64) -> String {
        clock::rfc3339_millis(days_ago(self.now, days))
    }
}

/// Fills the account.
pub(super) fn fill(account: &mut Account, portal: u32) -> Answer<()> {
    account.owners.push(third_owner());
    let mut story = Story {
        account,
        portal,
        now: clock::now(),
    };
    let customers = customers::tell(&mut story)?;
    work::tell(&mut story, &customers)
}

fn third_owner() -> Owner {
    owners::owner("70100003", "Noor", "Aziz", 5_010_003)
}

/// Properties and more properties.
fn with(mut all: Value, more: Map<String, Value>) -> Value {
    if let Some(members) = all.as_object_mut() {
        members.extend(more);
    }
    all
}

/// `{name: value}`
fn one(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    match json!({ name: value.into() }) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
