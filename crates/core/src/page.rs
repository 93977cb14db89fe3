//! Lists: one paging model for every provider, and results that fit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};

/// The largest result a call gives, in bytes of JSON.
pub const MAX_RESULT: usize = 64 << 10;

/// A list as every tool gives it.
///
/// `next_cursor` is the provider's own token for the page after this one; core makes it opaque on the
/// way out, ties it to the query, and gives it back to the tool as it was.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// Where the next page starts; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many there are in all, when the provider says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// A page and the provider's token for the one after it.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self {
            items,
            next_cursor: next,
            total: None,
        }
    }

    /// Tells how many there are in all.
    pub fn total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }
}

/// How much of each thing is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// What an agent usually needs.
    #[default]
    Summary,
    /// Everything the provider gave.
    Full,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    /// A digest of the query the cursor belongs to.
    q: String,
    /// The provider's token of the page; empty for the first page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    t: String,
    /// How many of that page's things were given already.
    #[serde(default, skip_serializing_if = "is_zero")]
    s: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The place in a list where a call takes up again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    query: String,
    token: String,
    skip: usize,
}

impl Place {
    /// Reads and checks the `cursor` argument, and puts the provider's token in its place.
    pub(crate) fn take(tool: &str, args: &mut Map<String, Value>) -> Result<Self> {
        let query = digest(tool, args);
        let Some(Value::String(text)) = args.remove("cursor") else {
            return Ok(Self {
                query,
                ..Self::default()
            });
        };
        let bad = || {
            Error::argument("/cursor", "this is not a cursor of this query")
                .hint("Leave `cursor` out to start at the beginning, and keep the other arguments as they were")
        };
        let raw = URL_SAFE_NO_PAD.decode(&text).map_err(|_| bad())?;
        let Cursor { q, t, s } = serde_json::from_slice(&raw).map_err(|_| bad())?;
        if q != query {
            return Err(bad());
        }
        if !t.is_empty() {
            args.insert("cursor".into(), t.clone().into());
        }
        Ok(Self {
            query,
            token: t,
            skip: s,
        })
    }

    fn encode(&self, token: &str, skip: usize) -> String {
        let cursor = Cursor {
            q: self.query.clone(),
            t: token.to_owned(),
            s: skip,
        };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }

    /// Makes the provider's token opaque, skips what was given already, and drops whole things until
    /// the result fits.
    pub(crate) fn fit(&self, mut result: Value, max: usize) -> Result<Value> {
        let is_list = result.get("items").is_some_and(Value::is_array);
        if !is_list {
            return match size(&result) {
                n if n > max => Err(too_large(n, max)),
                _ => Ok(result),
            };
        }
        let Some(object) = result.as_object_mut() else {
            return Ok(result);
        };
        let next = object
            .remove("next_cursor")
            .and_then(|v| v.as_str().map(str::to_owned));
        let mut items = match object.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        items.drain(..self.skip.min(items.len()));
        // Room for the members that are added below.
        let mut left = max.saturating_sub(size(&Value::Object(object.clone())) + 1024);
        let fits = items
            .iter()
            .take_while(|item| {
                let need = size(item) + 1;
                let ok = need <= left;
                left = left.saturating_sub(need);
                ok
            })
            .count();
        if fits == 0 && !items.is_empty() {
            return Err(too_large(size(&items[0]), max));
        }
        let truncated = fits < items.len();
        items.truncate(fits);
        let next = if truncated {
            Some(self.encode(&self.token, self.skip + fits))
        } else {
            next.map(|token| self.encode(&token, 0))
        };
        let mut ordered = json!({ "items": items });
        if let Some(ordered) = ordered.as_object_mut() {
            if let Some(next) = next {
                ordered.insert("next_cursor".into(), next.into());
            }
            if truncated {
                ordered.insert("truncated".into(), true.into());
            }
            ordered.append(object);
        }
        Ok(ordered)
    }
}

/// The bytes of a value as JSON.
pub(crate) fn size(value: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

fn too_large(is: usize, max: usize) -> Error {
    Error::new(
        Kind::ResultTooLarge,
        format!(
            "The result has {} KB, more than the {} KB that a call gives",
            is >> 10,
            max >> 10
        ),
    )
    .hint("Ask for less: a smaller `limit`, fewer fields, or `detail: \"summary\"`")
}

/// A digest of a tool's arguments, without the cursor itself.
fn digest(tool: &str, args: &Map<String, Value>) -> String {
    let mut hash = Sha256::new();
    hash.update(tool);
    let mut keys: Vec<_> = args.keys().filter(|k| *k != "cursor").collect();
    keys.sort();
    for key in keys {
        hash.update([0]);
        hash.update(key);
        hash.update([0]);
        hash.update(args[key].to_string());
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
}
