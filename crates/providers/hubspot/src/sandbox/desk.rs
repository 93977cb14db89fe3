//! What every handler is given: the caller's account, the query and the body.

use business_tools_sandbox::axum::RequestPartsExt;
use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{FromRequest, FromRequestParts, Request};
use business_tools_sandbox::axum::http::header::CONTENT_TYPE;
use business_tools_sandbox::axum::http::request::Parts;
use business_tools_sandbox::{Form, Mount};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::World;
use super::auth::Caller;
use super::kinds::Type;
use super::refusal::{Answer, Refusal};
use super::state::Account;

/// The path of a request, of which the routes see only the end.
#[derive(Clone)]
pub(super) struct Whole(pub(super) String);

/// The account of the caller, behind the counter.
pub(super) struct Desk {
    world: World,
    pub(super) caller: Caller,
    mount: Mount,
    path: String,
}

impl Desk {
    /// Read or change the account.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Account) -> R) -> R {
        self.world.accounts.with(&self.caller.account, f)
    }

    pub(super) fn portal(&self) -> u32 {
        self.caller.portal()
    }

    /// The type that a path names. A custom one is there from now on.
    pub(super) fn kind(&self, name: &str) -> Answer<Type> {
        let kind = kind(name)?;
        if kind.is_custom() {
            self.with(|account| account.assumed.insert(format!("object type {}", kind.id())));
        }
        Ok(kind)
    }

    /// Where the associations of an object are listed.
    pub(super) fn object(&self, from: &str, id: &str, to: &str) -> String {
        format!(
            "{}/crm/objects/2026-09/{from}/{id}/associations/{to}",
            self.mount.base_url
        )
    }

    /// The address of this request, without its query.
    pub(super) fn here(&self) -> String {
        format!("{}{}", self.mount.base_url, self.path)
    }
}

/// The type that a request names.
pub(super) fn kind(name: &str) -> Answer<Type> {
    Type::of(name)
        .ok_or_else(|| Refusal::invalid(format!("Unable to infer object type from: {name}")))
}

impl FromRequestParts<World> for Desk {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Answer<Self> {
        let Ok(mount) = parts.extract::<Mount>().await;
        let caller = parts.extensions.get::<Caller>().cloned();
        Ok(Self {
            world: world.clone(),
            caller: caller.ok_or_else(Refusal::no_credentials)?,
            mount,
            path: parts
                .extensions
                .get::<Whole>()
                .map(|whole| whole.0.clone())
                .unwrap_or_default(),
        })
    }
}

/// The query string.
pub(super) struct Query(pub(super) Form);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        Ok(Self(Form::parse(parts.uri.query().unwrap_or_default())))
    }
}

/// Words of a parameter that may be repeated and may be a list with commas.
pub(super) fn words(query: &Form, name: &str) -> Vec<String> {
    let words = query.all(name).flat_map(|value| value.split(','));
    words
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a parameter says yes: `true`, or `True` as Python writes it.
pub(super) fn flag(query: &Form, name: &str) -> bool {
    query
        .get(name)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
        if !is_json {
            return Err(Refusal::media_type());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Refusal::invalid("the body cannot be read"))?;
        match serde_json::from_slice(&bytes) {
            Ok(body) => Ok(Self(body)),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Refusal::invalid(format!(
                    "Invalid input JSON on line {line}, column {column}: {error}"
                )))
            }
        }
    }
}

/// The text of a JSON value that stands for a property: HubSpot keeps everything as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
