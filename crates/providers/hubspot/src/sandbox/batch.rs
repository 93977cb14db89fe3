//! Up to a hundred objects at a time.

use std::collections::BTreeSet;

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::jiff::Timestamp;
use business_tools_sandbox::{clock, json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::desk::{self, Body, Desk, Query};
use super::kinds::Type;
use super::objects;
use super::record::Wanted;
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::write::{New, Pen, id_of};

/// Inputs of one call.
const MOST: usize = 100;
const MOST_WITH_HISTORY: usize = 50;

#[derive(Deserialize)]
pub(super) struct Named {
    object_type: String,
    action: String,
}

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    inputs: Vec<Id>,
    id_property: Option<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    properties_with_history: Vec<String>,
}

#[derive(Deserialize)]
struct Id {
    id: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    id: Value,
    id_property: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    object_write_trace_id: Option<String>,
}

pub(super) async fn act(
    desk: Desk,
    Path(named): Path<Named>,
    Query(query): Query,
    Body(body): Body<Value>,
) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let archived = desk::flag(&query, "archived");
    match named.action.as_str() {
        "read" => read(&desk, &kind, &inputs(body)?, archived),
        "create" => create(&desk, &kind, &inputs::<Inputs<New>>(body)?.inputs),
        "update" => update(&desk, &kind, &inputs::<Inputs<Change>>(body)?.inputs),
        "upsert" => upsert(&desk, &kind, &inputs::<Inputs<Change>>(body)?.inputs),
        "archive" => archive(&desk, &kind, &inputs::<Inputs<Id>>(body)?.inputs),
        _ => Err(Refusal::not_found("Resource not found")),
    }
}

pub(super) fn inputs<T: DeserializeOwned>(body: Value) -> Answer<T> {
    serde_json::from_value(body)
        .map_err(|error| Refusal::invalid(format!("Invalid input JSON: {error}")))
}

pub(super) fn bound(count: usize, most: usize) -> Answer<()> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "The maximum number of inputs supported in a batch request is {most}, got {count}"
    )))
}

