//! Lookup: any number, valid or not, is answered with 200.

use business_tools_sandbox::Form;
use business_tools_sandbox::Mount;
use business_tools_sandbox::axum::extract::{Path, RawQuery};
use business_tools_sandbox::axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Caller, answer};

const FIELDS: &[&str] = &[
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
];

pub(super) async fn fetch(
    _: Caller,
    mount: Mount,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Form::parse(query.unwrap_or_default());
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let e164 = match (number.starts_with('+'), query.given("CountryCode")) {
        (false, Some("US" | "CA") | None) if digits.len() == 10 => format!("+1{digits}"),
        _ => format!("+{digits}"),
    };
    let length = e164.len() - 1;
    let faults: Vec<&str> = match length {
        0..=7 => vec!["TOO_SHORT"],
        16.. => vec!["TOO_LONG"],
        _ if e164.starts_with("+1") && length != 11 => vec!["INVALID_LENGTH"],
        _ => Vec::new(),
    };
    let valid = faults.is_empty();
    let american = valid && e164.starts_with("+1");
    let national = if american {
        format!("({}) {}-{}", &e164[2..5], &e164[5..8], &e164[8..12])
    } else {
        digits.clone()
    };
    let mut found = Map::new();
    let mut set = |name: &str, value: Value| found.insert(name.to_owned(), value);
    set(
        "calling_country_code",
        if american { "1".into() } else { Value::Null },
    );
    set(
        "country_code",
        if american { "US".into() } else { Value::Null },
    );
    set("phone_number", e164.clone().into());
    set(
        "national_format",
        if valid { national.into() } else { Value::Null },
    );
    set("valid", valid.into());
    set(
        "validation_errors",
        if valid { Value::Null } else { faults.into() },
    );
    let wanted: Vec<&str> = query
        .given("Fields")
        .unwrap_or_default()
        .split(',')
        .collect();
    for field in FIELDS {
        set(
            field,
            if valid && wanted.contains(field) {
                facts(field)
            } else {
                Value::Null
            },
        );
    }
    set(
        "url",
        format!("{}/v2/PhoneNumbers/{e164}", mount.base_url).into(),
    );
    answer::ok(&Value::Object(found))
}

/// What a paid package would tell.
fn facts(field: &str) -> Value {
    match field {
        "caller_name" => {
            json!({"caller_name": "ACME CORP", "caller_type": "BUSINESS", "error_code": null})
        }
        "line_type_intelligence" => {
            json!({"mobile_country_code": "310", "mobile_network_code": "456",
            "carrier_name": "Example Wireless", "type": "mobile", "error_code": null})
        }
        "sms_pumping_risk" => {
            json!({"carrier_risk_category": "low", "sms_pumping_risk_score": 4, "error_code": null})
        }
        _ => Value::Null,
    }
}
