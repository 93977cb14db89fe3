//! Values of properties: what is accepted, in which form it is kept, and what follows from it.

use std::collections::BTreeMap;

use business_tools_sandbox::clock;
use business_tools_sandbox::jiff::Timestamp;
use business_tools_sandbox::jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::desk::text;
use super::fields::{Field, Shape, field};
use super::kinds::Type;
use super::record::Record;
use super::refusal::{Answer, Refusal};
use super::state::Account;

/// Values by the name of their property; an empty one clears.
pub(super) type Values = BTreeMap<String, String>;

const LONGEST: usize = 65_536;

/// What is wrong with one property.
struct Fault {
    code: &'static str,
    message: String,
}

fn fault(code: &'static str, message: impl Into<String>) -> Fault {
    Fault {
        code,
        message: message.into(),
    }
}

/// The names of the properties with the pipeline and the stage.
pub(super) fn pipeline_names(kind: &Type) -> (&'static str, &'static str) {
    match kind.id() {
        "0-3" => ("pipeline", "dealstage"),
        _ => ("hs_pipeline", "hs_pipeline_stage"),
    }
}

/// Check the properties of a request, every fault at once, and bring them into the form they are kept in.
///
/// `before` is the record that is changed, if it is not a new one.
pub(super) fn check(
    account: &mut Account,
    kind: &Type,
    portal: u32,
    given: &Map<String, Value>,
    before: Option<&Record>,
) -> Answer<Values> {
    let mut values = Values::new();
    let mut faults = Vec::new();
    for (name, value) in given {
        let Some(value) = text(value) else {
            return Err(Refusal::invalid(format!(
                "Invalid input JSON: Cannot deserialize value of type `java.lang.String` for property `{name}`"
            )));
        };
        match accept(account, kind, name, &value) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(fault) => faults.push((name.clone(), fault)),
        }
    }
    staged(account, kind, &mut values, before, &mut faults);
    if !faults.is_empty() {
        return Err(refuse(portal, &faults));
    }
    if before.is_none() {
        required(kind, &values)?;
    }
    Ok(values)
}

fn refuse(portal: u32, faults: &[(String, Fault)]) -> Refusal {
    let inner: Vec<Value> = faults
        .iter()
        .map(|(name, fault)| {
            json!({"isValid": false, "message": fault.message, "error": fault.code, "name": name,
                   "localizedErrorMessage": fault.message, "portalId": portal})
        })
        .collect();
    let errors = faults
        .iter()
        .map(|(name, fault)| {
            json!({"message": fault.message, "code": fault.code, "context": {"propertyName": [name]}})
        })
        .collect();
    Refusal::invalid(format!(
        "Property values were not valid: {}",
        Value::from(inner)
    ))
    .with_errors(errors)
}

fn required(kind: &Type, values: &Values) -> Answer<()> {
    let has = |name: &str| values.get(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> = kind
        .kind
        .required
        .iter()
        .filter(|names| !names.split('|').any(has))
        .flat_map(|names| names.split('|'))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Error creating {}. Some required properties were not set.",
        kind.shout()
    );
    Err(Refusal::invalid(message).with_context("properties", missing))
}

/// One value in the form it is kept in.
fn accept(account: &mut Account, kind: &Type, name: &str, value: &str) -> Result<String, Fault> {
    let Some(field) = definition(account, kind, name) else {
        let message = format!("Property \"{name}\" does not exist");
        return Err(fault("PROPERTY_DOESNT_EXIST", message));
    };
    if field.read_only {
        let message = format!("\"{name}\" is a read only property; its value cannot be set.");
        return Err(fault("READ_ONLY_VALUE", message));
    }
    if value.is_empty() {
        return Ok(String::new());
    }
    if value.chars().count() > LONGEST {
        let message = format!("the value of \"{name}\" is longer than {LONGEST} characters");
        return Err(fault("INVALID_LENGTH", message));
    }
    match field.shape {
        Shape::Line if name == "domain" => Ok(value.trim().to_lowercase()),
        // Pipeline and stage are checked together: a stage belongs to a pipeline.
        Shape::Line
        | Shape::Paragraph
        | Shape::Html
        | Shape::Phone
        | Shape::Pipeline
        | Shape::Stage => Ok(value.to_owned()),
        Shape::Email => email(value),
        Shape::Number => number(value),
        Shape::Moment => moment(value),
        Shape::Date => date(value),
        Shape::Flag => match value.to_ascii_lowercase().as_str() {
            flag @ ("true" | "false") => Ok(flag.to_owned()),
            _ => Err(fault(
                "INVALID_OPTION",
                format!("{value} was not one of the allowed options: [true, false]"),
            )),
        },
        Shape::Choice => choice(&field, value),
        Shape::Choices => {
            let chosen = value.split(';').filter(|part| !part.is_empty());
            let chosen: Vec<String> = chosen
                .map(|part| choice(&field, part))
                .collect::<Result<_, _>>()?;
            Ok(chosen.join(";"))
        }
        Shape::Owner if account.has_owner(value) => Ok(value.to_owned()),
        Shape::Owner => Err(fault(
            "INVALID_OWNER_ID",
            format!("Owner with id {value} does not exist"),
        )),
    }
}

/// The definition of a property. A custom object has whatever is asked of it: only its account knows its schema.
fn definition(account: &mut Account, kind: &Type, name: &str) -> Option<Field> {
    if let Some(known) = account.field(kind, name) {
        return Some(known.clone());
    }
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !kind.is_custom() || !fits {
        return None;
    }
    let mut made = field("", "", Shape::Line);
    made.name = name.to_owned().into();
    made.label = name.replace('_', " ").into();
    made.custom = true;
    account
        .assumed
        .insert(format!("{} property {name}", kind.id()));
    account
        .fields
        .entry(kind.id().to_owned())
        .or_default()
        .push(made.clone());
    Some(made)
}

