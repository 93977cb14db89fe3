//! The settings of an account.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use business_tools_core::config::schema;
use business_tools_mcp::providers::Row;
use serde_json::Value;

use crate::arguments;

pub(crate) fn section(row: &Row) -> String {
    let info = row.info;
    let whole = schema(&[(row.known)()]);
    let account = format!(
        "/properties/providers/properties/{}/properties/accounts/additionalProperties/properties",
        info.id
    );
    let ways = ways(row);
    let needed = |name: &str| {
        let known = (row.known)();
        if known.requires(name) || ways.iter().all(|way| way.contains(name)) {
            "yes"
        } else if ways.iter().any(|way| way.contains(name)) {
            "one way"
        } else {
            ""
        }
    };
    let mut text = format!(
        "\n## Settings\n\nOf the block `providers.{0}`; credentials stand in `providers.{0}.credentials`, or in \
         `accounts.NAME` for further accounts.\n\n| setting | required | environment | type | |\n|---|---|---|---|---|\n",
        info.id
    );
    let fields = whole.pointer(&account).and_then(Value::as_object);
    for (name, field) in fields.into_iter().flatten() {
        // The stronger variable stands last in the list, and first here.
        let variables = info.env.iter().rev().filter(|var| var.field == name);
        let mut variables: Vec<_> = variables.map(|var| format!("`{}`", var.name)).collect();
        if name == "base_url" && variables.is_empty() {
            variables.push(format!("`{}_BASE_URL`", info.id.to_ascii_uppercase()));
        }
        let credential = if info.credentials.contains(&name.as_str()) {
            ", credential"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {}{credential} | {} |",
            needed(name),
            variables.join(", "),
            arguments::kind(field),
            arguments::about(field)
        );
    }
    if ways.len() > 1 {
        let ways: Vec<_> = ways.iter().map(names).collect();
        let _ = writeln!(
            text,
            "\nAn account authenticates in one of these ways: {}.",
            ways.join("; ")
        );
    }
    text
}

/// The sets of credentials that are enough, each as the names of its fields.
fn ways(row: &Row) -> Vec<BTreeSet<String>> {
    let given = |fields: &Value| {
        let fields = fields.as_object().into_iter().flatten();
        let given = fields.filter(|(_, value)| !value.is_null());
        given.map(|(name, _)| name.clone()).collect()
    };
    (row.examples)().credentials.iter().map(given).collect()
}

fn names(way: &BTreeSet<String>) -> String {
    let names: Vec<_> = way.iter().map(|name| format!("`{name}`")).collect();
    names.join(" with ")
}
