//! HubSpot's failures: what its error body says, and what that means for the caller.

use business_tools_core::egress::transport::HttpResponse;
use business_tools_core::{Error, Fate, Kind, Status, secs};
use serde_json::{Value, json};

/// What to say when the token is refused.
pub(crate) const TOKEN_HINT: &str =
    "Check HUBSPOT_ACCESS_TOKEN (or PRIVATE_APP_ACCESS_TOKEN) in .env";

/// The most of HubSpot's own words that is passed on.
const WORDS: usize = 300;
/// The most properties, scopes or items that are told one by one.
const MOST: usize = 10;

/// Account is being moved to another data centre: HubSpot's own status.
const MOVING: u16 = 477;
/// Too much was written at once: HubSpot's own meaning of this status.
const LOCKED: u16 = 423;

/// HubSpot's words for a failure. Every member of the body may be missing.
pub(crate) fn explain(answer: &HttpResponse) -> Error {
    let body = answer.value().unwrap_or_default();
    let status = answer.status.as_u16();
    let words = cut(body["message"].as_str().unwrap_or_default());
    let category = body["category"].as_str().unwrap_or_default();
    let message = match words.as_str() {
        "" => format!("HubSpot answered with status {status}"),
        words => format!("HubSpot: {words}"),
    };
    let mut error = answer.error(message);
    let code = ["category", "errorType"]
        .iter()
        .find_map(|name| body[*name].as_str());
    if let Some(code) = code {
        error = error.detail("upstream_code", cut(code));
    }
    let id = body["correlationId"].as_str();
    if let Some(id) = id.or_else(|| answer.header("x-hubspot-correlation-id")) {
        error = error.detail("upstream_request_id", cut(id));
    }
    match (status, category) {
        (401, _) => refused(error, category),
        (403, _) | (_, "MISSING_SCOPES") => forbidden(error, &body),
        (409, _) | (_, "CONFLICT") => conflict(error, &body),
        (429, _) => too_many(error, &body),
        (LOCKED, _) => locked(error),
        (MOVING, _) => moving(error),
        (404, "") => error.hint("Check `base_url`: what answers there is not HubSpot's API"),
        (404 | 410, _) | (_, "OBJECT_NOT_FOUND") => error
            .with_kind(Kind::NotFound)
            .hint("Check `object_type` and the id; hubspot_search_records finds records"),
        (300..400, _) => {
            error.hint("Check `base_url`: it leads to a redirect, which is not followed")
        }
        (400..=407 | 410..500, _) => invalid(error, &body),
        (408 | 500.., _) => {
            error.hint("Try again in a moment; https://status.hubspot.com tells of outages")
        }
        _ => error,
    }
}

fn cut(words: &str) -> String {
    words.chars().take(WORDS).collect()
}

fn refused(error: Error, category: &str) -> Error {
    let error = error
        .with_kind(Kind::AuthFailed)
        .with_message("Authentication failed for HubSpot API");
    if category == "EXPIRED_AUTHENTICATION" {
        return error.hint("The access token has expired: put a new one in HUBSPOT_ACCESS_TOKEN, or use a service key");
    }
    error.hint(TOKEN_HINT)
}

fn forbidden(error: Error, body: &Value) -> Error {
    let error = error
        .with_kind(Kind::PermissionDenied)
        .status(Status::Permanent);
    let scopes = scopes(body);
    if scopes.is_empty() {
        return error
            .hint("Give the token the scopes of this object type, or ask an admin of the account");
    }
    let hint = format!(
        "Give the token the scopes {} (HubSpot: Settings > Integrations)",
        scopes.join(", ")
    );
    error.detail("scopes", scopes).hint(hint)
}

/// The scopes that were missing, wherever the body tells them.
fn scopes(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().into_iter().flatten();
    let contexts = errors.map(|error| &error["context"]);
    let mut scopes: Vec<String> = Vec::new();
    for context in contexts.chain([&body["context"]]) {
        let named = ["requiredGranularScopes", "requiredScopes", "missingScopes"];
        let listed = named
            .iter()
            .filter_map(|name| context[*name].as_array())
            .flatten();
        for scope in listed.filter_map(Value::as_str) {
            if scopes.len() < MOST && !scopes.iter().any(|known| known == scope) {
                scopes.push(cut(scope));
            }
        }
    }
    scopes
}

