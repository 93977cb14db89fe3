//! Who may do what.

use std::sync::Arc;

use business_tools_core::{Cx, Kind, Principal, Selection};
use serde_json::json;

use crate::support::{contact, world};

fn with_scope(scope: &str) -> Cx {
    let principal = Principal {
        scopes: Some(Arc::from([scope.to_owned()])),
        ..Principal::local()
    };
    Cx::builder(principal).build()
}

#[tokio::test]
async fn a_caller_who_may_only_look_changes_nothing() {
    let world = world().await;
    world
        .call_in("hubspot_list_owners", json!({}), with_scope("hubspot:read"))
        .await
        .unwrap();
    // Refused before the arguments are looked at: an outsider learns nothing from them.
    for args in [json!({"name": "Acme"}), json!({"colour": 1})] {
        let refused = world
            .call_in("hubspot_create_company", args, with_scope("hubspot:read"))
            .await;
        assert_eq!(refused.unwrap_err().kind(), Kind::PermissionDenied);
    }
    let refused = world
        .call_in("hubspot_list_owners", json!({}), with_scope("other:read"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), Kind::PermissionDenied);
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn read_only_refuses_every_write() {
    let world = world().await;
    world.registry.select(Selection {
        read_only: true,
        ..Selection::default()
    });
    for (tool, args) in crate::dry_run::writes() {
        assert_eq!(world.err(tool, args).await.kind(), Kind::ReadOnly, "{tool}");
    }
    assert!(world.requests().is_empty());
    assert_eq!(world.registry.tools(None).len(), 7);
}

#[tokio::test]
async fn tenants_share_neither_cache_nor_idempotency_keys() {
    let world = world().await;
    let ada = contact(&world, "ada@example.com").await;
    world.forget_requests();
    let tenant = |name: &str| {
        let tenant = Principal {
            tenant: name.into(),
            ..Principal::local()
        };
        Cx::builder(tenant).build()
    };
    for name in ["a", "b"] {
        let args = json!({"name": "Acme", "idempotency_key": "same"});
        world
            .call_in("hubspot_create_company", args, tenant(name))
            .await
            .unwrap();
        let args = json!({"object_type": "contacts", "id": ada});
        world
            .call_in("hubspot_get_record", args, tenant(name))
            .await
            .unwrap();
    }
    assert_eq!(world.requests().len(), 4);
}
