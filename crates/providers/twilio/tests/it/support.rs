//! What the tests share.

use business_tools_core::{Error, Kind};
pub(crate) use business_tools_testkit::errors::places;
use business_tools_testkit::{World, WorldBuilder, errors};
use business_tools_twilio::{Twilio, sandbox_config, simulator};
use serde_json::{Value, json};

/// The account of the simulator.
pub(crate) const ACCOUNT: &str = "AC5a4db0c0de5a4db0c0de5a4db0c0de00";
/// A well-formed account that nobody used before.
pub(crate) const OTHER: &str = "AC00000000000000000000000000000001";
/// A recipient.
pub(crate) const TO: &str = "+14155552345";
/// A number of every simulated account.
pub(crate) const FROM: &str = "+14155550100";
/// A messaging service, made on first use.
pub(crate) const SERVICE: &str = "MG00000000000000000000000000000001";
/// A Verify service, made on first use.
pub(crate) const VERIFY: &str = "VA00000000000000000000000000000001";
/// A message that is not there.
pub(crate) const NO_MESSAGE: &str = "SM00000000000000000000000000000009";
/// A call that is not there.
pub(crate) const NO_CALL: &str = "CA00000000000000000000000000000009";

/// A world with Twilio in it.
pub(crate) fn twilio() -> WorldBuilder {
    World::of(simulator(), sandbox_config)
}

/// The usual one.
pub(crate) async fn world() -> World {
    twilio().start::<Twilio>().await
}

/// A client of another make.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

/// A message to send.
pub(crate) fn hello() -> Value {
    json!({"to": TO, "from": FROM, "body": "Hello"})
}

/// A call to make.
pub(crate) fn ring() -> Value {
    json!({"to": TO, "from": FROM, "twiml": "<Response><Say>Hello</Say></Response>"})
}

/// The path of a resource of the account.
pub(crate) fn path(resource: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/{resource}")
}

/// The id of something made.
pub(crate) fn sid(made: &Value) -> String {
    made["sid"].as_str().expect("it has an id").to_owned()
}

/// Checks what an error says to the caller.
pub(crate) fn assert_error(error: &Error, kind: Kind, code: Option<i64>, hint: &str) {
    errors::assert_error(error, kind, code.map(Value::from), hint);
}