fn conflict(error: Error, body: &Value) -> Error {
    let error = error.with_kind(Kind::Conflict).status(Status::Permanent);
    match existing_id(body["message"].as_str().unwrap_or_default()) {
        Some(id) => {
            let hint = format!(
                "It is there already under id {id}: change it with hubspot_update_record, or use hubspot_upsert_records"
            );
            error.detail("existing_id", id).hint(hint)
        }
        None => {
            error.hint("Another record has this value already; find it with hubspot_search_records")
        }
    }
}

/// `… Existing ID: 512`.
fn existing_id(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("xisting ID:")?;
    let digits = rest.trim_start().chars().take_while(char::is_ascii_digit);
    let id: String = digits.take(20).collect();
    (!id.is_empty()).then_some(id)
}

fn too_many(error: Error, body: &Value) -> Error {
    if body["policyName"] == "DAILY" {
        return error
            .with_kind(Kind::QuotaExceeded)
            .status(Status::Permanent)
            .opens_circuit()
            .hint("The account's calls of this day are used up: wait for midnight in its time zone, or raise the limit");
    }
    error.hint("Wait a moment, then try again; make fewer calls at once")
}

/// HubSpot lets nobody write for two seconds. Nothing was done, but that is not proved well enough to create twice.
fn locked(error: Error) -> Error {
    let wait = error.wait().unwrap_or(secs(2));
    error
        .with_kind(Kind::RateLimited)
        .status(Status::Temporary)
        .fate(Fate::Unknown)
        .retry_after(wait)
        .hint("HubSpot locks records while much is written: wait two seconds, then try again")
}

fn moving(error: Error) -> Error {
    error
        .with_kind(Kind::Unavailable)
        .status(Status::Temporary)
        .fate(Fate::Unknown)
        .hint("HubSpot is moving this account to another data centre, which may take a day; try again later")
}

/// A locked or a moving account refuses to create, which is more than an answer that was lost.
pub(crate) fn nothing_was_created(error: Error) -> Error {
    let status = error
        .details()
        .get("upstream_status")
        .and_then(Value::as_u64);
    let (kind, message) = match status.and_then(|status| u16::try_from(status).ok()) {
        Some(LOCKED) => (
            Kind::RateLimited,
            "HubSpot locks these records for a moment; nothing was created",
        ),
        Some(MOVING) => (
            Kind::Unavailable,
            "HubSpot is moving this account; nothing was created",
        ),
        _ => return error,
    };
    error
        .with_kind(kind)
        .with_message(message)
        .status(Status::Persistent)
        .fate(Fate::Refused)
        .hint("Wait some seconds, then call again")
}

/// One property that HubSpot refuses.
struct Refusal {
    property: String,
    code: String,
    message: String,
}

fn invalid(error: Error, body: &Value) -> Error {
    let refusals = refusals(body);
    let hint = next_step(&refusals, body["message"].as_str().unwrap_or_default());
    if refusals.is_empty() {
        return error.hint(hint);
    }
    let told: Vec<_> = refusals
        .iter()
        .map(|refusal| format!("{}: {}", refusal.property, refusal.message))
        .collect();
    let list: Vec<_> = refusals
        .iter()
        .map(|refusal| json!({"name": refusal.property, "code": refusal.code, "message": refusal.message}))
        .collect();
    error
        .with_message(format!("HubSpot refuses {}", told.join("; ")))
        .detail("properties", list)
        .hint(hint)
}

/// Each property that was refused: from `errors`, and from the list that the message itself may end with.
fn refusals(body: &Value) -> Vec<Refusal> {
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let message = body["message"].as_str().unwrap_or_default();
    let inside = message
        .find('[')
        .and_then(|at| serde_json::from_str::<Vec<Value>>(&message[at..]).ok())
        .unwrap_or_default();
    let mut found: Vec<Refusal> = Vec::new();
    for error in errors.iter().chain(&inside) {
        let text = |value: &Value| value.as_str().map(cut).filter(|text| !text.is_empty());
        let context = &error["context"]["propertyName"];
        let property = [&context[0], context, &error["name"], &error["in"]]
            .into_iter()
            .find_map(text);
        let Some(property) = property else { continue };
        if found.len() >= MOST || found.iter().any(|known| known.property == property) {
            continue;
        }
        let code = [&error["code"], &error["error"]].into_iter().find_map(text);
        found.push(Refusal {
            property,
            code: code.unwrap_or_default(),
            message: text(&error["message"]).unwrap_or_else(|| "is not valid".to_owned()),
        });
    }
    found
}

