//! Associations between objects.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kinds::Type;
use super::link_types::{self, Known, PRIMARY};

/// A type of association: whose it is, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) association_category: Category,
    pub(super) association_type_id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Category {
    HubspotDefined,
    UserDefined,
    IntegratorDefined,
    Work,
}

impl Spec {
    fn hubspot(id: u32) -> Self {
        Self {
            association_category: Category::HubspotDefined,
            association_type_id: id,
        }
    }
}

/// One end of an association.
pub(super) type End = (String, u64);

/// The first number of the types that users make.
const FIRST_MADE: u32 = 1001;

/// All associations of an account, filed under both ends.
#[derive(Default)]
pub(super) struct Links {
    of: BTreeMap<End, BTreeMap<End, BTreeSet<Spec>>>,
    /// The plain types between custom objects, numbered as they come up.
    made: BTreeMap<(String, String), u32>,
}

impl Links {
    /// How many pairs of objects are associated.
    pub(super) fn len(&self) -> usize {
        self.of.values().map(BTreeMap::len).sum::<usize>() / 2
    }

    /// What an object is associated with, of one type, in the order of the ids.
    pub(super) fn from(
        &self,
        from: &End,
        to: &Type,
    ) -> impl Iterator<Item = (u64, &BTreeSet<Spec>)> {
        let range = (to.id().to_owned(), 0)..=(to.id().to_owned(), u64::MAX);
        let found = self.of.get(from).map(|others| others.range(range));
        found
            .into_iter()
            .flatten()
            .map(|((_, id), specs)| (*id, specs))
    }

    /// The plain association from one type to another, and its counterpart.
    pub(super) fn plain(&mut self, from: &str, to: &str) -> (Spec, Spec) {
        let known = link_types::between(from, to);
        if let Some(known) = known.iter().find(|known| known.label.is_none()) {
            return (Spec::hubspot(known.id), Spec::hubspot(known.back));
        }
        let mut number = |from: &str, to: &str| {
            let next = FIRST_MADE + u32::try_from(self.made.len()).unwrap_or_default();
            let key = (from.to_owned(), to.to_owned());
            Spec {
                association_category: Category::UserDefined,
                association_type_id: *self.made.entry(key).or_insert(next),
            }
        };
        (number(from, to), number(to, from))
    }

    /// Associate two objects plainly, and besides in the given way. Says what both directions are called.
    pub(super) fn join(&mut self, from: &End, to: &End, spec: Option<Spec>) -> (Spec, Spec) {
        let (there, back) = self.plain(&from.0, &to.0);
        self.add(from, to, there, back);
        let known = link_types::between(&from.0, &to.0);
        let primary = known.iter().find(|known| known.label == Some(PRIMARY));
        let Some(spec) = spec else {
            // The first company is the primary one until another is chosen.
            if let Some(primary) = primary
                && !self.has_primary(from, to, primary)
            {
                self.add(
                    from,
                    to,
                    Spec::hubspot(primary.id),
                    Spec::hubspot(primary.back),
                );
            }
            return (there, back);
        };
        let own = known.iter().find(|known| Spec::hubspot(known.id) == spec);
        let back = own.map_or(spec, |known| Spec::hubspot(known.back));
        if let Some(primary) = primary.filter(|primary| Spec::hubspot(primary.id) == spec) {
            self.dethrone(from, to, primary);
        }
        self.add(from, to, spec, back);
        (spec, back)
    }

    fn add(&mut self, from: &End, to: &End, there: Spec, back: Spec) {
        let mut file = |from: &End, to: &End, spec| {
            let others = self.of.entry(from.clone()).or_default();
            others.entry(to.clone()).or_default().insert(spec);
        };
        file(from, to, there);
        file(to, from, back);
    }

    /// The end of a pair that has at most one primary association, which is the one that is no company or, of a
    /// lead and a contact, the lead.
    fn has_primary(&self, from: &End, to: &End, primary: &Known) -> bool {
        let (single, other, spec) = single(from, to, primary);
        let others = self.of.get(single).into_iter().flatten();
        others
            .filter(|((kind, _), _)| *kind == other.0)
            .any(|(_, specs)| specs.contains(&spec))
    }

    /// Take the primary association away from whoever has it.
    fn dethrone(&mut self, from: &End, to: &End, primary: &Known) {
        let (single, other, spec) = single(from, to, primary);
        let (single, kind) = (single.clone(), other.0.clone());
        let back = Spec::hubspot(if spec == Spec::hubspot(primary.id) {
            primary.back
        } else {
            primary.id
        });
        let others = self.of.get(&single).into_iter().flatten();
        let old: Vec<End> = others
            .filter(|((old, _), specs)| *old == kind && specs.contains(&spec))
            .map(|(old, _)| old.clone())
            .collect();
        for old in old {
            self.drop_spec(&single, &old, spec);
            self.drop_spec(&old, &single, back);
        }
    }

    fn drop_spec(&mut self, from: &End, to: &End, spec: Spec) {
        if let Some(specs) = self.of.get_mut(from).and_then(|others| others.get_mut(to)) {
            specs.remove(&spec);
        }
    }

    /// Take two objects apart.
    pub(super) fn part(&mut self, from: &End, to: &End) {
        for (from, to) in [(from, to), (to, from)] {
            if let Some(others) = self.of.get_mut(from) {
                others.remove(to);
            }
        }
    }

