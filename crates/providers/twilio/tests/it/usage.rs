//! Usage and cost.

use serde_json::json;

use crate::support::{hello, path, places, world};

#[tokio::test]
async fn usage_is_told_by_category() {
    let world = world().await;
    world.ok("twilio_send_message", hello()).await;
    let args = json!({"category": "sms", "start_date": "2026-01-01", "end_date": "2026-01-31",
                      "include_subaccounts": true, "limit": 10});
    let usage = world.ok("twilio_get_usage", args).await;
    assert_eq!(usage["items"][0]["category"], "sms");
    assert_eq!(usage["items"][0]["count"], "1");
    let request = world.last_request();
    assert_eq!(request.path, path("Usage/Records.json"));
    assert_eq!(
        request.query,
        "Category=sms&StartDate=2026-01-01&EndDate=2026-01-31&IncludeSubaccounts=true&PageSize=10"
    );
    let all = world
        .ok("twilio_get_usage", json!({"start_date": "-30days"}))
        .await;
    assert!(all["items"].as_array().unwrap().len() > 3);
    let error = world
        .err("twilio_get_usage", json!({"start_date": "last week"}))
        .await;
    assert_eq!(places(&error), ["/start_date"]);
}