fn read(desk: &Desk, kind: &Type, read: &Read, archived: bool) -> Answer {
    let started = clock::now();
    let wanted = Wanted {
        properties: read.properties.clone(),
        history: read.properties_with_history.clone(),
    };
    bound(
        read.inputs.len(),
        if wanted.history.is_empty() {
            MOST
        } else {
            MOST_WITH_HISTORY
        },
    )?;
    desk.with(|account| {
        if let Some(property) = &read.id_property {
            Pen::new(account, kind, desk.portal()).check_id_property(property)?;
        }
        let (mut results, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for input in &read.inputs {
            let id = desk::text(&input.id).unwrap_or_default();
            let pen = Pen::new(account, kind, desk.portal());
            let found = if archived {
                id_of(&id)
                    .ok()
                    .and_then(|id| account.any(kind, id))
                    .filter(|r| r.archived.is_some())
            } else {
                let id = pen.find(&id, read.id_property.as_deref()).ok();
                id.and_then(|id| account.live(kind, id))
            };
            match found {
                // One answer for each object, however often it was asked for.
                Some(record) if seen.insert(record.id) => {
                    results.push(objects::show(account, kind, record, desk.portal(), &wanted));
                }
                Some(_) => {}
                None => missing.push(id),
            }
        }
        let errors = if missing.is_empty() {
            vec![]
        } else {
            vec![absent(kind, missing).in_batch()]
        };
        Ok(done(StatusCode::OK, started, results, errors))
    })
}

fn absent(kind: &Type, ids: Vec<String>) -> Refusal {
    let message = format!(
        "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
        kind.shout()
    );
    Refusal::not_found(message).with_context("ids", ids)
}

fn create(desk: &Desk, kind: &Type, inputs: &[New]) -> Answer {
    bound(inputs.len(), MOST)?;
    let traces: Vec<Option<&str>> = inputs
        .iter()
        .map(|new| new.object_write_trace_id.as_deref())
        .collect();
    every(desk, kind, StatusCode::CREATED, &traces, |pen, at| {
        let id = pen.create(&inputs[at])?;
        whole(pen.account, kind, id, pen.portal)
    })
}

fn update(desk: &Desk, kind: &Type, inputs: &[Change]) -> Answer {
    bound(inputs.len(), MOST)?;
    every(desk, kind, StatusCode::OK, &traces(inputs), |pen, at| {
        let input = &inputs[at];
        let name = desk::text(&input.id).unwrap_or_default();
        let found = pen.find(&name, input.id_property.as_deref());
        let id = found.map_err(|_| absent(kind, vec![name]))?;
        pen.update(id, &input.properties)?;
        whole(pen.account, kind, id, pen.portal)
    })
}

fn upsert(desk: &Desk, kind: &Type, inputs: &[Change]) -> Answer {
    bound(inputs.len(), MOST)?;
    let mut seen = BTreeSet::new();
    for input in inputs {
        let id = desk::text(&input.id).unwrap_or_default().to_lowercase();
        if !seen.insert((input.id_property.as_deref(), id.clone())) {
            let message = format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique");
            return Err(Refusal::invalid(message).with_context("ids", [id]));
        }
    }
    every(desk, kind, StatusCode::OK, &traces(inputs), |pen, at| {
        let input = &inputs[at];
        let name = desk::text(&input.id).unwrap_or_default();
        let property = input.id_property.as_deref().unwrap_or("hs_object_id");
        pen.check_id_property(property)?;
        let (id, new) = match pen.find(&name, Some(property)) {
            Ok(id) => {
                pen.update(id, &input.properties)?;
                (id, false)
            }
            Err(_) if property == "hs_object_id" => return Err(absent(kind, vec![name])),
            Err(_) => {
                let mut properties = input.properties.clone();
                properties.entry(property).or_insert_with(|| name.into());
                let new = New {
                    properties,
                    ..New::default()
                };
                (pen.create(&new)?, true)
            }
        };
        let mut shown = whole(pen.account, kind, id, pen.portal)?;
        shown["new"] = new.into();
        Ok(shown)
    })
}

fn archive(desk: &Desk, kind: &Type, inputs: &[Id]) -> Answer {
    bound(inputs.len(), MOST)?;
    let ids: Vec<u64> = inputs
        .iter()
        .map(|input| id_of(&desk::text(&input.id).unwrap_or_default()))
        .collect::<Answer<_>>()?;
    desk.with(|account| ids.iter().for_each(|id| account.archive(kind, *id)));
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn traces(inputs: &[Change]) -> Vec<Option<&str>> {
    inputs
        .iter()
        .map(|input| input.object_write_trace_id.as_deref())
        .collect()
}

fn whole(account: &Account, kind: &Type, id: u64, portal: u32) -> Answer<Value> {
    let record = account.live(kind, id).ok_or_else(Refusal::no_object)?;
    Ok(record.show_whole(kind, portal))
}

/// Write every input. One that is wrong spoils the whole batch, unless the inputs carry the ids by which the caller
/// can tell them apart; but objects that are not there spoil nothing.
fn every(
    desk: &Desk,
    kind: &Type,
    status: StatusCode,
    traces: &[Option<&str>],
    mut write: impl FnMut(&mut Pen<'_>, usize) -> Answer<Value>,
) -> Answer {
    let started = clock::now();
    let told_apart = !traces.is_empty() && traces.iter().all(Option::is_some);
    desk.with(|account| {
        let mut pen = Pen::new(account, kind, desk.portal());
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (at, trace) in traces.iter().enumerate() {
            match write(&mut pen, at) {
                Ok(mut shown) => {
                    if let Some(trace) = trace {
                        shown["objectWriteTraceId"] = (*trace).into();
                    }
                    results.push(shown);
                }
                Err(refusal) if told_apart || refusal.is_absence() => {
                    let refusal = match trace {
                        Some(trace) => refusal.with_context("objectWriteTraceId", [*trace]),
                        None => refusal,
                    };
                    errors.push(refusal.in_batch());
                }
                Err(refusal) => {
                    pen.undo();
                    return Err(refusal);
                }
            }
        }
        Ok(done(status, started, results, errors))
    })
}

/// The answer to a batch: 207 if something failed.
pub(super) fn done(
    status: StatusCode,
    started: Timestamp,
    results: Vec<Value>,
    errors: Vec<Value>,
) -> Response {
    let mut body = json!({
        "status": "COMPLETE", "results": results, "startedAt": clock::rfc3339_millis(started),
        "completedAt": clock::rfc3339_millis(clock::now()),
    });
    if errors.is_empty() {
        return json::answer(status, &body);
    }
    body["numErrors"] = errors.len().into();
    body["errors"] = errors.into();
    json::answer(StatusCode::MULTI_STATUS, &body)
}
