//! Definitions of properties: read, make, archive.

use business_tools_sandbox::axum::extract::Path;
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::IntoResponse;
use business_tools_sandbox::json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::{self, Body, Desk, Query};
use super::fields::{Field, Options, Shape, field};
use super::kinds::Type;
use super::refusal::{Answer, Refusal};
use super::state::Account;

const SENSITIVITIES: &[&str] = &["non_sensitive", "sensitive", "highly_sensitive"];

#[derive(Deserialize)]
pub(super) struct Named {
    object_type: String,
    #[serde(default)]
    property: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct New {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    field_type: String,
    group_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    options: Vec<NewOption>,
    #[serde(default)]
    has_unique_value: bool,
}

#[derive(Deserialize)]
struct NewOption {
    label: String,
    value: String,
}

pub(super) async fn list(desk: Desk, Path(named): Path<Named>, Query(query): Query) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let sensitivity = query.given("dataSensitivity").unwrap_or("non_sensitive");
    if !SENSITIVITIES.contains(&sensitivity) {
        return Err(Refusal::invalid(format!(
            "Invalid dataSensitivity {sensitivity}"
        )));
    }
    // Nothing here is sensitive, and what is archived is gone.
    let none = sensitivity != "non_sensitive" || desk::flag(&query, "archived");
    desk.with(|account| {
        let fields: Vec<&Field> = account.fields_of(&kind).filter(|_| !none).collect();
        let shown: Vec<Value> = fields
            .iter()
            .map(|field| show(account, &kind, field))
            .collect();
        Ok(json::ok(&json!({ "results": shown })))
    })
}

pub(super) async fn fetch(desk: Desk, Path(named): Path<Named>) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    desk.with(|account| match account.field(&kind, &named.property) {
        Some(field) => Ok(json::ok(&show(account, &kind, field))),
        None => Err(Refusal::not_found(format!(
            "Property {} does not exist",
            named.property
        ))),
    })
}

fn show(account: &Account, kind: &Type, field: &Field) -> Value {
    match field.shape {
        Shape::Pipeline => {
            let pipelines = account.pipelines_of(kind).iter();
            let options = pipelines.map(|p| (p.id.clone(), p.label.clone())).collect();
            field.show(kind, &Options::Made(options))
        }
        Shape::Stage => {
            let stages = account
                .pipelines_of(kind)
                .iter()
                .flat_map(|pipeline| &pipeline.stages);
            let options = stages.map(|s| (s.id.clone(), s.label.clone())).collect();
            field.show(kind, &Options::Made(options))
        }
        // Owners are listed elsewhere: `externalOptions`.
        _ => field.show(kind, &field.options),
    }
}

pub(super) async fn create(desk: Desk, Path(named): Path<Named>, Body(new): Body<New>) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    let made = make(&new)?;
    desk.with(|account| {
        if account.field(&kind, &new.name).is_some() {
            let message = format!("A property named '{}' already exists.", new.name);
            return Err(Refusal::conflict(message));
        }
        let shown = show(account, &kind, &made);
        account
            .fields
            .entry(kind.id().to_owned())
            .or_default()
            .push(made);
        Ok(json::answer(StatusCode::CREATED, &shown))
    })
}

fn make(new: &New) -> Answer<Field> {
    let fits = new.name.starts_with(|c: char| c.is_ascii_lowercase())
        && new
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !fits {
        return Err(Refusal::invalid(format!(
            "Property name '{}' must begin with a letter and have only lowercase letters, digits and underscores",
            new.name
        )));
    }
    let Some(shape) = Shape::of(&new.kind, &new.field_type) else {
        return Err(Refusal::invalid(format!(
            "The type '{}' and the field type '{}' do not go together",
            new.kind, new.field_type
        )));
    };
    let mut made = field("", "", shape);
    made.name = new.name.clone().into();
    made.label = new.label.clone().into();
    made.description = new.description.clone().into();
    made.group = Some(new.group_name.clone());
    made.unique = new.has_unique_value;
    made.custom = true;
    let options = new
        .options
        .iter()
        .map(|one| (one.value.clone(), one.label.clone()));
    made.options = Options::Made(options.collect());
    Ok(made)
}

pub(super) async fn archive(desk: Desk, Path(named): Path<Named>) -> Answer {
    let kind = desk.kind(&named.object_type)?;
    desk.with(|account| {
        if account
            .field(&kind, &named.property)
            .is_some_and(|field| !field.custom)
        {
            return Err(Refusal::invalid(format!(
                "Property {} is HubSpot's own",
                named.property
            )));
        }
        if let Some(made) = account.fields.get_mut(kind.id()) {
            made.retain(|field| field.name != named.property);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}
