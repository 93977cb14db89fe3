//! Indexes: what they are made of, and the uniqueness they keep.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Bson, DateTime, Document, doc};

use super::collection::Record;
use crate::sandbox::{
    compare::{Key, identical, identical_documents, truthy},
    expr::Variables,
    failure::{Failure, Result},
    number::Number,
    path,
    query::Filter,
};

#[derive(Debug)]
pub(crate) struct Index {
    /// As `listIndexes` shows it.
    spec: Document,
    name: String,
    fields: Vec<Vec<String>>,
    partial: Option<Filter>,
    entries: BTreeMap<Vec<Key>, BTreeSet<Record>>,
    multikey: bool,
    since: DateTime,
}

const OPTIONS: &[&str] = &[
    "v",
    "key",
    "name",
    "unique",
    "sparse",
    "expireAfterSeconds",
    "partialFilterExpression",
    "background",
    "hidden",
];

impl Index {
    pub(super) fn on_id() -> Self {
        let spec = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
        Self::build(spec, doc! { "_id": 1 }, "_id_".to_owned(), None)
    }

    fn build(spec: Document, key: Document, name: String, partial: Option<Filter>) -> Self {
        Self {
            spec,
            name,
            fields: key.keys().map(|field| path::split(field)).collect(),
            partial,
            entries: BTreeMap::new(),
            multikey: false,
            since: DateTime::now(),
        }
    }

