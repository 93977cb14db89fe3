//! Bounded batches of documents, as every reading tool gives them.

use bson::{Bson, Document};
use business_tools_core::{Error, Fate, Kind, Result};
use serde::Serialize;
use serde_json::Value;

use crate::ejson;

/// A bounded list of documents in Extended JSON.
#[derive(Debug, Default, Serialize)]
pub struct Documents {
    /// The documents.
    pub items: Vec<Value>,
    /// Where the next page starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many there are in all, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether documents were left out because they are too large together.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What may explain an unexpected result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The first batch of a cursor.
pub(crate) struct Batch {
    pub(crate) documents: Vec<Document>,
    /// The cursor's id, when the server keeps it open.
    pub(crate) open: Option<i64>,
}

/// Takes the first batch out of an answer.
pub(crate) fn first_batch(mut reply: Document) -> Result<Batch> {
    let Some(Bson::Document(mut cursor)) = reply.remove("cursor") else {
        return Err(unreadable("cursor"));
    };
    let Some(Bson::Array(batch)) = cursor.remove("firstBatch") else {
        return Err(unreadable("cursor.firstBatch"));
    };
    let documents = batch
        .into_iter()
        .map(|item| match item {
            Bson::Document(document) => Ok(document),
            _ => Err(unreadable("cursor.firstBatch")),
        })
        .collect::<Result<_>>()?;
    let open = cursor.get_i64("id").ok().filter(|id| *id != 0);
    Ok(Batch { documents, open })
}

/// An answer that lacks what its description promises.
pub(crate) fn unreadable(member: &str) -> Error {
    Error::new(
        Kind::BadUpstreamResponse,
        format!("The MongoDB server sent an answer without a readable `{member}`"),
    )
    .fate(Fate::Unknown)
    .hint("Check that MONGODB_URI points at a MongoDB server, and its version")
}

/// Cuts a batch to `max_bytes` by leaving out whole documents, and says where to go on.
///
/// `skip` is the place of the first document in the whole result, `limit` what was asked for: a full
/// batch may not be the last.
pub(crate) fn page(documents: Vec<Document>, skip: u64, limit: u32, max_bytes: usize) -> Documents {
    let came = documents.len();
    let mut left = max_bytes;
    let mut items = Vec::with_capacity(came);
    for document in documents {
        let bytes = document.to_vec().map_or(usize::MAX, |bytes| bytes.len());
        // One document is given even when it is too large: the bound on results decides then.
        if bytes > left && !items.is_empty() {
            break;
        }
        left = left.saturating_sub(bytes);
        items.push(Value::Object(ejson::from_document(document)));
    }
    let truncated = items.len() < came;
    let full = u32::try_from(came).unwrap_or(u32::MAX) >= limit;
    let next = skip + items.len() as u64;
    Documents {
        next_cursor: (truncated || full).then(|| next.to_string()),
        items,
        truncated,
        ..Documents::default()
    }
}

/// The place that a cursor of [`page`] stands for.
pub(crate) fn place(cursor: Option<&str>) -> Result<u64> {
    let Some(cursor) = cursor else { return Ok(0) };
    cursor
        .parse()
        .map_err(|_| Error::argument("/cursor", "this is not a cursor of this query"))
}
