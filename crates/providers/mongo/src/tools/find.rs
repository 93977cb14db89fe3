//! Finding documents.

use bson::{Bson, Document, doc};
use business_tools_core::{Cx, Faults, Result, Spec, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{Object, read_or_empty, scan_code};
use super::batch::{Documents, first_batch, page, place};
use crate::Mongo;
use crate::guard::Scan;

/// Find documents in a MongoDB collection by filter. Values are Extended JSON, such as
/// {"$oid": "..."} for ids and {"$date": "..."} for dates.
///
/// # Paging
/// One bounded batch is read. Without `sort` the order is the server's own, and pages may overlap
/// while documents are being written.
///
/// # Source
/// <https://www.mongodb.com/docs/manual/reference/command/find/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Database.
    #[schemars(length(max = 63))]
    database: Option<String>,
    /// Collection.
    #[schemars(length(max = 255))]
    collection: String,
    /// Query filter; empty matches all.
    filter: Option<Object>,
    /// Fields to return, such as {"name": 1}.
    projection: Option<Object>,
    /// Order, such as {"created": -1}.
    sort: Option<Object>,
    /// Default 10.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// Documents to pass over.
    #[schemars(range(max = 1_000_000_000))]
    skip: Option<u64>,
    /// From `next_cursor`.
    #[schemars(length(max = 4096))]
    cursor: Option<String>,
}

/// How many documents are given when nobody says.
pub(super) const DEFAULT_LIMIT: u32 = 10;

impl Tool for Find {
    type Provider = Mongo;
    type Output = Documents;
    const SPEC: Spec = Spec::read("mongo_find")
        .scopes(&["mongo:read"])
        .untrusted_data(&["items"]);

    fn check(&self, faults: &mut Faults) {
        let mut found = Scan::default();
        scan_code(self.filter.as_ref(), "/filter", &mut found, faults);
        scan_code(self.projection.as_ref(), "/projection", &mut found, faults);
        scan_code(self.sort.as_ref(), "/sort", &mut found, faults);
        sort_values(self.sort.as_ref(), faults);
    }

    async fn run(self, mongo: &Mongo, cx: &Cx) -> Result<Documents> {
        let mut faults = Faults::default();
        let at = mongo.readable(self.database.as_deref(), &self.collection, &mut faults);
        let limit = mongo.limit(self.limit, &mut faults);
        let filter = read_or_empty(self.filter.as_ref(), "/filter", &mut faults);
        let projection = read_or_empty(self.projection.as_ref(), "/projection", &mut faults);
        let sort = read_or_empty(self.sort.as_ref(), "/sort", &mut faults);
        faults.into_result()?;
        let skip = self
            .skip
            .unwrap_or(0)
            .saturating_add(place(self.cursor.as_deref())?);

        let mut command = doc! {"find": &at.collection, "filter": filter.clone()};
        if !projection.is_empty() {
            command.insert("projection", projection);
        }
        if !sort.is_empty() {
            command.insert("sort", sort);
        }
        if skip > 0 {
            command.insert("skip", whole(skip));
        }
        let rows = whole(u64::from(limit));
        command.insert("limit", rows.clone());
        command.insert("singleBatch", true);
        command.insert("batchSize", rows);
        mongo.check_index(cx, &at.database, &command).await?;

        let reply = mongo.client.read(cx, &at.database, command).await?;
        let batch = first_batch(reply)?;
        let mut page = page(batch.documents, skip, limit, mongo.limits.bytes);
        // The cursor tells the place beside `skip`, which the next call gives again.
        page.next_cursor = page
            .next_cursor
            .and_then(|next| next.parse::<u64>().ok())
            .map(|next| (next - self.skip.unwrap_or(0)).to_string());
        if page.items.is_empty() {
            page.hint = id_hint(&filter);
        }
        Ok(page)
    }
}

/// A number as small as BSON has it: that is how the server's own tools write it.
pub(super) fn whole(n: u64) -> Bson {
    i32::try_from(n).map_or_else(
        |_| Bson::Int64(i64::try_from(n).unwrap_or(i64::MAX)),
        Bson::Int32,
    )
}

/// Sorts go up, down, or by a score.
fn sort_values(sort: Option<&Object>, faults: &mut Faults) {
    for (field, value) in sort.iter().flat_map(|sort| &sort.0) {
        let fine = value == 1
            || value == -1
            || value
                .as_object()
                .is_some_and(|object| object.contains_key("$meta") && object.len() == 1);
        if !fine {
            faults.add(
                crate::ejson::child("/sort", field),
                r#"must be 1, -1 or {"$meta": "textScore"}"#,
            );
        }
    }
}

/// What to say when a filter on `_id` found nothing because a text was taken for an id.
pub(super) fn id_hint(filter: &Document) -> Option<String> {
    let hex = |text: &str| text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_text = |value: &Bson| matches!(value, Bson::String(text) if hex(text));
    let plain = match filter.get("_id")? {
        Bson::Document(operators) => operators.values().any(|value| match value {
            Bson::Array(values) => values.iter().any(is_text),
            value => is_text(value),
        }),
        value => is_text(value),
    };
    plain.then(|| {
        r#"`_id` was compared with plain text; an ObjectId is written {"$oid": "..."}"#.to_owned()
    })
}