    pub(crate) fn parse(spec: &Document) -> Result<Self> {
        if let Some(unknown) = spec.keys().find(|name| !OPTIONS.contains(&name.as_str())) {
            let real = [
                "collation",
                "weights",
                "wildcardProjection",
                "storageEngine",
                "bits",
            ];
            if real.contains(&unknown.as_str()) {
                return Err(Failure::not_implemented(format!(
                    "the index option '{unknown}'"
                )));
            }
            return Err(Failure::new(
                197,
                format!(
                    "The field '{unknown}' is not valid for an index specification. Specification: {spec}"
                ),
            ));
        }
        let Some(Bson::Document(key)) = spec.get("key") else {
            return Err(Failure::failed_to_parse(
                "The 'key' field is a required property of an index specification",
            ));
        };
        let name = spec.get_str("name").map_err(|_| {
            Failure::failed_to_parse(
                "The 'name' field is a required property of an index specification",
            )
        })?;
        check_key(key)?;
        if name == "*" || name.is_empty() {
            return Err(Failure::new(67, "The index name is not valid"));
        }
        let mut listed = doc! { "v": 2, "key": key.clone(), "name": name };
        for option in ["unique", "sparse", "hidden"] {
            if spec.get(option).is_some_and(truthy) {
                listed.insert(option, true);
            }
        }
        if let Some(seconds) = spec.get("expireAfterSeconds") {
            let valid = Number::of(seconds).and_then(Number::to_integer);
            if valid.is_none_or(|seconds| !(0..=i64::from(i32::MAX)).contains(&seconds)) {
                return Err(Failure::new(
                    67,
                    "TTL index 'expireAfterSeconds' option must be within an acceptable range",
                ));
            }
            listed.insert("expireAfterSeconds", seconds.clone());
        }
        let partial = match spec.get("partialFilterExpression") {
            None => None,
            Some(Bson::Document(filter)) => {
                listed.insert("partialFilterExpression", filter.clone());
                Some(Filter::parse(filter, &Variables::default())?)
            }
            Some(_) => {
                return Err(Failure::type_mismatch(
                    "The field 'partialFilterExpression' must be an object",
                ));
            }
        };
        Ok(Self::build(listed, key.clone(), name.to_owned(), partial))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn spec(&self) -> &Document {
        &self.spec
    }

    pub(crate) fn key(&self) -> Document {
        self.spec.get_document("key").cloned().unwrap_or_default()
    }

    pub(crate) fn fields(&self) -> &[Vec<String>] {
        &self.fields
    }

    pub(crate) fn is_multikey(&self) -> bool {
        self.multikey
    }

    /// Whether the planner may use it for any filter.
    pub(crate) fn serves_all(&self) -> bool {
        self.partial.is_none() && !self.flag("sparse") && !self.flag("hidden")
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.spec.get_bool(name).unwrap_or(false)
    }

    pub(super) fn stats(&self) -> Document {
        doc! {
            "name": self.name.clone(),
            "key": self.key(),
            "host": "sandbox:27017",
            "accesses": { "ops": 0_i64, "since": self.since },
            "spec": self.spec.clone(),
        }
    }

    pub(super) fn lookup(&self, value: &Bson) -> Option<Record> {
        self.entries
            .get(&vec![Key(value.clone())])?
            .first()
            .copied()
    }

    /// Refuses a second document with the same key, where the index is unique.
    pub(super) fn check(
        &self,
        namespace: &str,
        document: &Document,
        own: Option<Record>,
    ) -> Result<()> {
        if !self.flag("unique") && self.name != "_id_" {
            return Ok(());
        }
        for key in self.keys(document) {
            let taken = self.entries.get(&key);
            if taken.is_some_and(|records| records.iter().any(|record| Some(*record) != own)) {
                return Err(self.duplicate(namespace, key));
            }
        }
        Ok(())
    }

    fn duplicate(&self, namespace: &str, key: Vec<Key>) -> Failure {
        let fields = self.fields.iter().map(|field| field.join("."));
        let value: Document = fields.zip(key.into_iter().map(|key| key.0)).collect();
        let shown: Vec<String> = value
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        Failure {
            code: 11000,
            message: format!(
                "E11000 duplicate key error collection: {namespace} index: {} dup key: {{ {} }}",
                self.name,
                shown.join(", ")
            ),
            extra: doc! { "keyPattern": self.key(), "keyValue": value },
        }
    }

    pub(super) fn add(&mut self, document: &Document, record: Record) {
        let keys = self.keys(document);
        self.multikey |= self
            .fields
            .iter()
            .any(|field| matches!(path::get(document, field), Some(Bson::Array(_))));
        for key in keys {
            self.entries.entry(key).or_default().insert(record);
        }
    }

    pub(super) fn remove(&mut self, document: &Document, record: Record) {
        for key in self.keys(document) {
            if let Some(records) = self.entries.get_mut(&key) {
                records.remove(&record);
                if records.is_empty() {
                    self.entries.remove(&key);
                }
            }
        }
    }

    /// One key per element of an array, none where the index leaves the document out.
    fn keys(&self, document: &Document) -> BTreeSet<Vec<Key>> {
        let left_out = self.partial.as_ref().is_some_and(|filter| {
            !filter
                .matches(document, &Variables::default())
                .unwrap_or(false)
        });
        let values: Vec<Vec<Option<Bson>>> = self
            .fields
            .iter()
            .map(|field| values(document, field))
            .collect();
        let missing = values.iter().flatten().all(Option::is_none);
        if left_out || (missing && self.flag("sparse")) {
            return BTreeSet::new();
        }
        let mut keys = vec![Vec::new()];
        for values in values {
            let extend = |key: Vec<Key>| {
                values
                    .iter()
                    .map(|value| {
                        let mut key = key.clone();
                        key.push(Key(value.clone().unwrap_or(Bson::Null)));
                        key
                    })
                    .collect::<Vec<_>>()
            };
            keys = keys.into_iter().flat_map(extend).collect();
        }
        keys.into_iter().collect()
    }

    /// `Ok(true)` when the other is this very index; the server's conflict when it is nearly so.
    pub(super) fn conflicts_with(&self, other: &Self) -> Result<bool> {
        let same_key = identical_key(&self.key(), &other.key());
        let same = |option: &str| match (self.spec.get(option), other.spec.get(option)) {
            (Some(a), Some(b)) => identical(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let same_kind = ["unique", "sparse", "partialFilterExpression"]
            .into_iter()
            .all(same)
            || (same_key && self.name == "_id_");
        if self.name == other.name {
            if !same_key || !same_kind {
                return Err(Failure::new(
                    86,
                    format!(
                        "An existing index has the same name as the requested index. When index \
                         names are not specified, they are auto generated and can cause \
                         conflicts. Please refer to our documentation. Requested index: {}, \
                         existing index: {}",
                        other.spec, self.spec
                    ),
                ));
            }
            if !same("expireAfterSeconds") {
                return Err(Failure::new(
                    85,
                    format!(
                        "An equivalent index already exists with the same name but different \
                         options. Requested index: {}, existing index: {}",
                        other.spec, self.spec
                    ),
                ));
            }
            return Ok(true);
        }
        if same_key && same_kind {
            if self.name == "_id_" {
                return Ok(true);
            }
            return Err(Failure::new(
                85,
                format!("Index already exists with a different name: {}", self.name),
            ));
        }
        Ok(false)
    }
}

fn values(document: &Document, field: &[String]) -> Vec<Option<Bson>> {
    let mut found: Vec<Option<Bson>> = Vec::new();
    path::visit(document, field, true, &mut |value, _| {
        match value {
            // A non-empty array is indexed by its elements, which have been shown before.
            Some(Bson::Array(items)) if !items.is_empty() && !found.is_empty() => {}
            Some(Bson::Array(items)) if items.is_empty() => found.push(Some(Bson::Undefined)),
            value => found.push(value.cloned()),
        }
        false
    });
    if found.is_empty() {
        found.push(None);
    }
    found
}

fn identical_key(a: &Document, b: &Document) -> bool {
    let plain = |key: &Document| -> Document {
        key.iter()
            .map(|(name, direction)| {
                let descends = Number::of(direction).is_some_and(|number| number.to_f64() < 0.0);
                (name.clone(), Bson::Boolean(descends))
            })
            .collect()
    };
    identical_documents(&plain(a), &plain(b))
}

fn check_key(key: &Document) -> Result<()> {
    if key.is_empty() {
        return Err(Failure::new(67, "Index keys cannot be empty."));
    }
    for (field, direction) in key {
        if field.is_empty() || path::split(field).iter().any(String::is_empty) {
            return Err(Failure::new(67, "Index keys cannot be an empty field."));
        }
        if field.contains("$**") {
            return Err(Failure::not_implemented("wildcard indexes"));
        }
        match direction {
            Bson::String(kind) => match kind.as_str() {
                "text" | "2d" | "2dsphere" | "hashed" => {
                    return Err(Failure::not_implemented(format!("{kind} indexes")));
                }
                kind => {
                    return Err(Failure::new(67, format!("Unknown index plugin '{kind}'")));
                }
            },
            direction => match Number::of(direction) {
                Some(number) if !number.is_zero() && !number.is_nan() => {}
                _ => {
                    return Err(Failure::new(
                        67,
                        format!(
                            "Values in v:2 index key pattern cannot be of type {} or 0. Only numbers > 0, numbers < 0, and strings are allowed.",
                            crate::sandbox::compare::type_name(direction)
                        ),
                    ));
                }
            },
        }
    }
    Ok(())
}
