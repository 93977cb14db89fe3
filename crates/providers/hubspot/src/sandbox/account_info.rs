//! The account itself.

use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::json;
use serde_json::json;

use super::desk::Desk;

pub(super) async fn details(desk: Desk) -> Response {
    json::ok(&json!({
        "portalId": desk.portal(), "accountType": "STANDARD", "timeZone": "US/Eastern",
        "companyCurrency": "USD", "additionalCurrencies": [], "utcOffset": "-05:00",
        "utcOffsetMilliseconds": -18_000_000, "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
    }))
}