fn next_step(refusals: &[Refusal], message: &str) -> &'static str {
    const STAGES: &[&str] = &["dealstage", "pipeline", "hs_pipeline", "hs_pipeline_stage"];
    let any = |of: &dyn Fn(&Refusal) -> bool| refusals.iter().any(of);
    if any(&|refusal| STAGES.contains(&refusal.property.as_str())) {
        "hubspot_list_pipelines has the ids of pipelines and stages"
    } else if any(&|refusal| refusal.property == "hubspot_owner_id") {
        "hubspot_list_owners has the ids of owners"
    } else if any(&|refusal| refusal.code == "PROPERTY_DOESNT_EXIST")
        || message.contains("does not exist")
    {
        "hubspot_list_properties has the names that exist"
    } else if any(&|refusal| refusal.code.contains("OPTION")) {
        "hubspot_list_properties has the values that are allowed"
    } else if message.contains("10000") || message.contains("10,000") {
        "Search reaches the first 10,000 results only: narrow `filters`"
    } else {
        "Mend what the message names and call again; nothing was done"
    }
}

/// What HubSpot says about one item of a batch, in the words of the error object.
pub(crate) fn of_item(error: &Value) -> Value {
    let category = error["category"].as_str().unwrap_or_default();
    let kind = match category {
        "OBJECT_NOT_FOUND" => Kind::NotFound,
        "CONFLICT" | "OBJECT_ALREADY_EXISTS" => Kind::Conflict,
        "MISSING_SCOPES" => Kind::PermissionDenied,
        "RATE_LIMITS" => Kind::RateLimited,
        _ => Kind::InvalidRequest,
    };
    let refusals = refusals(error);
    let message = if refusals.is_empty() {
        cut(error["message"].as_str().unwrap_or("no reason given"))
    } else {
        let told: Vec<_> = refusals
            .iter()
            .map(|refusal| format!("{}: {}", refusal.property, refusal.message))
            .collect();
        cut(&told.join("; "))
    };
    let mut told = json!({"code": kind.code(), "message": message});
    if let Some(id) = existing_id(error["message"].as_str().unwrap_or_default()) {
        told["existing_id"] = id.into();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_what_exists_is_found() {
        for (message, id) in [
            ("Contact already exists. Existing ID: 12345", Some("12345")),
            ("Existing ID:7.", Some("7")),
            ("Existing ID: ", None),
            ("A contact exists", None),
            ("", None),
        ] {
            assert_eq!(existing_id(message).as_deref(), id, "{message}");
        }
    }

    #[test]
    fn properties_are_named_from_both_lists_and_once() {
        let body = json!({
            "message": r#"Property values were not valid: [{"isValid":false,"message":"No such e-mail","error":"INVALID_EMAIL","name":"email"},{"name":"size","error":"INVALID_OPTION"}]"#,
            "errors": [{"message": "Not an e-mail", "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}],
        });
        let found: Vec<_> = refusals(&body)
            .into_iter()
            .map(|refusal| (refusal.property, refusal.code, refusal.message))
            .collect();
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            found,
            [
                row("email", "INVALID_EMAIL", "Not an e-mail"),
                row("size", "INVALID_OPTION", "is not valid")
            ]
        );
        for odd in [
            json!(null),
            json!({"message": "[", "errors": [1, "x", {"context": 7}]}),
        ] {
            assert!(refusals(&odd).is_empty());
        }
    }

    #[test]
    fn scopes_are_gathered_and_bounded() {
        let many: Vec<_> = (0..50).map(|n| format!("scope.{n}")).collect();
        let body = json!({"errors": [{"context": {"requiredGranularScopes": ["a", "b"]}}, {"context": {"requiredScopes": ["a"]}}],
                          "context": {"missingScopes": many}});
        let found = scopes(&body);
        assert_eq!(found[..3], ["a", "b", "scope.0"]);
        assert_eq!(found.len(), MOST);
    }
}
