//! What an account has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use business_tools_sandbox::clock;
use serde_json::{Value, json};

use super::fields::{self, Field};
use super::kinds::Type;
use super::links::Links;
use super::owners::Owner;
use super::pipelines::Pipeline;
use super::record::Record;

/// Calls in ten seconds and in a day, of a professional account.
pub(super) const PER_WINDOW: usize = 190;
pub(super) const PER_DAY: usize = 650_000;
const WINDOW: Duration = Duration::from_secs(10);

/// Of one type, so that a load test cannot fill the memory.
const MOST_RECORDS: usize = 100_000;

/// The first id; HubSpot's own are as long.
const FIRST_ID: u64 = 20_100_000_001;

pub(super) struct Account {
    pub(super) records: BTreeMap<String, BTreeMap<u64, Record>>,
    pub(super) links: Links,
    pub(super) owners: Vec<Owner>,
    pub(super) pipelines: BTreeMap<&'static str, Vec<Pipeline>>,
    /// Properties that the user of the account made.
    pub(super) fields: BTreeMap<String, Vec<Field>>,
    /// Things that must exist beforehand, made on first use.
    pub(super) assumed: BTreeSet<String>,
    /// Of values that only one record has: type, property and value in lower case, to the record.
    unique: HashMap<(String, String, String), u64>,
    next: u64,
    window: (Instant, usize),
    today: usize,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            links: Links::default(),
            owners: super::owners::of_every_account(),
            pipelines: super::pipelines::of_every_account(),
            fields: BTreeMap::new(),
            assumed: BTreeSet::new(),
            unique: HashMap::new(),
            next: FIRST_ID,
            window: (Instant::now(), 0),
            today: 0,
        }
    }
}

impl Account {
    pub(super) fn describe(&self) -> Value {
        let counts: BTreeMap<&String, usize> = self
            .records
            .iter()
            .map(|(kind, all)| (kind, all.len()))
            .collect();
        let owners: Vec<&str> = self.owners.iter().map(|owner| &*owner.id).collect();
        json!({"records": counts, "associations": self.links.len(), "owners": owners, "assumed": self.assumed})
    }

    /// Count a call; what is left of the window and of the day.
    pub(super) fn count_call(&mut self) -> (usize, usize) {
        if self.window.0.elapsed() >= WINDOW {
            self.window = (Instant::now(), 0);
        }
        self.window.1 += 1;
        self.today += 1;
        (
            PER_WINDOW.saturating_sub(self.window.1),
            PER_DAY.saturating_sub(self.today),
        )
    }

    /// An id that no object of the account has.
    pub(super) fn new_id(&mut self) -> u64 {
        let id = self.next;
        // Not one after the other, as in an account that others use at the same time.
        self.next += 37;
        id
    }

    pub(super) fn all(&self, kind: &Type) -> Option<&BTreeMap<u64, Record>> {
        self.records.get(kind.id())
    }

    /// The record, archived or not.
    pub(super) fn any(&self, kind: &Type, id: u64) -> Option<&Record> {
        self.all(kind)?.get(&id)
    }

    /// The record, unless it is archived.
    pub(super) fn live(&self, kind: &Type, id: u64) -> Option<&Record> {
        self.any(kind, id)
            .filter(|record| record.archived.is_none())
    }

    pub(super) fn live_mut(&mut self, kind: &Type, id: u64) -> Option<&mut Record> {
        let record = self.records.get_mut(kind.id())?.get_mut(&id)?;
        record.archived.is_none().then_some(record)
    }

    /// Put a new record on its kept.
    pub(super) fn insert(&mut self, kind: &Type, record: Record) {
        self.index(kind, &record);
        let kept = self.records.entry(kind.id().to_owned()).or_default();
        let oldest = if kept.len() >= MOST_RECORDS {
            kept.pop_first()
        } else {
            None
        };
        kept.insert(record.id, record);
        if let Some((id, oldest)) = oldest {
            self.forget(kind, &oldest);
            self.links.cut(kind.id(), id);
        }
    }

    /// Put a record in the place of what it was.
    pub(super) fn replace(&mut self, kind: &Type, record: Record) {
        if let Some(before) = self.live(kind, record.id).cloned() {
            self.forget(kind, &before);
        }
        self.index(kind, &record);
        if let Some(kept) = self.records.get_mut(kind.id()) {
            kept.insert(record.id, record);
        }
    }

    /// Take a record away as if it had never been.
    pub(super) fn remove(&mut self, kind: &Type, id: u64) {
        let kept = self.records.get_mut(kind.id());
        if let Some(record) = kept.and_then(|kept| kept.remove(&id)) {
            self.forget(kind, &record);
            self.links.cut(kind.id(), id);
        }
    }

    /// Move a record to the recycling bin. Its unique values are free again, its associations gone.
    pub(super) fn archive(&mut self, kind: &Type, id: u64) {
        let Some(record) = self.live_mut(kind, id) else {
            return;
        };
        record.archived = Some(clock::now());
        let gone = record.clone();
        self.forget(kind, &gone);
        self.links.cut(kind.id(), id);
    }

    /// The definition of a property.
    pub(super) fn field(&self, kind: &Type, name: &str) -> Option<&Field> {
        self.fields_of(kind).find(|field| field.name == name)
    }

    pub(super) fn fields_of<'a>(
        &'a self,
        kind: &Type,
    ) -> impl Iterator<Item = &'a Field> + use<'a> {
        let made = self.fields.get(kind.id());
        let own = fields::own(kind).map(|field| -> &'a Field { field });
        own.chain(made.into_iter().flatten())
    }

    /// The record that has this value of a unique property.
    pub(super) fn holder(&self, kind: &Type, property: &str, value: &str) -> Option<u64> {
        if property == "hs_object_id" {
            return value
                .parse()
                .ok()
                .filter(|id| self.live(kind, *id).is_some());
        }
        let key = (
            kind.id().to_owned(),
            property.to_owned(),
            value.to_lowercase(),
        );
        self.unique.get(&key).copied()
    }

    /// Remember the unique values of a record.
    fn index(&mut self, kind: &Type, record: &Record) {
        for key in self.unique_values(kind, record) {
            self.unique.insert(key, record.id);
        }
    }

    /// Forget them.
    fn forget(&mut self, kind: &Type, record: &Record) {
        for key in self.unique_values(kind, record) {
            if self.unique.get(&key) == Some(&record.id) {
                self.unique.remove(&key);
            }
        }
    }

    fn unique_values(&self, kind: &Type, record: &Record) -> Vec<(String, String, String)> {
        self.fields_of(kind)
            .filter(|field| field.unique && field.name != "hs_object_id")
            .filter_map(|field| {
                let value = record.properties.get(&*field.name)?;
                Some((
                    kind.id().to_owned(),
                    field.name.clone().into_owned(),
                    value.to_lowercase(),
                ))
            })
            .collect()
    }
}
