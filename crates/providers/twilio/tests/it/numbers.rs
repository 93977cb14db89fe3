//! Numbers of the account, and numbers looked up.

use serde_json::json;

use crate::support::{path, places, world};

#[tokio::test]
async fn the_numbers_of_the_account_are_listed_and_filtered() {
    let world = world().await;
    let all = world.ok("twilio_list_phone_numbers", json!({})).await;
    let items = all["items"].as_array().unwrap();
    assert!(
        items
            .iter()
            .any(|item| item["phone_number"] == "+15005550006")
    );
    assert_eq!(items[0]["capabilities"]["sms"], true);
    assert_eq!(world.last_request().path, path("IncomingPhoneNumbers.json"));
    let some = world
        .ok(
            "twilio_list_phone_numbers",
            json!({"phone_number": "0101", "friendly_name": "Support"}),
        )
        .await;
    assert_eq!(some["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.last_request().query,
        "PhoneNumber=0101&FriendlyName=Support&PageSize=20"
    );
}

#[tokio::test]
async fn a_number_is_looked_up_with_its_plus_encoded() {
    let world = world().await;
    let found = world
        .ok(
            "twilio_lookup_phone_number",
            json!({"phone_number": "+14159929960"}),
        )
        .await;
    assert_eq!(found["valid"], true);
    assert_eq!(found["national_format"], "(415) 992-9960");
    assert!(found.get("caller_name").is_none());
    assert_eq!(world.last_request().path, "/v2/PhoneNumbers/%2B14159929960");
}

#[tokio::test]
async fn billed_facts_are_asked_for_by_name() {
    let world = world().await;
    let args = json!({"phone_number": "(415) 992-9960", "country_code": "US",
                      "fields": ["caller_name", "line_type_intelligence"]});
    let found = world.ok("twilio_lookup_phone_number", args).await;
    assert_eq!(found["line_type_intelligence"]["type"], "mobile");
    assert_eq!(found["phone_number"], "+14159929960");
    assert_eq!(
        world.last_request().path,
        "/v2/PhoneNumbers/%28415%29%20992-9960"
    );
    assert_eq!(
        world.last_request().query,
        "Fields=caller_name%2Cline_type_intelligence&CountryCode=US"
    );
}

#[tokio::test]
async fn an_unusable_number_is_an_answer_and_not_an_error() {
    let world = world().await;
    let found = world
        .ok(
            "twilio_lookup_phone_number",
            json!({"phone_number": "+1415"}),
        )
        .await;
    assert_eq!(found["valid"], false);
    assert_eq!(found["validation_errors"], json!(["TOO_SHORT"]));
}

#[tokio::test]
async fn what_is_no_number_goes_nowhere() {
    let world = world().await;
    for text in ["..", "../Accounts", "+1/../x", "a", "+"] {
        let error = world
            .err("twilio_lookup_phone_number", json!({"phone_number": text}))
            .await;
        assert_eq!(places(&error), ["/phone_number"], "{text}");
    }
    let error = world
        .err(
            "twilio_lookup_phone_number",
            json!({"phone_number": "4159929960"}),
        )
        .await;
    assert_eq!(places(&error), ["/country_code"]);
    assert!(world.requests().is_empty());
}
