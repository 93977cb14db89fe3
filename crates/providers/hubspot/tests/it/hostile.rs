//! Strange arguments: a word of refusal, and nothing that was not asked for goes out.

use business_tools_testkit::hostile;
use serde_json::json;

use crate::support::{NOBODY, hubspot};

#[tokio::test]
async fn strange_values_in_every_argument_are_refused_or_harmless() {
    // The quotas of HubSpot would make this a long test.
    let world = hubspot()
        .overrides(json!({"timeouts": {"call": "60s", "attempt": "20s"}}))
        .start::<business_tools_hubspot::HubSpot>()
        .await;
    for (tool, good) in crate::dry_run::writes() {
        hostile::arguments(&world, tool, &good).await;
    }
    assert!(world.requests().is_empty(), "a dry run sent something");
    for (tool, good) in [
        (
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": NOBODY}),
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": [NOBODY]}),
        ),
        ("hubspot_list_owners", json!({"limit": 2})),
        ("hubspot_list_pipelines", json!({"object_type": "deals"})),
        ("hubspot_list_properties", json!({"object_type": "deals"})),
        (
            "hubspot_list_associations",
            json!({"object_type": "contacts", "ids": [NOBODY], "to_object_type": "deals"}),
        ),
    ] {
        hostile::arguments(&world, tool, &good).await;
    }
    hostile::arguments(
        &world,
        "hubspot_search_records",
        &json!({"object_type": "contacts", "limit": 2}),
    )
    .await;
    for request in world.requests() {
        let inside = request.path.starts_with("/crm/") && request.path.contains("/2026-09");
        assert!(inside && !request.path.contains(".."), "{}", request.path);
        assert!(!request.headers.iter().any(|(name, _)| name == "x-injected"));
        assert_ne!(request.method, "DELETE");
    }
}
