//! Associations: of two objects, of many at a time, and what they are called.

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::IntoResponse;
use business_tools_sandbox::{Form, clock, json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::{bound, done, inputs};
use super::desk::{self, Body, Desk, Query};
use super::kinds::Type;
use super::link_types;
use super::links::{self, Category, End, Spec};
use super::paged::{self, Page};
use super::refusal::{Answer, Refusal};
use super::state::Account;
use super::write::{id_of, no_such_type};

/// Objects of one call, and associations of each on a page.
const MOST: usize = 1000;
const PAGE: usize = 500;
/// Inputs of one call that writes.
const MOST_WRITTEN: usize = 2000;

#[derive(Deserialize)]
pub(super) struct Pair {
    object_type: String,
    object_id: String,
    to_type: String,
    #[serde(default)]
    to_id: String,
}

/// Both ends of an association that a path names, and their types.
struct Ends {
    from_kind: Type,
    to_kind: Type,
    from: End,
    to: End,
}

impl Ends {
    fn of(desk: &Desk, pair: &Pair) -> Answer<Self> {
        let (from_kind, to_kind) = (desk.kind(&pair.object_type)?, desk.kind(&pair.to_type)?);
        let from = (from_kind.id().to_owned(), id_of(&pair.object_id)?);
        let to = (to_kind.id().to_owned(), id_of(&pair.to_id)?);
        Ok(Self {
            from_kind,
            to_kind,
            from,
            to,
        })
    }

    /// Both objects are there.
    fn check(&self, account: &Account) -> Answer<()> {
        for (kind, (_, id)) in [(&self.from_kind, &self.from), (&self.to_kind, &self.to)] {
            if account.live(kind, *id).is_none() {
                let message = format!("No {} with ID {id} exists", kind.singular());
                return Err(Refusal::not_found(message).with_context("id", [id.to_string()]));
            }
        }
        if self.from == self.to {
            return Err(Refusal::invalid(
                "An object cannot be associated with itself",
            ));
        }
        Ok(())
    }

    /// `specs` are types from the one type of objects to the other.
    fn check_specs(&self, specs: &[Spec]) -> Answer<()> {
        if specs.is_empty() {
            return Err(Refusal::invalid("One or more association types are needed"));
        }
        let known = link_types::between(self.from_kind.id(), self.to_kind.id());
        for spec in specs
            .iter()
            .filter(|spec| spec.association_category == Category::HubspotDefined)
        {
            if !known
                .iter()
                .any(|known| known.id == spec.association_type_id)
            {
                return Err(no_such_type(*spec, self.from_kind.singular()));
            }
        }
        Ok(())
    }

    fn join(&self, account: &mut Account, specs: &[Spec]) {
        for spec in specs {
            let plain = account.links.plain(&self.from.0, &self.to.0).0;
            account.join(&self.from, &self.to, (*spec != plain).then_some(*spec));
        }
    }
}

/// `PUT …/associations/default/…`
pub(super) async fn put_default(desk: Desk, Path(pair): Path<Pair>) -> Answer {
    let started = clock::now();
    let ends = Ends::of(&desk, &pair)?;
    desk.with(|account| {
        ends.check(account)?;
        Ok(done(StatusCode::OK, started, both(account, &ends), vec![]))
    })
}

/// Associate plainly; both directions, as they are answered.
fn both(account: &mut Account, ends: &Ends) -> Vec<Value> {
    let (there, back) = account.join(&ends.from, &ends.to, None);
    let one = |from: &End, to: &End, spec: Spec| json!({"from": {"id": from.1.to_string()}, "to": {"id": to.1.to_string()}, "associationSpec": spec});
    vec![
        one(&ends.from, &ends.to, there),
        one(&ends.to, &ends.from, back),
    ]
}

/// `PUT …/associations/…`, with the types in the body.
pub(super) async fn put(
    desk: Desk,
    Path(pair): Path<Pair>,
    Body(specs): Body<Vec<Spec>>,
) -> Answer {
    let ends = Ends::of(&desk, &pair)?;
    ends.check_specs(&specs)?;
    desk.with(|account| {
        ends.check(account)?;
        ends.join(account, &specs);
        Ok(json::answer(StatusCode::CREATED, &labelled(&ends, &specs)))
    })
}

fn labelled(ends: &Ends, specs: &[Spec]) -> Value {
    let labels = specs
        .iter()
        .filter_map(|spec| links::label(&ends.from.0, &ends.to.0, *spec));
    json!({
        "fromObjectTypeId": ends.from.0, "fromObjectId": ends.from.1.to_string(),
        "toObjectTypeId": ends.to.0, "toObjectId": ends.to.1.to_string(),
        "labels": labels.collect::<Vec<_>>(),
    })
}

/// All associations of two objects; none left is no error.
pub(super) async fn delete(desk: Desk, Path(pair): Path<Pair>) -> Answer {
    let ends = Ends::of(&desk, &pair)?;
    desk.with(|account| account.part(&ends.from, &ends.to));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What one object is associated with.
pub(super) async fn list(desk: Desk, Path(pair): Path<Pair>, Query(query): Query) -> Answer {
    let (from, to) = (desk.kind(&pair.object_type)?, desk.kind(&pair.to_type)?);
    let id = id_of(&pair.object_id)?;
    let size = paged::limit(&query, PAGE, PAGE)?;
    desk.with(|account| {
        if account.live(&from, id).is_none() {
            return Err(Refusal::no_object());
        }
        let (page, shown) = page(account, &from, id, &to, &query, size)?;
        Ok(page.answer(shown, &desk, &query))
    })
}

fn page(
    account: &Account,
    from: &Type,
    id: u64,
    to: &Type,
    query: &Form,
    size: usize,
) -> Answer<(Page, Vec<Value>)> {
    let end = (from.id().to_owned(), id);
    let all: Vec<_> = account.links.from(&end, to).collect();
    let page = paged::by_id(all.iter().map(|(id, _)| *id), query, size)?;
    let shown = all[page.range.clone()].iter().map(|(id, specs)| {
        let types: Vec<Value> = specs
            .iter()
            .map(|spec| links::show(from.id(), to.id(), *spec))
            .collect();
        json!({"toObjectId": id.to_string(), "associationTypes": types})
    });
    let shown = shown.collect();
    Ok((page, shown))
}

#[derive(Deserialize)]
pub(super) struct Between {
    from_type: String,
    to_type: String,
    #[serde(default)]
    action: String,
}

#[derive(Deserialize)]
struct Inputs<T> {
    inputs: Vec<T>,
}

#[derive(Deserialize)]
struct From {
    id: Value,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: Value,
}

#[derive(Deserialize)]
struct Link {
    from: Reference,
    to: Reference,
    #[serde(default)]
    types: Vec<Spec>,
}

#[derive(Deserialize)]
struct Unlink {
    from: Reference,
    to: Vec<Reference>,
}

impl Reference {
    fn text(&self) -> String {
        desk::text(&self.id).unwrap_or_default()
    }
}

pub(super) async fn batch(
    desk: Desk,
    Path(between): Path<Between>,
    Body(body): Body<Value>,
) -> Answer {
    let (from, to) = (desk.kind(&between.from_type)?, desk.kind(&between.to_type)?);
    match between.action.as_str() {
        "read" => read(&desk, &from, &to, &inputs::<Inputs<From>>(body)?.inputs),
        "create" => create(&desk, &between, &inputs::<Inputs<Link>>(body)?.inputs),
        "archive" => archive(&desk, &between, &inputs::<Inputs<Unlink>>(body)?.inputs),
        _ => Err(Refusal::not_found("Resource not found")),
    }
}

/// `POST …/batch/associate/default`
pub(super) async fn batch_default(
    desk: Desk,
    Path(between): Path<Between>,
    Body(body): Body<Value>,
) -> Answer {
    let started = clock::now();
    let links = inputs::<Inputs<Link>>(body)?.inputs;
    bound(links.len(), MOST_WRITTEN)?;
    let ends = all_ends(&desk, &between, &links)?;
    desk.with(|account| {
        ends.iter().try_for_each(|ends| ends.check(account))?;
        let results = ends.iter().flat_map(|ends| both(account, ends)).collect();
        Ok(done(StatusCode::OK, started, results, vec![]))
    })
}

fn read(desk: &Desk, from: &Type, to: &Type, asked: &[From]) -> Answer {
    let started = clock::now();
    bound(asked.len(), MOST)?;
    desk.with(|account| {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for From { id, after } in asked {
            let text = desk::text(id).unwrap_or_default();
            let query: Form = after
                .iter()
                .map(|after| ("after", after.as_str()))
                .collect();
            let id = id_of(&text)
                .ok()
                .filter(|id| account.live(from, *id).is_some());
            let (page, shown) = match id {
                Some(id) => page(account, from, id, to, &query, PAGE)?,
                None => (Page::empty(), vec![]),
            };
            if shown.is_empty() {
                errors.push(nothing(from, to, &text).in_batch());
                continue;
            }
            let mut result = json!({"from": {"id": text}, "to": shown});
            if let Some(next) = page.next {
                let link = format!("{}?after={next}", desk.object(from.id(), &text, to.id()));
                result["paging"] = json!({"next": {"after": next.to_string(), "link": link}});
            }
            results.push(result);
        }
        Ok(done(StatusCode::OK, started, results, errors))
    })
}

/// HubSpot counts an object without associations as an error.
fn nothing(from: &Type, to: &Type, id: &str) -> Refusal {
    let (from, to) = (from.singular(), to.singular());
    Refusal::not_found(format!("No {to} is associated with {from} {id}."))
        .sub("crm.associations.NO_ASSOCIATIONS_FOUND")
        .with_context("fromObjectId", [id])
        .with_context("fromObjectType", [from])
        .with_context("toObjectType", [to])
}

fn all_ends(desk: &Desk, between: &Between, links: &[Link]) -> Answer<Vec<Ends>> {
    let ends = |link: &Link| {
        let pair = Pair {
            object_type: between.from_type.clone(),
            object_id: link.from.text(),
            to_type: between.to_type.clone(),
            to_id: link.to.text(),
        };
        Ends::of(desk, &pair)
    };
    links.iter().map(ends).collect()
}

fn create(desk: &Desk, between: &Between, links: &[Link]) -> Answer {
    let started = clock::now();
    bound(links.len(), MOST_WRITTEN)?;
    let ends = all_ends(desk, between, links)?;
    for (ends, link) in ends.iter().zip(links) {
        ends.check_specs(&link.types)?;
    }
    desk.with(|account| {
        ends.iter().try_for_each(|ends| ends.check(account))?;
        let mut results = Vec::new();
        for (ends, link) in ends.iter().zip(links) {
            ends.join(account, &link.types);
            results.push(labelled(ends, &link.types));
        }
        Ok(done(StatusCode::CREATED, started, results, vec![]))
    })
}

fn archive(desk: &Desk, between: &Between, links: &[Unlink]) -> Answer {
    bound(links.len(), MOST_WRITTEN)?;
    for Unlink { from, to } in links {
        for to in to {
            let pair = Pair {
                object_type: between.from_type.clone(),
                object_id: from.text(),
                to_type: between.to_type.clone(),
                to_id: to.text(),
            };
            let ends = Ends::of(desk, &pair)?;
            desk.with(|account| account.part(&ends.from, &ends.to));
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What associations between two types of objects are called.
pub(super) async fn labels(desk: Desk, Path(between): Path<Between>) -> Answer {
    let (from, to) = (desk.kind(&between.from_type)?, desk.kind(&between.to_type)?);
    desk.with(|account| {
        let types = account.links.types(&from, &to);
        let shown: Vec<Value> = types
            .iter()
            .map(|spec| links::show(from.id(), to.id(), *spec))
            .collect();
        Ok(json::ok(&json!({ "results": shown })))
    })
}
