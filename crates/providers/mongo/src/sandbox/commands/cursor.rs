//! Results that do not fit one reply.

use std::collections::{HashMap, VecDeque};

use bson::{Bson, Document, doc};

use super::{Args, Session, State};
use crate::sandbox::{
    failure::{Failure, Result},
    number::Number,
    store::size,
    wire::MAX_DOCUMENT_BYTES,
};

/// The documents of a first batch whose size was not asked for.
pub(super) const FIRST_BATCH: usize = 101;

#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: HashMap<i64, Cursor>,
    last: i64,
}

#[derive(Debug)]
struct Cursor {
    namespace: String,
    rest: VecDeque<Document>,
}

impl Cursors {
    /// The reply with the first batch; `batch` is `None` where all goes out at once.
    pub(super) fn open(
        &mut self,
        namespace: &str,
        documents: Vec<Document>,
        batch: usize,
        single: bool,
    ) -> Document {
        let mut rest = VecDeque::from(documents);
        let first = take(&mut rest, batch);
        let id = if rest.is_empty() || single {
            0
        } else {
            self.keep(namespace, rest)
        };
        doc! { "cursor": { "firstBatch": first, "id": id, "ns": namespace } }
    }

    fn keep(&mut self, namespace: &str, rest: VecDeque<Document>) -> i64 {
        self.last += 1;
        // Real ids are large; a client that keeps only 32 bits of one must not get away with it.
        let id = (1 << 40) + self.last;
        self.open.insert(
            id,
            Cursor {
                namespace: namespace.to_owned(),
                rest,
            },
        );
        id
    }
}

/// Up to `count` documents that fit one reply together, but at least one where there is one.
fn take(rest: &mut VecDeque<Document>, count: usize) -> Vec<Document> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < count {
        let Some(next) = rest.front() else { break };
        bytes += size(next);
        if bytes > MAX_DOCUMENT_BYTES && !batch.is_empty() {
            break;
        }
        batch.extend(rest.pop_front());
    }
    batch
}

fn not_found(id: i64) -> Failure {
    Failure::new(43, format!("cursor id {id} not found"))
}

pub(super) fn get_more(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["collection", "batchSize"], &["term"])?;
    let Bson::Int64(id) = args.subject() else {
        return Err(Failure::type_mismatch(
            "BSON field 'getMore.getMore' is the wrong type, expected type 'long'",
        ));
    };
    let collection = args
        .text("collection")?
        .ok_or_else(|| args.missing("collection"))?;
    let namespace = args.namespace(collection);
    let cursor = state
        .cursors
        .open
        .get_mut(id)
        .ok_or_else(|| not_found(*id))?;
    if cursor.namespace != namespace {
        return Err(Failure::new(
            13,
            format!(
                "Requested getMore on namespace '{namespace}', but cursor belongs to a different \
                 namespace {}",
                cursor.namespace
            ),
        ));
    }
    let count = args
        .size("batchSize")?
        .filter(|count| *count > 0)
        .unwrap_or(usize::MAX);
    let batch = take(&mut cursor.rest, count);
    let exhausted = cursor.rest.is_empty();
    if exhausted {
        state.cursors.open.remove(id);
    }
    let id = if exhausted { 0 } else { *id };
    Ok(doc! { "cursor": { "nextBatch": batch, "id": id, "ns": namespace } })
}

pub(super) fn kill(state: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["cursors"], &[])?;
    let ids = args
        .array("cursors")?
        .ok_or_else(|| args.missing("cursors"))?;
    let (mut killed, mut unknown) = (Vec::new(), Vec::new());
    for id in ids
        .iter()
        .filter_map(Number::of)
        .filter_map(Number::to_integer)
    {
        match state.cursors.open.remove(&id) {
            Some(_) => killed.push(id),
            None => unknown.push(id),
        }
    }
    Ok(doc! {
        "cursorsKilled": killed,
        "cursorsNotFound": unknown,
        "cursorsAlive": Vec::<i64>::new(),
        "cursorsUnknown": Vec::<i64>::new(),
    })
}
