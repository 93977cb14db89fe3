//! 1Password Connect.

use business_tools_sandbox::{FaultKind, FaultRule};
use business_tools_testkit::secrets::Connect;
use serde_json::json;

use super::World;

const TOKEN: &str = "eyJhbGciOi.eyJqdGkiOi.c2lnbmF0dXJl";

async fn world() -> (Connect, World, String) {
    let connect = Connect::new(TOKEN);
    let vault = connect.vault("Operations \"north\"");
    connect.item(
        &vault,
        "Twilio",
        json!([{"id": "sec1", "label": "Live"}, {"id": "sec2", "label": "Test"}]),
        json!([
            {"id": "username", "type": "STRING", "label": "username", "value": "me", "purpose": "USERNAME"},
            {"id": "f1", "type": "CONCEALED", "label": "token", "value": "live-token", "section": {"id": "sec1"}},
            {"id": "f2", "type": "CONCEALED", "label": "token", "value": "test-token", "section": {"id": "sec2"}},
            {"id": "f3", "type": "CONCEALED", "label": "key", "value": "outside"},
            {"id": "f4", "type": "CONCEALED", "label": "key", "value": "inside", "section": {"id": "sec1"}},
            {"id": "f5", "type": "CONCEALED", "label": "empty"},
        ]),
    );
    let mut world = World::new(connect.simulator()).await;
    let url = world.url("connect");
    world.set("OP_CONNECT_HOST", url);
    world.set("OP_CONNECT_TOKEN", TOKEN);
    (connect, world, vault)
}

#[tokio::test]
async fn a_field_is_found_by_names_and_by_ids() {
    let (_, world, vault) = world().await;
    let item = "i0000000000000000000000000";
    for (reference, value) in [
        ("op://Operations \"north\"/Twilio/username".to_owned(), "me"),
        (format!("op://{vault}/Twilio/username"), "me"),
        (format!("op://{vault}/{item}/username"), "me"),
        (format!("op://{vault}/{item}/Username"), "me"),
        (format!("op://{vault}/Twilio/f2"), "test-token"),
        (format!("op://{vault}/Twilio/Live/token"), "live-token"),
        (format!("op://{vault}/Twilio/sec2/token"), "test-token"),
        (format!("op://{vault}/Twilio/key"), "outside"),
        (format!("op://{vault}/Twilio/live/KEY"), "inside"),
    ] {
        assert_eq!(world.find(&reference).await, value, "{reference}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_told_with_what_would_be_right() {
    let (connect, mut world, vault) = world().await;
    let twins = connect.vault("Twins");
    connect.vault("Twins");
    for _ in 0..2 {
        connect.item(&twins, "Twilio", json!([]), json!([]));
    }
    for (reference, what, remedy) in [
        (
            "op://Nowhere/Twilio/token".to_owned(),
            "no such vault",
            "which vaults",
        ),
        (
            "op://Twins/Twilio/token".to_owned(),
            "several vaults of that name",
            "the id",
        ),
        (
            format!("op://{twins}/Twilio/token"),
            "several items of that name",
            "the id",
        ),
        (
            format!("op://{vault}/Nothing/token"),
            "no such item",
            "the name",
        ),
        (
            format!("op://{vault}/i0000000000000000000000009/x"),
            "no such vault or item",
            "both",
        ),
        (
            format!("op://{vault}/Twilio/nothing"),
            "no such field",
            "label or id",
        ),
        (
            format!("op://{vault}/Twilio/token"),
            "several such fields",
            "the section",
        ),
        (
            format!("op://{vault}/Twilio/Other/token"),
            "no such field",
            "its section",
        ),
        (
            format!("op://{vault}/Twilio/empty"),
            "is empty",
            "fill it in",
        ),
    ] {
        world.refused(&reference, what, remedy).await;
    }
    connect.close(&vault);
    let reference = format!("op://{vault}/Twilio/f1");
    world
        .refused(
            &reference,
            "does not let the token read this vault",
            "access to the vault",
        )
        .await;
    world.set("OP_CONNECT_TOKEN", "eyJhbGciOi.eyJqdGkiOi.b3RoZXI");
    world
        .refused(&reference, "refused the token", "OP_CONNECT_TOKEN")
        .await;
    world.unset("OP_CONNECT_TOKEN");
    world
        .refused(&reference, "needs OP_CONNECT_TOKEN", "access token")
        .await;
    world.unset("OP_CONNECT_HOST");
    world
        .refused(
            &reference,
            "needs OP_CONNECT_HOST",
            "https://connect.example.com",
        )
        .await;
}

#[tokio::test]
async fn a_server_that_starts_up_is_tried_again() {
    let (_, world, vault) = world().await;
    world.breaks(
        FaultRule::new("connect", FaultKind::Status)
            .status(503)
            .times(2),
    );
    let reference = format!("op://{vault}/Twilio/f1");
    assert_eq!(world.find(&reference).await, "live-token");
    world.breaks(FaultRule::new("connect", FaultKind::Html));
    let reference = format!("op://{vault}/Twilio/f2");
    // The item is at hand from before only for what was asked then.
    world
        .refused(
            &reference,
            "answered with status 502",
            "log of 1Password Connect",
        )
        .await;
}
