//! The behaviour suite against servers that are not ours: the DocumentDB engine, which
//! `cargo xtask test` brings, and the MongoDB that `TEST_MONGODB_URI` names.

mod engine_tools;
mod front;
#[macro_use]
mod suite;

use std::io::Write;
use std::sync::Once;

use bson::oid::ObjectId;
use front::Front;
use mongodb::Client;
use suite::Flavor;

/// The PostgreSQL with the documentdb extension.
const ENGINE: &str = "TEST_DOCUMENTDB_URL";
/// A MongoDB of your own. Each test makes and drops a database whose name begins with `t_`.
const SERVER: &str = "TEST_MONGODB_URI";

/// The value of a variable. A missing one is told once, past the test runner's capture.
fn given(name: &str, how: &str, told: &Once) -> Option<String> {
    let value = std::env::var_os(name).and_then(|value| value.into_string().ok());
    if value.is_none() {
        told.call_once(|| {
            let note = format!("\nSKIPPED: {name} is not set, nothing runs against it. {how}\n");
            std::io::stderr()
                .write_all(note.as_bytes())
                .unwrap_or_default();
        });
    }
    value
}

/// The engine behind the front; none only outside CI.
async fn engine() -> Option<Front> {
    static TOLD: Once = Once::new();
    let url = given(
        ENGINE,
        "`cargo xtask test` starts the engine and sets it.",
        &TOLD,
    );
    assert!(
        url.is_some() || std::env::var_os("CI").is_none(),
        "in CI the engine is not optional: {ENGINE} must be set"
    );
    let front = Front::start(&url?).await;
    assert!(front.is_ok(), "the front cannot listen on loopback");
    front.ok()
}

fn server() -> Option<String> {
    static TOLD: Once = Once::new();
    given(
        SERVER,
        "It may name a server of your own, such as mongodb://127.0.0.1:27017.",
        &TOLD,
    )
}

fn fresh() -> String {
    format!("t_{}", ObjectId::new().to_hex())
}

macro_rules! against_the_engine {
    ($($name:ident)*) => {
        mod documentdb {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let Some(front) = engine().await else { return };
                let client = Client::with_uri_str(front.uri()).await.unwrap();
                let database = fresh();
                suite::$name(&client, &database, Flavor::DocumentDb).await;
                client.database(&database).drop().await.unwrap();
            })*
        }
    };
}
suite::for_each_behaviour!(against_the_engine);

macro_rules! against_a_server {
    ($($name:ident)*) => {
        mod mongodb_server {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let Some(uri) = server() else { return };
                let client = Client::with_uri_str(uri).await.unwrap();
                let database = fresh();
                suite::$name(&client, &database, Flavor::Real).await;
                client.database(&database).drop().await.unwrap();
            })*
        }
    };
}
suite::for_each_behaviour!(against_a_server);

#[tokio::test]
async fn every_tool_does_its_work_on_the_engine() {
    let Some(front) = engine().await else { return };
    engine_tools::every_tool_does_its_work(front.uri(), &fresh()).await;
}

#[tokio::test]
async fn every_tool_does_its_work_on_a_server() {
    let Some(uri) = server() else { return };
    engine_tools::every_tool_does_its_work(&uri, &fresh()).await;
}