fn choice(field: &Field, value: &str) -> Result<String, Fault> {
    if field.options.iter().any(|(option, _)| option == value) {
        return Ok(value.to_owned());
    }
    let allowed: Vec<&str> = field.options.iter().map(|(option, _)| option).collect();
    let message = format!(
        "{value} was not one of the allowed options: [{}]",
        allowed.join(", ")
    );
    Err(fault("INVALID_OPTION", message))
}

fn email(value: &str) -> Result<String, Fault> {
    let value = value.trim();
    let parts = value.split_once('@').filter(|(local, domain)| {
        let dotted = domain.split('.').all(|part| !part.is_empty()) && domain.contains('.');
        !local.is_empty() && dotted && !domain.contains('@')
    });
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;()\"".contains(c);
    if parts.is_none() || value.contains(odd) {
        return Err(fault(
            "INVALID_EMAIL",
            format!("Email address {value} is invalid"),
        ));
    }
    Ok(value.to_lowercase())
}

fn number(value: &str) -> Result<String, Fault> {
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(value.trim().to_owned()),
        _ => Err(fault(
            "INVALID_NUMBER",
            format!("{value} was not a valid number."),
        )),
    }
}

/// ISO 8601 or milliseconds since 1970.
pub(super) fn moment_of(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if let Ok(millis) = value.parse::<i64>() {
        return Timestamp::from_millisecond(millis).ok();
    }
    value.parse().ok().or_else(|| midnight(value.parse().ok()?))
}

fn midnight(date: Date) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

fn moment(value: &str) -> Result<String, Fault> {
    match moment_of(value) {
        Some(at) => Ok(clock::rfc3339_millis(at)),
        None => Err(fault(
            "INVALID_LONG",
            format!("{value} was not a valid long."),
        )),
    }
}

fn date(value: &str) -> Result<String, Fault> {
    let Some(at) = moment_of(value) else {
        return Err(fault(
            "INVALID_DATE",
            format!("{value} was not a valid date."),
        ));
    };
    if at.as_millisecond().rem_euclid(86_400_000) != 0 {
        let time = at.strftime("%H:%M:%S.%3f");
        return Err(fault(
            "INVALID_DATE",
            format!("{value} is at {time} UTC, not midnight!"),
        ));
    }
    Ok(clock::date(at))
}

/// A stage must be one of its pipeline; without a pipeline it is the first.
fn staged(
    account: &mut Account,
    kind: &Type,
    values: &mut Values,
    before: Option<&Record>,
    faults: &mut Vec<(String, Fault)>,
) {
    let Some(first) = account
        .pipelines_of(kind)
        .first()
        .map(|first| first.id.clone())
    else {
        return;
    };
    let (pipeline_name, stage_name) = pipeline_names(kind);
    let given =
        |values: &Values, name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
    let (pipeline, stage) = (given(values, pipeline_name), given(values, stage_name));
    if pipeline.is_none() && stage.is_none() {
        return;
    }
    let kept = before
        .and_then(|record| record.get(pipeline_name))
        .map(str::to_owned);
    let pipeline = pipeline.or(kept).unwrap_or(first);
    if !account.has_pipeline(kind, &pipeline) {
        let known: Vec<&str> = account
            .pipelines_of(kind)
            .iter()
            .map(|known| &*known.id)
            .collect();
        let message = format!(
            "{pipeline} was not one of the allowed options: [{}]",
            known.join(", ")
        );
        faults.push((pipeline_name.to_owned(), fault("INVALID_OPTION", message)));
        return;
    }
    values.insert(pipeline_name.to_owned(), pipeline.clone());
    let Some(stage) = stage else { return };
    if !account.has_stage(kind, &pipeline, &stage) {
        let pipelines = account
            .pipelines_of(kind)
            .iter()
            .filter(|known| known.id == pipeline);
        let known: Vec<&str> = pipelines
            .flat_map(|known| &known.stages)
            .map(|known| &*known.id)
            .collect();
        let message = format!(
            "{stage} was not one of the allowed options: [{}]",
            known.join(", ")
        );
        faults.push((stage_name.to_owned(), fault("INVALID_OPTION", message)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_two_forms_and_are_kept_in_one() {
        let kept = "2026-10-30T03:30:17.883Z";
        for given in [kept, "1793331017883", "2026-10-30T05:30:17.883+02:00"] {
            assert_eq!(moment(given).ok().as_deref(), Some(kept), "{given}");
        }
        assert_eq!(
            moment("2026-10-30").ok().as_deref(),
            Some("2026-10-30T00:00:00.000Z")
        );
        assert!(moment("tomorrow").is_err() && moment("99999999999999999999").is_err());
        assert_eq!(date("2026-10-30").ok().as_deref(), Some("2026-10-30"));
        assert!(date("1793331017883").is_err_and(|fault| fault.message.ends_with("not midnight!")));
    }

    #[test]
    fn addresses_are_checked_and_kept_in_lower_case() {
        assert_eq!(
            email(" Ada@Example.com ").ok().as_deref(),
            Some("ada@example.com")
        );
        for wrong in [
            "ada",
            "@x.de",
            "ada@x",
            "ada@x.",
            "a da@x.de",
            "a@b@c.de",
            "<a@x.de>",
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }
}
