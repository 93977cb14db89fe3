//! Names of databases, collections and fields, and which of them may be used.

use business_tools_core::Faults;

/// Databases that hold the server's own affairs.
const SYSTEM_DATABASES: &[&str] = &["admin", "config", "local"];

/// The longest name of a database, in bytes.
const MAX_DATABASE: usize = 63;

/// The longest namespace, `database.collection`, in bytes.
const MAX_NAMESPACE: usize = 255;

/// What the operator lets be used.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    databases: Vec<String>,
    collections: Vec<String>,
    allow_system: bool,
}

impl Fence {
    pub(crate) fn new(
        databases: Vec<String>,
        collections: Vec<String>,
        allow_system: bool,
    ) -> Self {
        Self {
            databases,
            collections,
            allow_system,
        }
    }

    /// Whether a database may be used at all.
    pub(crate) fn opens_database(&self, database: &str) -> bool {
        let listed = self.databases.is_empty() || any(&self.databases, database);
        let has_collections = self.collections.is_empty()
            || self.collections.iter().any(|entry| {
                let owner = entry.split('.').next().unwrap_or_default();
                matches(owner, database)
            });
        listed && has_collections && (self.allow_system || !is_system_database(database))
    }

    /// Whether a collection may be used.
    pub(crate) fn opens(&self, database: &str, collection: &str) -> bool {
        let namespace = format!("{database}.{collection}");
        self.opens_database(database)
            && (self.collections.is_empty() || any(&self.collections, &namespace))
            && (self.allow_system || !is_system_collection(collection))
    }

    pub(crate) fn database(&self, database: &str, at: &str, faults: &mut Faults) {
        if database.is_empty() || self.opens_database(database) {
            return;
        }
        if is_system_database(database) && !self.allow_system {
            faults.add(
                at,
                "is a database of the server's own, which is closed here",
            );
        } else {
            faults.add(
                at,
                "is not among the databases that the operator opened (`databases`)",
            );
        }
    }

    pub(crate) fn collection(
        &self,
        database: &str,
        collection: &str,
        at: &str,
        faults: &mut Faults,
    ) {
        // What is wrong with the database is told there.
        if !self.opens_database(database) || self.opens(database, collection) {
            return;
        }
        if is_system_collection(collection) && !self.allow_system {
            faults.add(
                at,
                "is a collection of the server's own, which is closed here",
            );
        } else {
            faults.add(
                at,
                "is not among the collections that the operator opened (`collections`)",
            );
        }
    }
}

fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn is_system_database(database: &str) -> bool {
    // The server refuses names that differ in case alone, but is not asked to.
    SYSTEM_DATABASES
        .iter()
        .any(|name| name.eq_ignore_ascii_case(database))
}

fn is_system_collection(collection: &str) -> bool {
    collection.starts_with("system.") || collection.contains(".system.")
}

/// Refuses what can be no database.
pub(crate) fn database_name(database: &str, at: &str, faults: &mut Faults) {
    if database.is_empty() {
        faults.add(at, "must not be empty");
    } else if database.len() > MAX_DATABASE {
        faults.add(at, format!("is longer than {MAX_DATABASE} bytes"));
    } else if database.contains(|c: char| r#"/\. "$*<>:|?"#.contains(c) || c == '\0') {
        faults.add(at, r#"cannot hold / \ . " $ * < > : | ? or a space"#);
    }
}

/// Refuses what can be no collection.
pub(crate) fn collection_name(database: &str, collection: &str, at: &str, faults: &mut Faults) {
    if collection.is_empty() {
        faults.add(at, "must not be empty");
    } else if database.len() + 1 + collection.len() > MAX_NAMESPACE {
        faults.add(
            at,
            format!("is longer than {MAX_NAMESPACE} bytes together with the database"),
        );
    } else if collection.contains(['$', '\0']) {
        faults.add(at, "cannot hold $ or a NUL character");
    } else if collection.starts_with('.') || collection.ends_with('.') {
        faults.add(at, "cannot begin or end with a dot");
    }
}

/// Refuses what can be no field: `what` is where it stands.
pub(crate) fn field_name(field: &str, at: &str, faults: &mut Faults) {
    if field.is_empty() {
        faults.add(at, "must not be empty");
    } else if field.contains('\0') {
        faults.add(at, "a field name cannot hold a NUL character");
    } else if field.starts_with('$') {
        faults.add(at, "is the name of a field, without a leading $");
    }
}

/// Refuses to change what is the server's own, whatever the operator opened for reading.
pub(crate) fn no_system(database: &str, collection: &str, faults: &mut Faults) {
    if is_system_database(database) {
        faults.add(
            "/database",
            "is a database of the server's own, which is never written",
        );
    }
    if is_system_collection(collection) {
        faults.add(
            "/collection",
            "is a collection of the server's own, which is never written",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name) in [
            ("shop.orders", "shop.orders"),
            ("shop.*", "shop.orders"),
            ("*", "anything"),
            ("*.orders", "shop.orders"),
            ("shop.ord*s", "shop.orders"),
            ("shop.*.*", "shop.a.b"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("shop.orders", "shop.orders2"),
            ("shop.*", "shopping.orders"),
            ("*.orders", "shop.orders2"),
            ("a*a", "a"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn an_empty_fence_opens_all_but_the_systems_own() {
        let fence = Fence::new(vec![], vec![], false);
        assert!(fence.opens("shop", "orders"));
        for (database, collection) in [
            ("admin", "x"),
            ("Admin", "x"),
            ("config", "x"),
            ("local", "oplog.rs"),
            ("shop", "system.users"),
            ("shop", "a.system.b"),
        ] {
            assert!(
                !fence.opens(database, collection),
                "{database}.{collection}"
            );
        }
    }

    #[test]
    fn allow_lists_close_everything_else() {
        let fence = Fence::new(vec!["shop".into()], vec!["shop.ord*".into()], false);
        assert!(fence.opens("shop", "orders"));
        assert!(!fence.opens("shop", "users"));
        assert!(!fence.opens("bank", "orders"));
        assert!(!fence.opens_database("bank"));
        let fence = Fence::new(vec![], vec!["shop.orders".into()], false);
        assert!(!fence.opens_database("bank"));
    }
}
