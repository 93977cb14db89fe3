//! What the tests share.

use business_tools_core::{Error, Kind};
use business_tools_hubspot::{HubSpot, sandbox_config, simulator};
use business_tools_sandbox::Simulator;
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::http::{HeaderName, HeaderValue, StatusCode};
use business_tools_sandbox::json as answer;
pub(crate) use business_tools_testkit::errors::places;
use business_tools_testkit::{Exchange, World, WorldBuilder, errors};
use serde_json::{Value, json};

/// A token of an account that nobody used before.
pub(crate) const TOKEN: &str = "pat-na1-0a1b2c3d-0a1b-4a1b-8a1b-0a1b2c3d4e5f";
/// That of another account.
pub(crate) const OTHER: &str = "pat-eu1-1a1b2c3d-1a1b-4a1b-8a1b-1a1b2c3d4e5f";
/// A well-formed id that no record has.
pub(crate) const NOBODY: &str = "999999999";

/// A world with HubSpot in it.
pub(crate) fn hubspot() -> WorldBuilder {
    World::of(simulator(), sandbox_config).fields(json!({"access_token": TOKEN}))
}

/// The usual one.
pub(crate) async fn world() -> World {
    hubspot().start::<HubSpot>().await
}

/// A host that answers every request with this.
pub(crate) async fn host(status: u16, body: Value) -> World {
    host_with(status, body, &[]).await
}

/// The same, with headers.
pub(crate) async fn host_with(status: u16, body: Value, headers: &'static [(&str, &str)]) -> World {
    let reply = move || {
        let body = body.clone();
        async move {
            let mut response = answer::answer(StatusCode::from_u16(status).unwrap(), &body);
            for (name, value) in headers {
                let name = HeaderName::from_static(name);
                response
                    .headers_mut()
                    .insert(name, HeaderValue::from_static(value));
            }
            response
        }
    };
    let simulator = Simulator::http("hubspot", Router::new().fallback(reply));
    World::of(simulator, sandbox_config)
        .fields(json!({"access_token": TOKEN}))
        .start::<HubSpot>()
        .await
}

/// Makes a contact; its id.
pub(crate) async fn contact(world: &World, email: &str) -> String {
    id(&world
        .ok("hubspot_create_contact", json!({"email": email}))
        .await)
}

/// Makes a company; its id.
pub(crate) async fn company(world: &World, name: &str) -> String {
    id(&world
        .ok("hubspot_create_company", json!({"name": name}))
        .await)
}

/// Makes a deal; its id.
pub(crate) async fn deal(world: &World, name: &str) -> String {
    let deal = json!({"dealname": name, "dealstage": "appointmentscheduled"});
    id(&world.ok("hubspot_create_deal", deal).await)
}

/// The id of something made.
pub(crate) fn id(made: &Value) -> String {
    made["id"].as_str().expect("it has an id").to_owned()
}

/// The exchange that came last.
pub(crate) fn last(world: &World) -> Exchange {
    world.exchanges().pop().expect("a request was answered")
}

/// The body of a request, as JSON.
pub(crate) fn body(exchange: &Exchange) -> Value {
    serde_json::from_slice(&exchange.body).unwrap_or(Value::Null)
}

/// Checks what an error says to the caller.
pub(crate) fn assert_error(error: &Error, kind: Kind, code: Option<&str>, hint: &str) {
    errors::assert_error(error, kind, code.map(Value::from), hint);
}
