//! Creating and changing objects: what one request and one input of a batch have in common.

use business_tools_sandbox::clock;
use business_tools_sandbox::jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::derived;
use super::kinds::Type;
use super::link_types;
use super::links::{Category, End, Spec};
use super::record::Record;
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::values::{self, Values};

/// What a new object is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct New {
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
    #[serde(default)]
    pub(super) associations: Vec<NewLink>,
    pub(super) object_write_trace_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewLink {
    to: Target,
    types: Vec<Spec>,
}

#[derive(Debug, Deserialize)]
struct Target {
    id: Value,
}

/// The number of an object.
pub(super) fn id_of(text: &str) -> Answer<u64> {
    // HubSpot's numbers have no sign and no leading zero.
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(Refusal::no_object)
}

/// An account with one type of objects, to write to.
pub(super) struct Pen<'a> {
    pub(super) account: &'a mut Account,
    pub(super) kind: &'a Type,
    pub(super) portal: u32,
    /// What was written so far, to take it back.
    made: Vec<u64>,
    changed: Vec<Record>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(account: &'a mut Account, kind: &'a Type, portal: u32) -> Self {
        Self {
            account,
            kind,
            portal,
            made: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Take back everything that was written.
    pub(super) fn undo(self) {
        for id in self.made.into_iter().rev() {
            self.account.remove(self.kind, id);
        }
        for before in self.changed.into_iter().rev() {
            self.account.replace(self.kind, before);
        }
    }

    /// Make an object, or refuse and leave everything as it was.
    pub(super) fn create(&mut self, new: &New) -> Answer<u64> {
        self.create_at(new, clock::now())
    }

    /// The same at another time.
    pub(super) fn create_at(&mut self, new: &New, now: Timestamp) -> Answer<u64> {
        let mut values =
            values::check(self.account, self.kind, self.portal, &new.properties, None)?;
        self.unique(&values, None)?;
        let links = self.targets(&new.associations)?;
        derived::derive(self.account, self.kind, &mut values, None, now);
        let id = self.account.new_id();
        let mut record = Record::new(id, now);
        record.set(self.kind, values, now);
        self.account.insert(self.kind, record);
        self.made.push(id);
        let from = (self.kind.id().to_owned(), id);
        for (to, spec) in links {
            self.account.join(&from, &to, spec);
        }
        Ok(id)
    }

    /// Change an object, or refuse and leave everything as it was.
    pub(super) fn update(&mut self, id: u64, properties: &Map<String, Value>) -> Answer<()> {
        let before = self
            .account
            .live(self.kind, id)
            .cloned()
            .ok_or_else(Refusal::no_object)?;
        let mut values = values::check(
            self.account,
            self.kind,
            self.portal,
            properties,
            Some(&before),
        )?;
        self.unique(&values, Some(id))?;
        let now = clock::now();
        derived::derive(self.account, self.kind, &mut values, Some(&before), now);
        let mut after = before.clone();
        after.set(self.kind, values, now);
        self.account.replace(self.kind, after);
        self.changed.push(before);
        Ok(())
    }

    /// The object that a path or an input names: by number, or by a property whose values are unique.
    pub(super) fn find(&self, id: &str, id_property: Option<&str>) -> Answer<u64> {
        let Some(property) = id_property.filter(|property| *property != "hs_object_id") else {
            let id = id_of(id)?;
            let found = self.account.live(self.kind, id).map(|record| record.id);
            return found.ok_or_else(Refusal::no_object);
        };
        self.check_id_property(property)?;
        self.account
            .holder(self.kind, property, id)
            .ok_or_else(Refusal::no_object)
    }

    pub(super) fn check_id_property(&self, property: &str) -> Answer<()> {
        match self.account.field(self.kind, property) {
            Some(field) if field.unique => Ok(()),
            Some(_) => Err(Refusal::invalid(format!(
                "The property {property} cannot be used as idProperty: its values are not unique"
            ))),
            None => Err(Refusal::invalid(format!(
                "Property \"{property}\" does not exist"
            ))),
        }
    }

    /// Nobody else has these unique values.
    fn unique(&self, values: &Values, own: Option<u64>) -> Answer<()> {
        for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
            let is_unique = self
                .account
                .field(self.kind, name)
                .is_some_and(|field| field.unique);
            let holder = self
                .account
                .holder(self.kind, name, value)
                .filter(|_| is_unique);
            let Some(holder) = holder.filter(|holder| own != Some(*holder)) else {
                continue;
            };
            let mut title = self.kind.singular().to_owned();
            title[..1].make_ascii_uppercase();
            return Err(Refusal::conflict(format!(
                "{title} already exists. Existing ID: {holder}"
            )));
        }
        Ok(())
    }

    /// The other ends of new associations.
    fn targets(&mut self, links: &[NewLink]) -> Answer<Vec<(End, Option<Spec>)>> {
        let mut found = Vec::new();
        for link in links {
            let text = super::desk::text(&link.to.id).unwrap_or_default();
            let id = id_of(&text)
                .map_err(|_| Refusal::invalid(format!("Invalid association target `{text}`")))?;
            if link.types.is_empty() {
                return Err(Refusal::invalid(
                    "An association needs at least one of `types`",
                ));
            }
            for spec in &link.types {
                let kind = self.target(id, *spec)?;
                if self.account.live(&kind, id).is_none() {
                    return Err(missing_target(&kind, id));
                }
                let end = (kind.id().to_owned(), id);
                let plain = self.account.links.plain(self.kind.id(), kind.id()).0;
                found.push((end, (*spec != plain).then_some(*spec)));
            }
        }
        Ok(found)
    }

    /// The type of an object that an association leads to.
    fn target(&self, id: u64, spec: Spec) -> Answer<Type> {
        if spec.association_category == Category::HubspotDefined {
            let target = link_types::target(self.kind.id(), spec.association_type_id);
            return target
                .and_then(Type::known)
                .ok_or_else(|| no_such_type(spec, self.kind.singular()));
        }
        // The account's own types lead to whatever has that number.
        let holds = |name: &&String| self.account.records[*name].contains_key(&id);
        let name = self.account.records.keys().find(holds);
        name.and_then(|name| Type::of(name))
            .ok_or_else(Refusal::no_object)
    }
}

