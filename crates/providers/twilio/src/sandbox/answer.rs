//! Answers in Twilio's forms: errors, pages, and the headers of every answer.

use business_tools_sandbox::axum::http::{HeaderValue, StatusCode, Uri};
use business_tools_sandbox::axum::response::Response;
use business_tools_sandbox::{Form, ids, json, paging};
use serde_json::{Map, Value, json};

/// The resources of this page, and the members that describe it.
pub(super) type Query = Form;

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn body(status: u16, code: u32, message: &str) -> Value {
    json!({"code": code, "message": message, "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
           "status": status})
}

pub(super) fn error(status: u16, code: u32, message: &str) -> Response {
    json::answer(status_of(status), &body(status, code, message))
}

/// The body of an injected status.
pub(super) fn fault_body(status: u16) -> Value {
    match status {
        401 => body(401, 20003, "Authenticate"),
        403 => body(403, 20008, "Forbidden"),
        404 => body(404, 20404, "The requested resource was not found"),
        429 => body(429, 20429, "Too many requests"),
        503 => body(503, 20503, "Service unavailable"),
        _ if status >= 500 => body(status, 20500, "An internal server error has occurred"),
        _ => body(status, 20001, "Bad request"),
    }
}

pub(super) fn not_found(path: &str) -> Response {
    error(
        404,
        20404,
        &format!("The requested resource {path} was not found"),
    )
}

pub(super) async fn no_such_resource(uri: Uri) -> Response {
    not_found(uri.path())
}

pub(super) fn created(resource: &Value) -> Response {
    json::answer(StatusCode::CREATED, resource)
}

pub(super) fn ok(resource: &Value) -> Response {
    json::answer(StatusCode::OK, resource)
}

/// The headers that every answer has.
pub(super) async fn stamp(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&ids::hex32("RQ")) {
        headers.insert("twilio-request-id", id);
    }
    headers.insert("twilio-concurrent-requests", HeaderValue::from_static("1"));
    response
}

/// A page of the older API: `page`, `start`, `next_page_uri` and the things under `key`.
///
/// `uri` is the list's own path, without the simulator's prefix, as Twilio gives it.
pub(super) fn page(uri: &str, query: &Query, key: &str, items: Vec<Value>) -> Response {
    let size = match query.get("PageSize").map(str::parse::<usize>) {
        None => 50,
        Some(Ok(size @ 1..=1000)) => size,
        Some(_) => return error(400, 20001, "Page size must be from 1 to 1000"),
    };
    let Ok(page) = paging::page(items, query.get("PageToken"), size) else {
        return error(400, 20001, "The page token is invalid");
    };
    let number = page.start / size;
    let link = |number: usize, token: Option<&str>| {
        let mut parts: Vec<(String, String)> = query
            .iter()
            .filter(|(name, _)| !matches!(*name, "Page" | "PageSize" | "PageToken"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        parts.push(("PageSize".into(), size.to_string()));
        parts.push(("Page".into(), number.to_string()));
        parts.extend(token.map(|token| ("PageToken".to_owned(), token.to_owned())));
        format!("{uri}?{}", parts.into_iter().collect::<Form>().encode())
    };
    let end = page.start + page.items.len().saturating_sub(1);
    let mut answer = Map::new();
    answer.insert("first_page_uri".into(), link(0, None).into());
    answer.insert(
        "next_page_uri".into(),
        page.next
            .as_deref()
            .map(|t| link(number + 1, Some(t)))
            .into(),
    );
    answer.insert(
        "previous_page_uri".into(),
        page.previous
            .as_deref()
            .map(|t| link(number.saturating_sub(1), Some(t)))
            .into(),
    );
    answer.insert("uri".into(), link(number, query.get("PageToken")).into());
    answer.insert("page".into(), number.into());
    answer.insert("page_size".into(), size.into());
    answer.insert("start".into(), page.start.into());
    answer.insert("end".into(), end.into());
    answer.insert(key.to_owned(), page.items.into());
    json::answer(StatusCode::OK, &answer)
}
