//! Who may do what.

use std::sync::Arc;

use business_tools_core::{Cx, Kind, Principal, Selection};
use serde_json::json;

use crate::support::{hello, world};

fn with_scope(scope: &str) -> Cx {
    let principal = Principal {
        scopes: Some(Arc::from([scope.to_owned()])),
        ..Principal::local()
    };
    Cx::builder(principal).build()
}

#[tokio::test]
async fn a_caller_who_may_only_look_sends_nothing() {
    let world = world().await;
    world
        .call_in("twilio_list_messages", json!({}), with_scope("twilio:read"))
        .await
        .unwrap();
    // Refused before the arguments are looked at: an outsider learns nothing from them.
    for args in [hello(), json!({"colour": 1})] {
        let refused = world
            .call_in("twilio_send_message", args, with_scope("twilio:read"))
            .await;
        assert_eq!(refused.unwrap_err().kind(), Kind::PermissionDenied);
    }
    let refused = world
        .call_in("twilio_list_calls", json!({}), with_scope("other:read"))
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
    assert_eq!(world.registry.tools(None).len(), 8);
}

#[tokio::test]
async fn tenants_share_neither_cache_nor_idempotency_keys() {
    let world = world().await;
    let tenant = |name: &str| {
        let tenant = Principal {
            tenant: name.into(),
            ..Principal::local()
        };
        Cx::builder(tenant).build()
    };
    for name in ["a", "b"] {
        let mut args = hello();
        args["idempotency_key"] = "same".into();
        world
            .call_in("twilio_send_message", args, tenant(name))
            .await
            .unwrap();
        world
            .call_in("twilio_list_messages", json!({}), tenant(name))
            .await
            .unwrap();
    }
    assert_eq!(world.requests().len(), 4);
}
