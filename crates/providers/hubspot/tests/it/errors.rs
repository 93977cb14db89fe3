//! What HubSpot refuses, and what becomes of it.

use business_tools_core::{Cx, Kind};
use serde_json::{Value, json};

use crate::support::{assert_error, host, host_with};

const SEARCH: &str = "hubspot_search_records";

fn anything() -> Value {
    json!({"object_type": "contacts"})
}

fn refusal(category: &str, message: &str) -> Value {
    json!({"status": "error", "message": message, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf", "category": category})
}

#[tokio::test]
async fn statuses_and_categories_say_what_it_is_and_what_to_do() {
    for (status, category, message, kind, hint) in [
        (400, "VALIDATION_ERROR", "Bad", Kind::InvalidRequest, "Mend"),
        (
            400,
            "VALIDATION_ERROR",
            r#"Property "x" does not exist"#,
            Kind::InvalidRequest,
            "hubspot_list_properties",
        ),
        (
            401,
            "INVALID_AUTHENTICATION",
            "No",
            Kind::AuthFailed,
            "HUBSPOT_ACCESS_TOKEN",
        ),
        (
            401,
            "EXPIRED_AUTHENTICATION",
            "Old",
            Kind::AuthFailed,
            "expired",
        ),
        (
            403,
            "MISSING_SCOPES",
            "No",
            Kind::PermissionDenied,
            "scopes",
        ),
        (403, "BANNED", "No", Kind::PermissionDenied, "scopes"),
        (
            404,
            "OBJECT_NOT_FOUND",
            "resource not found",
            Kind::NotFound,
            "object_type",
        ),
        (
            409,
            "CONFLICT",
            "Taken",
            Kind::Conflict,
            "hubspot_search_records",
        ),
        (
            414,
            "VALIDATION_ERROR",
            "Too long",
            Kind::InvalidRequest,
            "Mend",
        ),
        (
            500,
            "INTERNAL_ERROR",
            "internal error",
            Kind::UpstreamError,
            "status.hubspot.com",
        ),
    ] {
        let world = host(status, refusal(category, message)).await;
        let error = world.err(SEARCH, anything()).await;
        assert_error(&error, kind, Some(category), hint);
        assert_eq!(error.details()["upstream_status"], status);
        assert_eq!(
            error.details()["upstream_request_id"],
            "aeb5f871-7f07-4993-9211-075dc63e7cbf"
        );
        let repeated = status >= 500;
        assert_eq!(world.requests().len() > 1, repeated, "{status} {category}");
    }
}

#[tokio::test]
async fn properties_are_named_one_by_one_and_the_next_step_fits() {
    let property = |name: &str, code: &str| {
        let mut body = refusal("VALIDATION_ERROR", "Property values were not valid");
        body["errors"] =
            json!([{"message": "is wrong", "code": code, "context": {"propertyName": [name]}}]);
        body
    };
    for (name, code, hint) in [
        ("dealstage", "INVALID_OPTION", "hubspot_list_pipelines"),
        (
            "hubspot_owner_id",
            "INVALID_OWNER_ID",
            "hubspot_list_owners",
        ),
        (
            "favourite",
            "PROPERTY_DOESNT_EXIST",
            "hubspot_list_properties has the names",
        ),
        (
            "industry",
            "INVALID_OPTION",
            "hubspot_list_properties has the values",
        ),
        ("email", "INVALID_EMAIL", "Mend"),
    ] {
        let world = host(400, property(name, code)).await;
        let error = world
            .err("hubspot_create_company", json!({"name": "x"}))
            .await;
        assert_error(&error, Kind::InvalidRequest, Some("VALIDATION_ERROR"), hint);
        assert_eq!(error.message(), format!("HubSpot refuses {name}: is wrong"));
        assert_eq!(
            error.details()["properties"],
            json!([{"name": name, "code": code, "message": "is wrong"}])
        );
    }
}

#[tokio::test]
async fn scopes_that_are_missing_are_named_in_the_hint() {
    let mut body = refusal("MISSING_SCOPES", "No");
    body["errors"] = json!([{"message": "One or more", "context": {"requiredGranularScopes": ["crm.objects.deals.write", "tickets"]}}]);
    let world = host(403, body).await;
    let error = world.err(SEARCH, anything()).await;
    assert_error(
        &error,
        Kind::PermissionDenied,
        Some("MISSING_SCOPES"),
        "crm.objects.deals.write, tickets",
    );
}

#[tokio::test]
async fn the_days_end_is_not_waited_for_and_nothing_more_is_sent() {
    let body = json!({"status": "error", "message": "You have reached your daily limit.", "errorType": "RATE_LIMIT",
                      "correlationId": "c", "policyName": "DAILY", "requestId": "r"});
    let world = host(429, body).await;
    let error = world.err(SEARCH, anything()).await;
    assert_error(&error, Kind::QuotaExceeded, Some("RATE_LIMIT"), "midnight");
    assert!(!error.is_retryable());
    let error = world
        .err("hubspot_create_company", json!({"name": "x"}))
        .await;
    assert_eq!(error.kind(), Kind::CircuitOpen, "{error:?}");
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn a_moving_account_says_so_and_how_long_to_wait() {
    let world = host_with(
        477,
        refusal("MIGRATION_IN_PROGRESS", "Moving"),
        &[("retry-after", "3600")],
    )
    .await;
    let error = world.err(SEARCH, anything()).await;
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(
        error.wire(&Cx::local())["error"]["details"]["retry_after_ms"],
        3_600_000
    );
    assert!(error.hint_text().unwrap().contains("moving"));
    assert_eq!(
        world.requests().len(),
        1,
        "an hour is longer than the call may take"
    );
}

#[tokio::test]
async fn an_error_without_its_body_is_told_by_its_status() {
    let world = host(418, Value::Null).await;
    let error = world.err(SEARCH, anything()).await;
    assert_eq!(
        (error.kind(), error.message()),
        (Kind::InvalidRequest, "HubSpot answered with status 418")
    );
    let world = host_with(400, json!({}), &[("x-hubspot-correlation-id", "abc")]).await;
    let error = world.err(SEARCH, anything()).await;
    assert_eq!(error.details()["upstream_request_id"], "abc");
}

#[tokio::test]
async fn another_host_in_hubspots_place_is_told_as_such() {
    for (status, kind) in [
        (404, Kind::NotFound),
        (301, Kind::BadUpstreamResponse),
        (308, Kind::BadUpstreamResponse),
    ] {
        let world = host(status, json!("Not here")).await;
        for (tool, args) in [
            (SEARCH, anything()),
            ("hubspot_create_company", json!({"name": "x"})),
        ] {
            let error = world.err(tool, args).await;
            assert_error(&error, kind, None, "base_url");
        }
        assert_eq!(world.requests().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn the_wire_form_is_the_contract() {
    let world = host(
        401,
        refusal(
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found",
        ),
    )
    .await;
    let error = world.err(SEARCH, anything()).await;
    let cx = Cx::local();
    let wire = &error.wire(&cx)["error"];
    assert_eq!(wire["code"], "HUBSPOT_AUTH_FAILED");
    assert_eq!(wire["message"], "Authentication failed for HubSpot API");
    assert_eq!(
        wire["hint"],
        "Check HUBSPOT_ACCESS_TOKEN (or PRIVATE_APP_ACCESS_TOKEN) in .env"
    );
    let details = &wire["details"];
    assert_eq!(
        (
            &details["provider"],
            &details["upstream_status"],
            &details["upstream_code"],
            &details["retryable"]
        ),
        (
            &json!("hubspot"),
            &json!(401),
            &json!("INVALID_AUTHENTICATION"),
            &json!(false)
        )
    );
}

#[tokio::test]
async fn hubspots_words_are_cut_where_they_run_on() {
    let long = "x".repeat(5000);
    let mut body = refusal("VALIDATION_ERROR", &long);
    let errors = |n: usize| json!({"message": long, "code": long, "context": {"propertyName": [format!("p{n}{long}")]}});
    body["errors"] = (0..200).map(errors).collect();
    let world = host(400, body).await;
    let error = world.err(SEARCH, anything()).await;
    assert!(error.wire(&Cx::local()).to_string().len() < 30_000);
    let world = host(400, refusal("VALIDATION_ERROR", &long)).await;
    assert!(world.err(SEARCH, anything()).await.message().len() < 400);
}

#[tokio::test]
async fn an_answer_that_is_no_resource_is_a_bad_one() {
    for body in [json!([1]), json!("text"), json!(7), json!({"results": 7})] {
        let world = host(200, body.clone()).await;
        let error = world.err(SEARCH, anything()).await;
        assert_eq!(error.kind(), Kind::BadUpstreamResponse, "{body}");
        if !body.is_object() {
            let error = world
                .err("hubspot_create_company", json!({"name": "x"}))
                .await;
            assert_eq!(
                error.kind(),
                Kind::OutcomeUnknown,
                "it was sent, and nobody knows what came of it"
            );
        }
    }
}

#[tokio::test]
async fn odd_members_of_a_body_do_no_harm() {
    for body in [
        json!({"message": 7, "category": [], "errors": "x", "context": 7, "correlationId": {}}),
        json!({"message": "Property values were not valid: [", "errors": [null, 1, {"context": {"propertyName": 7}}]}),
        json!([]),
    ] {
        for status in [400, 401, 403, 404, 409, 423, 429, 477] {
            let world = host(status, body.clone()).await;
            let error = world
                .err("hubspot_create_company", json!({"name": "x"}))
                .await;
            assert!(error.hint_text().is_some(), "{status} {body}: {error:?}");
            assert_ne!(error.kind(), Kind::Internal);
        }
    }
}
