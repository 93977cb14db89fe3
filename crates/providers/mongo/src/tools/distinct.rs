//! The distinct values of a field.

use bson::doc;
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{Object, read_or_empty, scan_code};
use super::batch::{Documents, place};
use super::count::values;
use crate::Mongo;
use crate::ejson;
use crate::guard::{self, Scan};

/// List the distinct values of one field in a MongoDB collection, among the documents that match a
/// filter.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/distinct/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distinct {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Field, dotted when nested: `address.city`.
    #[schemars(length(min = 1, max = 1024))]
    field: String,
    /// Query filter; empty matches all.
    filter: Option<Object>,
    /// Values to return, 100 by default.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

impl Tool for Distinct {
    type Provider = Mongo;
    type Output = Documents;
    const SPEC: Spec = Spec::read("mongo_distinct")
        .cached(10)
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    fn check(&self, faults: &mut Faults) {
        guard::field_name(&self.field, "/field", faults);
        scan_code(
            self.filter.as_ref(),
            "/filter",
            &mut Scan::default(),
            faults,
        );
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Documents> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        let filter = read_or_empty(self.filter.as_ref(), "/filter", &mut faults);
        faults.into_result()?;
        let skip = usize::try_from(place(self.cursor.as_deref())?).unwrap_or(usize::MAX);

        let command = doc! {"distinct": &at.collection, "key": &self.field, "query": filter};
        mongo.check_index(cx, &at.database, &command).await?;
        let reply = mongo.client.read(cx, &at.database, command).await?;
        // The server gives all of them at once, and refuses when that is more than 16 MB.
        let values = values(reply, "values")?;
        let total = values.len();
        let items: Vec<_> = values
            .into_iter()
            .skip(skip)
            .take(self.limit.unwrap_or(100))
            .map(ejson::from_bson)
            .collect();
        let next = skip.saturating_add(items.len());
        Ok(Documents {
            next_cursor: (next < total).then(|| next.to_string()),
            items,
            total: Some(total as u64),
            ..Documents::default()
        })
    }
}
