//! Which hosts and origins may call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what tests share is test code too"
)]

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use business_tools_mcp::edge::host::HostOrigin;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|entry| (*entry).to_owned()).collect()
}

fn app(hosts: &[&str], origins: &[&str]) -> Router {
    Router::new()
        .route("/", get(|| async { "ok" }))
        .layer(HostOrigin::new(strings(hosts), strings(origins)))
}

async fn status(app: &Router, target: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        // As bytes: some of these are no text.
        request = request.header(*name, value.as_bytes());
    }
    let response = app
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    if status == 200 {
        assert_eq!(&body[..], b"ok");
    } else {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let code = if status == 403 {
            "PERMISSION_DENIED"
        } else {
            "INVALID_REQUEST"
        };
        assert_eq!(body["error"]["code"], code);
        assert!(body["error"]["message"].is_string() && body["error"]["hint"].is_string());
    }
    status
}

#[tokio::test]
async fn hosts() {
    let app = app(&["tools.example", "Other.Example:8443", "not a host"], &[]);
    let table = [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("localhost.:65535", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]", 200),
        ("[::1]:8080", 200),
        ("[0:0:0:0:0:0:0:1]:8080", 200),
        ("tools.example", 200),
        ("Tools.Example.:443", 200),
        ("other.example", 200),
        ("localhost.evil.com", 403),
        ("evil.com", 403),
        ("tools.example.evil.com", 403),
        ("2130706433", 403),
        ("0x7f000001", 403),
        ("0177.0.0.1", 403),
        ("127.1", 403),
        ("0.0.0.0", 403),
        ("[::ffff:127.0.0.1]", 403),
        ("", 400),
        (".", 400),
        ("localhost..", 400),
        (".localhost", 400),
        ("localhost:", 400),
        ("localhost:0", 400),
        ("localhost:65536", 400),
        ("localhost:+80", 400),
        ("localhost:80:80", 400),
        ("localhost:8o", 400),
        ("user@localhost", 400),
        ("localhost@evil.com", 400),
        ("localhost/", 400),
        ("localhost evil.com", 400),
        ("localhost,evil.com", 400),
        ("http://localhost", 400),
        ("::1", 400),
        ("[::1", 400),
        ("[::1]x", 400),
        ("[::1%25lo]", 400),
        ("[localhost]", 400),
        ("löcalhost", 400),
        ("%6cocalhost", 400),
    ];
    for (host, expected) in table {
        assert_eq!(
            status(&app, "/", &[("host", host)]).await,
            expected,
            "{host:?}"
        );
    }
    assert_eq!(status(&app, "/", &[]).await, 400);
    assert_eq!(
        status(&app, "/", &[("host", "localhost"), ("host", "localhost")]).await,
        400
    );
    assert_eq!(status(&app, "/missing", &[("host", "evil.com")]).await, 403);
}

#[tokio::test]
async fn a_star_allows_every_well_formed_host() {
    let app = app(&["*"], &[]);
    assert_eq!(status(&app, "/", &[("host", "evil.com:1")]).await, 200);
    assert_eq!(status(&app, "/", &[("host", "a@evil.com")]).await, 400);
}

#[tokio::test]
async fn an_absolute_target_must_agree_with_host() {
    let app = app(&["tools.example"], &[]);
    let table = [
        ("http://localhost/", "localhost", 200),
        ("http://localhost:80/", "localhost", 200),
        ("http://localhost:8080/", "LOCALHOST:8080", 200),
        ("http://tools.example/", "tools.example", 200),
        ("http://tools.example/", "localhost", 400),
        ("http://localhost:81/", "localhost", 400),
        ("http://evil.com/", "localhost", 400),
        ("http://evil.com/", "evil.com", 403),
        ("http://a@localhost/", "localhost", 400),
        ("ftp://localhost/", "localhost", 400),
    ];
    for (target, host, expected) in table {
        assert_eq!(
            status(&app, target, &[("host", host)]).await,
            expected,
            "{target} {host}"
        );
    }
}

#[tokio::test]
async fn origins() {
    let app = app(
        &[],
        &[
            "https://a.example",
            "https://b.example:8443/",
            "http://dev.example:*",
            "http://localhost:*",
            "garbage",
        ],
    );
    let table = [
        ("http://localhost", 200),
        ("http://localhost:3000", 200),
        ("https://127.0.0.1:1", 200),
        ("http://[::1]:5173", 200),
        ("https://a.example", 200),
        ("https://A.example:443", 200),
        ("https://b.example:8443", 200),
        ("http://dev.example:4711", 200),
        ("http://a.example", 403),
        ("https://a.example:444", 403),
        ("https://b.example", 403),
        ("https://dev.example:4711", 403),
        ("https://a.example.evil.com", 403),
        ("http://localhost.evil.com", 403),
        ("null", 403),
        ("", 403),
        ("garbage", 403),
        ("file://", 403),
        ("chrome-extension://abc", 403),
        ("http://localhost/", 403),
        ("http://a@localhost", 403),
        ("http://localhost http://evil.com", 403),
        ("http://localhöst", 403),
    ];
    for (origin, expected) in table {
        let headers = [("host", "localhost"), ("origin", origin)];
        assert_eq!(status(&app, "/", &headers).await, expected, "{origin:?}");
    }
    let twice = [
        ("host", "localhost"),
        ("origin", "http://localhost"),
        ("origin", "http://localhost"),
    ];
    assert_eq!(status(&app, "/", &twice).await, 403);
}
