//! Cached reads, and the writes that make them stale.

use business_tools_core::{Plugin, ProviderSettings, Spec, ToolPlugin};
use business_tools_hubspot::HubSpot;
use business_tools_testkit::{Person, World};
use serde_json::{Value, json};

use crate::support::{company, contact, world};

/// Every read of records, with arguments that are good.
fn reads(ada: &str) -> [(&'static str, Value); 4] {
    [
        (
            "hubspot_get_record",
            json!({"object_type": "contacts", "id": ada}),
        ),
        (
            "hubspot_get_records",
            json!({"object_type": "contacts", "ids": [ada]}),
        ),
        ("hubspot_search_records", json!({"object_type": "contacts"})),
        (
            "hubspot_list_associations",
            json!({"object_type": "contacts", "ids": [ada], "to_object_type": "companies"}),
        ),
    ]
}

async fn count(world: &World, ada: &str) -> usize {
    world.forget_requests();
    for (tool, args) in reads(ada) {
        world.ok(tool, args).await;
    }
    world.requests().len()
}

#[tokio::test]
async fn what_was_read_is_served_again_until_any_record_changes() {
    let world = world().await;
    let yes = Person::who_says_yes();
    let (ada, acme) = (
        contact(&world, "ada@example.com").await,
        company(&world, "Acme").await,
    );
    let bob = contact(&world, "bob@example.com").await;
    assert_eq!(
        (count(&world, &ada).await, count(&world, &ada).await),
        (4, 0)
    );
    let link = format!("contacts/{ada}");
    for (tool, args) in [
        (
            "hubspot_update_record",
            json!({"object_type": "contacts", "id": ada, "properties": {"phone": "1234567"}}),
        ),
        (
            "hubspot_delete_record",
            json!({"object_type": "contacts", "id": bob}),
        ),
        (
            "hubspot_upsert_records",
            json!({"object_type": "contacts", "id_property": "email", "records": [
                {"id": "new@example.com", "properties": {}}]}),
        ),
        (
            "hubspot_create_association",
            json!({"object_type": "contacts", "id": ada, "to_object_type": "companies", "to_id": acme}),
        ),
        ("hubspot_create_contact", json!({"email": "x@example.com"})),
        ("hubspot_create_company", json!({"name": "Other"})),
        (
            "hubspot_create_deal",
            json!({"dealname": "x", "dealstage": "appointmentscheduled"}),
        ),
        (
            "hubspot_create_ticket",
            json!({"subject": "x", "hs_pipeline_stage": "1"}),
        ),
        (
            "hubspot_create_note",
            json!({"hs_note_body": "x", "associations": [link]}),
        ),
    ] {
        world.call_with(&yes, tool, args).await.unwrap();
        assert_eq!(count(&world, &ada).await, 4, "{tool}");
        assert_eq!(count(&world, &ada).await, 0, "{tool}");
    }
}

#[test]
fn an_operator_sets_how_long() {
    let connect = |ttl: Value| {
        let fields = business_tools_hubspot::sandbox_config("http://127.0.0.1:9");
        let mut settings = ProviderSettings::single(fields);
        for (class, secs) in ttl.as_object().unwrap() {
            let time = std::time::Duration::from_secs(secs.as_u64().unwrap());
            settings.cache_ttl.insert(class.clone(), time);
        }
        Plugin::<HubSpot>::connect(&settings, &business_tools_core::Env::alone()).unwrap()
    };
    let ttl = |plugin: &Plugin<HubSpot>, tool: &str| {
        let found = plugin.tools().iter().find(|known| known.spec.name == tool);
        let spec: &'static Spec = found.unwrap().spec;
        plugin.cache_ttl(spec).as_secs()
    };
    let usual = connect(json!({}));
    for (tool, secs) in [
        ("hubspot_get_record", 300),
        ("hubspot_get_records", 300),
        ("hubspot_list_associations", 300),
        ("hubspot_search_records", 10),
        ("hubspot_list_owners", 300),
        ("hubspot_list_pipelines", 600),
        ("hubspot_list_properties", 600),
    ] {
        assert_eq!(ttl(&usual, tool), secs, "{tool}");
    }
    let set = connect(json!({"crm_contacts": 5, "search_results": 0, "hubspot_list_owners": 7}));
    assert_eq!(ttl(&set, "hubspot_get_records"), 5);
    assert_eq!(ttl(&set, "hubspot_search_records"), 0);
    assert_eq!(ttl(&set, "hubspot_list_owners"), 7);
}
