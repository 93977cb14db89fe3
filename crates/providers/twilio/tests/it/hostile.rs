//! Strange arguments: a word of refusal, and nothing that was not asked for goes out.

use business_tools_testkit::hostile;
use serde_json::json;

use crate::support::{ACCOUNT, FROM, NO_CALL, NO_MESSAGE, TO, world};

#[tokio::test]
async fn strange_values_in_every_argument_are_refused_or_harmless() {
    let world = world().await;
    for (tool, good) in crate::dry_run::writes() {
        hostile::arguments(&world, tool, &good).await;
    }
    assert!(world.requests().is_empty(), "a dry run sent something");
    for (tool, good) in [
        (
            "twilio_list_messages",
            json!({"to": TO, "from": FROM, "limit": 2}),
        ),
        ("twilio_get_message", json!({"sid": NO_MESSAGE})),
        ("twilio_list_calls", json!({"to": TO, "limit": 2})),
        ("twilio_get_call", json!({"sid": NO_CALL})),
        ("twilio_list_recordings", json!({"limit": 2})),
        ("twilio_list_phone_numbers", json!({"limit": 2})),
        ("twilio_lookup_phone_number", json!({"phone_number": TO})),
        ("twilio_get_usage", json!({"limit": 2})),
    ] {
        hostile::arguments(&world, tool, &good).await;
    }
    for request in world.requests() {
        assert_eq!(request.method, "GET");
        let inside = request
            .path
            .starts_with(&format!("/2010-04-01/Accounts/{ACCOUNT}/"))
            || request.path.starts_with("/v2/PhoneNumbers/");
        assert!(inside && !request.path.contains(".."), "{}", request.path);
        assert!(!request.headers.iter().any(|(name, _)| name == "x-injected"));
    }
}
