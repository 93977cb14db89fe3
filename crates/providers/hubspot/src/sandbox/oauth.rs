//! Tokens for apps that users connect.

use std::time::Instant;

use business_tools_sandbox::auth::looks_wrong;
use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::http::StatusCode;
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::{Form, ids, json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::World;
use super::auth::{Caller, Grant, LIFETIME};
use super::refusal::{Answer, Refusal};

const SCOPES: &[&str] = &[
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.owners.read",
    "tickets",
];

const USER: u32 = 5_010_001;
const USER_EMAIL: &str = "lindqvist@northwindlantern.example";
const APP: u32 = 1_234_567;

/// A form that came in a body, as it must: in the address it would end up in logs.
fn form(query: Option<String>, body: &Bytes) -> Answer<Form> {
    let query = Form::parse(query.unwrap_or_default());
    let secrets = ["client_secret", "refresh_token", "code", "token"];
    if secrets.iter().any(|name| query.get(name).is_some()) {
        return Err(Refusal::invalid(
            "Parameters must be sent in the body, not in the query string",
        ));
    }
    Ok(Form::parse(body))
}

fn given<'a>(form: &'a Form, name: &str) -> Answer<&'a str> {
    form.given(name)
        .ok_or_else(|| Refusal::invalid(format!("missing {name}")).with_context(name, ["missing"]))
}

/// The app proves itself.
fn client(form: &Form) -> Answer<&str> {
    let (id, secret) = (given(form, "client_id")?, given(form, "client_secret")?);
    if looks_wrong(id) || looks_wrong(secret) {
        return Err(
            Refusal::invalid("missing or invalid client id or client secret")
                .sub("BAD_CLIENT_SECRET"),
        );
    }
    Ok(id)
}

/// A code or a refresh token that could be one.
fn credential<'a>(form: &'a Form, name: &str, sub: &'static str) -> Answer<&'a str> {
    let value = form.given(name).filter(|value| {
        value.len() >= 8 && !looks_wrong(value) && value.bytes().all(|b| b.is_ascii_graphic())
    });
    value.ok_or_else(|| {
        let name = name.replace('_', " ");
        Refusal::invalid(format!("missing or invalid {name}")).sub(sub)
    })
}

pub(super) async fn token(
    State(world): State<World>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let form = form(query, &body)?;
    let kind = given(&form, "grant_type")?;
    let client = client(&form)?.to_owned();
    let refresh = match kind {
        // It does not change, and does not expire.
        "refresh_token" => {
            Some(credential(&form, "refresh_token", "BAD_REFRESH_TOKEN")?.to_owned())
        }
        "authorization_code" => {
            given(&form, "redirect_uri")?;
            let code = credential(&form, "code", "BAD_AUTH_CODE")?;
            // The same code leads to the same account.
            Some(ids::hex32_of("na1-", code))
        }
        "client_credentials" => None,
        other => {
            return Err(Refusal::invalid(format!("unsupported grant_type {other}"))
                .with_context("grant_type", [other]));
        }
    };
    let mut book = world.grants.book();
    if refresh
        .as_ref()
        .is_some_and(|token| book.revoked.contains(token))
    {
        return Err(Refusal::invalid("missing or invalid refresh token").sub("BAD_REFRESH_TOKEN"));
    }
    let access = ids::alphanumeric("CN", 94);
    let caller = Caller::of(refresh.as_deref().unwrap_or(&client));
    let mut answer = json!({
        "token_use": "access_token", "access_token": access, "refresh_token": refresh,
        "expires_in": LIFETIME.as_secs(), "token_type": "bearer", "hub_id": caller.portal(),
        "scopes": SCOPES, "user_id": USER,
    });
    if refresh.is_none() {
        answer["token_use"] = "client_credentials".into();
        if let Some(members) = answer.as_object_mut() {
            members.shift_remove("refresh_token");
        }
    }
    let grant = Grant {
        account: caller.account,
        client,
        refresh,
        expires: Instant::now() + LIFETIME,
    };
    book.give(access, grant);
    Ok(json::ok(&answer))
}

pub(super) async fn introspect(
    State(world): State<World>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let form = form(query, &body)?;
    let client = client(&form)?;
    let token = given(&form, "token")?;
    let refresh = form.given("token_type_hint") == Some("refresh_token");
    Ok(json::ok(&if refresh {
        of_refresh(&world, token, client)
    } else {
        of_access(&world, token)?
    }))
}

pub(super) async fn revoke(
    State(world): State<World>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let form = form(query, &body)?;
    client(&form)?;
    world.grants.revoke(given(&form, "token")?);
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
pub(super) struct Named {
    token: String,
}

/// `GET /oauth/v1/access-tokens/…`
pub(super) async fn access(
    State(world): State<World>,
    Path(Named { token }): Path<Named>,
) -> Answer {
    of_access(&world, &token).map(|shown| json::ok(&shown))
}

/// `GET /oauth/v1/refresh-tokens/…`
pub(super) async fn refresh(
    State(world): State<World>,
    Path(Named { token }): Path<Named>,
) -> Answer {
    let shown = of_refresh(&world, &token, "");
    if shown["active"] == false {
        return Err(Refusal::not_found("refresh token not found"));
    }
    Ok(json::ok(&shown))
}

/// `DELETE /oauth/v1/refresh-tokens/…`
pub(super) async fn forget(
    State(world): State<World>,
    Path(Named { token }): Path<Named>,
) -> Response {
    world.grants.revoke(&token);
    StatusCode::NO_CONTENT.into_response()
}

fn of_access(world: &World, token: &str) -> Answer<Value> {
    let book = world.grants.book();
    let revoked = book.revoked.contains(token);
    let Some(grant) = book.access.get(token).filter(|_| !revoked) else {
        return Err(Refusal::not_found("access token not found"));
    };
    let left = grant.expires.saturating_duration_since(Instant::now());
    let hub: u32 = grant.account.parse().unwrap_or_default();
    let expires = business_tools_sandbox::clock::now().as_millisecond()
        + i64::try_from(left.as_millis()).unwrap_or_default();
    Ok(json!({
        "active": !left.is_zero(), "token": token, "token_type": "access", "token_use": "access_token",
        "client_id": grant.client, "app_id": APP, "hub_id": hub, "hub_domain": format!("{hub}.example"),
        "user_id": USER, "user": USER_EMAIL, "scopes": SCOPES,
        "expires_in": left.as_secs(), "is_private_distribution": false,
        "signed_access_token": {
            "appId": APP, "appInstallId": "0", "audience": "", "expiresAt": expires, "hubId": hub,
            "hublet": "na1", "installingUserId": USER, "isPrivateDistribution": false,
            "isServiceAccount": false, "isUserLevel": false, "newSignature": "", "scopes": "",
            "scopeToScopeGroupPks": "", "signature": "", "trialScopes": "",
            "trialScopeToScopeGroupPks": "", "userId": USER,
        },
    }))
}

fn of_refresh(world: &World, token: &str, client: &str) -> Value {
    let book = world.grants.book();
    let grant = book
        .access
        .values()
        .find(|grant| grant.refresh.as_deref() == Some(token));
    let active = grant.is_some() && !book.revoked.contains(token);
    let hub = Caller::of(token).portal();
    json!({
        "active": active, "token": token, "token_type": "refresh", "token_use": "refresh_token",
        "client_id": grant.map_or(client, |grant| &grant.client), "app_id": APP, "hub_id": hub,
        "hub_domain": format!("{hub}.example"), "user_id": USER,
        "user": USER_EMAIL, "scopes": SCOPES,
    })
}
