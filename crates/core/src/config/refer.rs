//! Where a configuration refers to secrets.

use serde_json::Value;

use super::provider::KnownProvider;
use super::schema::at;
use crate::secrets::{Reference, Wrong};

/// A text that is a reference, or is meant as one.
pub(super) struct Place {
    /// The way there through the tree.
    pub(super) path: Vec<String>,
    /// What it refers to, or why that cannot be read.
    pub(super) reference: Result<Reference, Wrong>,
}

/// Every reference of the tree.
pub(super) fn places(tree: &Value, schema: &Value, known: &[KnownProvider]) -> Vec<Place> {
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut |path, text| {
        if !holds_a_secret(path, schema, known) {
            return;
        }
        let reference = match Reference::parse(text) {
            Ok(None) => return,
            Ok(Some(reference)) => Ok(reference),
            Err(wrong) => Err(wrong),
        };
        let path = path.to_vec();
        found.push(Place { path, reference });
    });
    found
}

/// Every text of the tree that is not of a provider that is switched off.
fn walk(value: &Value, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String], &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                path.push(n.to_string());
                walk(item, path, visit);
                path.pop();
            }
        }
        Value::Object(members) => {
            let off = path.len() == 2 && path[0] == "providers" && value["enabled"] == false;
            for (name, member) in members.iter().filter(|_| !off) {
                path.push(name.clone());
                walk(member, path, visit);
                path.pop();
            }
        }
        _ => {}
    }
}

fn holds_a_secret(path: &[String], schema: &Value, known: &[KnownProvider]) -> bool {
    let path_text: Vec<&str> = path.iter().map(String::as_str).collect();
    match path_text.as_slice() {
        ["providers", id, field]
        | ["providers", id, "credentials", field]
        | ["providers", id, "accounts", _, field] => known
            .iter()
            .any(|known| known.id == *id && known.is_secret(field)),
        _ => at(schema, path).is_some_and(|schema| schema["writeOnly"] == true),
    }
}

/// Puts a secret in the place of the reference to it.
pub(super) fn put_in(tree: &mut Value, path: &[String], secret: &str) {
    let place = path.iter().try_fold(tree, |value, part| match value {
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        value => value.get_mut(part),
    });
    if let Some(place) = place {
        *place = secret.into();
    }
}