fn missing_target(kind: &Type, id: u64) -> Refusal {
    let message = format!("No {} with ID {id} exists", kind.singular());
    Refusal::not_found(message).with_context("id", [id.to_string()])
}

pub(super) fn no_such_type(spec: Spec, from: &str) -> Refusal {
    let id = spec.association_type_id;
    Refusal::invalid(format!(
        "{id} is not a valid association type for objects of type {from}"
    ))
    .with_context("associationTypeId", [id.to_string()])
}

impl Account {
    /// Associate two objects, and write down what follows from it.
    pub(super) fn join(&mut self, from: &End, to: &End, spec: Option<Spec>) -> (Spec, Spec) {
        let specs = self.links.join(from, to, spec);
        for (contact, company) in [(from, to), (to, from)] {
            if contact.0 == "0-1" && company.0 == "0-2" {
                self.note_company(contact.1);
            }
        }
        specs
    }

    /// Take two objects apart, and write down what follows from it.
    pub(super) fn part(&mut self, from: &End, to: &End) {
        self.links.part(from, to);
        for (contact, company) in [(from, to), (to, from)] {
            if contact.0 == "0-1" && company.0 == "0-2" {
                self.note_company(contact.1);
            }
        }
    }

    /// A contact names its primary company.
    fn note_company(&mut self, contact: u64) {
        let (Some(contacts), Some(companies)) = (Type::known("0-1"), Type::known("0-2")) else {
            return;
        };
        let from = (contacts.id().to_owned(), contact);
        let mut links = self.links.from(&from, &companies);
        let primary =
            links.find(|(_, specs)| specs.iter().any(|spec| spec.association_type_id == 1));
        let company = primary.map(|(id, _)| id.to_string()).unwrap_or_default();
        drop(links);
        if let Some(record) = self.live_mut(&contacts, contact) {
            let value = Values::from([("associatedcompanyid".to_owned(), company)]);
            record.set(&contacts, value, clock::now());
        }
    }
}
