//! One object at a time: list, read, create, change, archive.

use std::collections::BTreeMap;

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::IntoResponse;
use business_tools_sandbox::{Form, json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::desk::{self, Body, Desk, Query};
use super::kinds::Type;
use super::record::{Record, Wanted};
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::write::{New, Pen, id_of};
use super::{links, paged};

#[derive(Deserialize)]
pub(super) struct Named {
    object_type: String,
    #[serde(default)]
    object_id: String,
}

#[derive(Deserialize)]
pub(super) struct Change {
    properties: Map<String, Value>,
}

/// How many of each type are shown with an object.
const MOST_LINKS: usize = 500;

/// A listing with history is shorter.
const WITH_HISTORY: usize = 50;

pub(super) async fn list(desk: Desk, Path(named): Path<Named>, Query(query): Query) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let view = View::of(&query)?;
    let most = if view.wanted.history.is_empty() {
        100
    } else {
        WITH_HISTORY
    };
    let size = paged::limit(&query, 10.min(most), most)?;
    desk.with(|account| {
        let none = BTreeMap::default();
        let all = account.all(&kind).unwrap_or(&none);
        let kept: Vec<&Record> = all
            .values()
            .filter(|r| r.archived.is_some() == view.archived)
            .collect();
        let page = paged::by_id(kept.iter().map(|record| record.id), &query, size)?;
        let shown = kept[page.range.clone()]
            .iter()
            .map(|record| view.show(account, &kind, record, &desk));
        Ok(page.answer(shown.collect(), &desk, &query))
    })
}

pub(super) async fn fetch(desk: Desk, Path(named): Path<Named>, Query(query): Query) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let view = View::of(&query)?;
    desk.with(|account| {
        let record = if view.archived {
            let found = account.any(&kind, id_of(&named.object_id)?);
            found
                .filter(|record| record.archived.is_some())
                .ok_or_else(Refusal::no_object)?
        } else {
            let id = Pen::new(account, &kind, desk.portal())
                .find(&named.object_id, query.given("idProperty"))?;
            account.live(&kind, id).ok_or_else(Refusal::no_object)?
        };
        Ok(json::ok(&view.show(account, &kind, record, &desk)))
    })
}

pub(super) async fn create(desk: Desk, Path(named): Path<Named>, Body(new): Body<New>) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    desk.with(|account| {
        let id = Pen::new(account, &kind, desk.portal()).create(&new)?;
        let record = account.live(&kind, id).ok_or_else(Refusal::no_object)?;
        Ok(json::answer(
            StatusCode::CREATED,
            &record.show_whole(&kind, desk.portal()),
        ))
    })
}

pub(super) async fn update(
    desk: Desk,
    Path(named): Path<Named>,
    Query(query): Query,
    Body(change): Body<Change>,
) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    desk.with(|account| {
        let mut pen = Pen::new(account, &kind, desk.portal());
        let id = pen.find(&named.object_id, query.given("idProperty"))?;
        pen.update(id, &change.properties)?;
        let record = account.live(&kind, id).ok_or_else(Refusal::no_object)?;
        Ok(json::ok(&record.show_whole(&kind, desk.portal())))
    })
}

pub(super) async fn archive(desk: Desk, Path(named): Path<Named>) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let id = id_of(&named.object_id)?;
    // What is gone already, or never was, is no error.
    desk.with(|account| account.archive(&kind, id));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a query string asks of each object.
pub(super) struct View {
    wanted: Wanted,
    archived: bool,
    links: Vec<Type>,
}

impl View {
    pub(super) fn of(query: &Form) -> Answer<Self> {
        let links = desk::words(query, "associations");
        Ok(Self {
            wanted: Wanted {
                properties: desk::words(query, "properties"),
                history: desk::words(query, "propertiesWithHistory"),
            },
            archived: desk::flag(query, "archived"),
            links: links
                .iter()
                .map(|name| desk::kind(name))
                .collect::<Answer<_>>()?,
        })
    }

    fn show(&self, account: &Account, kind: &Type, record: &Record, desk: &Desk) -> Value {
        let mut shown = show(account, kind, record, desk.portal(), &self.wanted);
        let mut linked = Map::new();
        let from = (kind.id().to_owned(), record.id);
        for to in &self.links {
            let found: Vec<Value> = account
                .links
                .from(&from, to)
                .flat_map(|(id, specs)| specs.iter().map(move |spec| (id, *spec)))
                .map(
                    |(id, spec)| json!({"id": id.to_string(), "type": links::name(kind, to, spec)}),
                )
                .take(MOST_LINKS)
                .collect();
            if !found.is_empty() {
                linked.insert(to.plural().replace('_', " "), json!({ "results": found }));
            }
        }
        if !linked.is_empty() {
            shown["associations"] = linked.into();
        }
        shown
    }
}

/// An object as it is read.
pub(super) fn show(
    account: &Account,
    kind: &Type,
    record: &Record,
    portal: u32,
    wanted: &Wanted,
) -> Value {
    // Names that the account does not have are passed over in silence.
    record.show(kind, portal, wanted, &|name| {
        account.field(kind, name).is_some()
    })
}