    /// Take an object out of all its associations.
    pub(super) fn cut(&mut self, kind: &str, id: u64) {
        let end = (kind.to_owned(), id);
        for other in self.of.remove(&end).unwrap_or_default().into_keys() {
            if let Some(others) = self.of.get_mut(&other) {
                others.remove(&end);
            }
        }
    }

    /// Every type there is from one type of objects to another: the plain one, HubSpot's, and those in use.
    pub(super) fn types(&mut self, from: &Type, to: &Type) -> Vec<Spec> {
        let mut specs: BTreeSet<Spec> = link_types::between(from.id(), to.id())
            .iter()
            .map(|known| Spec::hubspot(known.id))
            .collect();
        specs.insert(self.plain(from.id(), to.id()).0);
        for ((kind, _), others) in &self.of {
            if kind == from.id() {
                let others = others.iter().filter(|((kind, _), _)| kind == to.id());
                specs.extend(others.flat_map(|(_, specs)| specs));
            }
        }
        specs.into_iter().collect()
    }
}

/// Of the two ends the one with a single primary association, the other, and the type in that direction.
fn single<'a>(from: &'a End, to: &'a End, primary: &Known) -> (&'a End, &'a End, Spec) {
    let many = |end: &End| {
        end.0 == "0-2" || (end.0 == "0-1" && [&from.0, &to.0].iter().any(|kind| *kind == "0-136"))
    };
    if many(from) {
        (to, from, Spec::hubspot(primary.back))
    } else {
        (from, to, Spec::hubspot(primary.id))
    }
}

/// What an association is called, if it is called anything.
pub(super) fn label(from: &str, to: &str, spec: Spec) -> Option<String> {
    match spec.association_category {
        Category::HubspotDefined => {
            let known = link_types::between(from, to);
            let known = known
                .iter()
                .find(|known| known.id == spec.association_type_id)?;
            known.label.map(str::to_owned)
        }
        _ if is_made(from, to, spec.association_type_id) => None,
        _ => Some(format!("Label {}", spec.association_type_id)),
    }
}

/// Whether this is one of the plain types of custom objects.
fn is_made(from: &str, to: &str, id: u32) -> bool {
    let custom = |kind: &str| !kind.starts_with("0-");
    (custom(from) || custom(to)) && (FIRST_MADE..FIRST_MADE + 1000).contains(&id)
}

/// `category`, `typeId` and `label`, as lists show them.
pub(super) fn show(from: &str, to: &str, spec: Spec) -> Value {
    let mut shown =
        json!({"category": spec.association_category, "typeId": spec.association_type_id});
    if let Some(label) = label(from, to, spec) {
        shown["label"] = label.into();
    }
    shown
}

/// As the objects of older answers name it: `contact_to_company_unlabeled`.
pub(super) fn name(from: &Type, to: &Type, spec: Spec) -> String {
    let plain = format!("{}_to_{}", from.singular(), to.singular());
    let known = link_types::between(from.id(), to.id());
    let has_primary = known.iter().any(|known| known.label == Some(PRIMARY));
    match label(from.id(), to.id(), spec).as_deref() {
        None if has_primary => format!("{plain}_unlabeled"),
        None | Some(PRIMARY) => plain,
        Some(label) => format!("{plain}_{}", label.to_lowercase().replace(' ', "_")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(kind: &str, id: u64) -> End {
        (kind.to_owned(), id)
    }

    fn specs(links: &Links, from: &End, to: &str) -> Vec<(u64, Vec<u32>)> {
        let to = Type::of(to).unwrap();
        let numbers =
            |specs: &BTreeSet<Spec>| specs.iter().map(|spec| spec.association_type_id).collect();
        links
            .from(from, &to)
            .map(|(id, specs)| (id, numbers(specs)))
            .collect()
    }

    #[test]
    fn the_first_company_is_primary_until_another_is() {
        let mut links = Links::default();
        let ada = end("0-1", 1);
        links.join(&ada, &end("0-2", 10), None);
        // From the other side it is the same.
        links.join(&end("0-2", 11), &ada, None);
        assert_eq!(
            specs(&links, &ada, "companies"),
            [(10, vec![1, 279]), (11, vec![279])]
        );
        links.join(&ada, &end("0-2", 11), Some(Spec::hubspot(1)));
        assert_eq!(
            specs(&links, &ada, "companies"),
            [(10, vec![279]), (11, vec![1, 279])]
        );
        assert_eq!(specs(&links, &end("0-2", 10), "contacts"), [(1, vec![280])]);
        assert_eq!(
            specs(&links, &end("0-2", 11), "contacts"),
            [(1, vec![2, 280])]
        );
        assert_eq!(links.len(), 2);
    }

    #[test]
    fn what_is_parted_or_cut_is_gone_from_both_ends() {
        let mut links = Links::default();
        let (note, ada, bob) = (end("0-46", 5), end("0-1", 1), end("0-1", 2));
        links.join(&note, &ada, None);
        links.join(&note, &bob, None);
        links.part(&ada, &note);
        assert_eq!(specs(&links, &note, "contacts"), [(2, vec![202])]);
        assert!(specs(&links, &ada, "notes").is_empty());
        links.cut("0-46", 5);
        assert_eq!(links.len(), 0);
        assert!(specs(&links, &bob, "notes").is_empty());
    }

    #[test]
    fn custom_objects_get_numbers_of_their_own() {
        let mut links = Links::default();
        let (there, back) = links.join(&end("2-7", 1), &end("0-1", 2), None);
        assert_eq!(
            (there.association_type_id, back.association_type_id),
            (1001, 1002)
        );
        assert_eq!(links.plain("0-1", "2-7").0, back);
    }
}
