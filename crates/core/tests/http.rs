//! The HTTP transport against a server that misbehaves in every way there is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(feature = "http")]

mod common;

use std::time::Duration;

use business_tools_core::egress::Request as _;
use business_tools_core::egress::transport::{Body, Http, HttpRequest, HttpResponse};
use business_tools_core::http::header::{AUTHORIZATION, HeaderValue};
use business_tools_core::http::{HeaderMap, HeaderName, Method, StatusCode};
use business_tools_core::{
    Backoff, Cx, Env, Error, Fate, Info, Kind, Policy, Principal, Provider, Repeat, Secret,
    TraceContext, Upstream, millis, secs,
};
use common::Acme;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

static INFO: Info = Acme::INFO;

/// A server that answers each connection with the next of these texts, cut off where they end.
async fn server(answers: Vec<Answer>) -> (Url, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/things?q=1", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 64 << 10];
            let n = stream.read(&mut head).await.unwrap();
            heads.push(String::from_utf8_lossy(&head[..n]).into_owned());
            match answer {
                Answer::Text(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                Answer::Close => {}
                Answer::Hang => tokio::time::sleep(secs(60)).await,
                Answer::Flood => {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"";
                    stream.write_all(head.as_bytes()).await.unwrap();
                    let chunk = vec![b'x'; 1 << 20];
                    for _ in 0..1000 {
                        if stream.write_all(&chunk).await.is_err() {
                            break;
                        }
                    }
                }
            }
            stream.shutdown().await.unwrap_or_default();
        }
        heads
    });
    (Url::parse(&url).unwrap(), serving)
}

enum Answer {
    Text(String),
    Close,
    Hang,
    Flood,
}

fn answer(head: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Text(format!(
        "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

fn map(response: &HttpResponse) -> Error {
    response.error("Acme says no")
}

fn client(attempts: u32) -> Http {
    client_that(attempts, false)
}

fn client_that(attempts: u32, trace_propagation: bool) -> Http {
    let policy = Policy {
        attempt_timeout: millis(500),
        retry: Backoff {
            attempts,
            base: millis(1),
            ..Policy::DEFAULT.retry
        },
        max_answer: 1 << 20,
        trace_propagation,
        ..Policy::DEFAULT
    };
    Http::new(&Upstream::new(&INFO, policy, Env::alone()), map)
}

fn cx() -> Cx {
    let deadline = tokio::time::Instant::now() + secs(10);
    Cx::builder(Principal::local()).deadline(deadline).build()
}

fn get(url: &Url) -> HttpRequest {
    HttpRequest::new(Method::GET, url.clone())
        .credential(AUTHORIZATION, Secret::new("Basic CANARY-TOKEN"))
}

async fn once(answer: Answer, repeat: Repeat) -> Result<HttpResponse, Error> {
    let (url, serving) = server(vec![answer]).await;
    let outcome = client(1).send_as(&cx(), repeat, get(&url)).await;
    serving.abort();
    outcome
}

#[tokio::test]
async fn a_failure_that_the_provider_says_no_more_about_has_a_next_step() {
    for (head, words) in [
        ("400 Bad Request", "Mend"),
        ("401 Unauthorized", "Check ACME_TOKEN"),
        ("403 Forbidden", "right"),
        ("404 Not Found", "id"),
        ("409 Conflict", "as it is now"),
        ("429 Too Many Requests", "Wait"),
        ("500 Internal Server Error", "status page"),
    ] {
        let error = once(answer(head, "{}"), Repeat::Safe).await.unwrap_err();
        assert!(error.hint_text().unwrap().contains(words), "{error:?}");
    }
}

#[tokio::test]
async fn a_request_arrives_with_its_credentials_and_an_answer_comes_back() {
    let (url, serving) = server(vec![answer(
        "200 OK\r\ncontent-type: application/json",
        r#"{"a": 1}"#,
    )])
    .await;
    let cx = cx();
    let request = get(&url).query([("text", "a&b=c +d")]).header(
        HeaderName::from_static("x-version"),
        HeaderValue::from_static("7"),
    );
    assert!(!format!("{request:?}").contains("CANARY"));
    let value: Value = client(1).json(&cx, request).await.unwrap();
    assert_eq!(value, json!({"a": 1}));
    let head = serving.await.unwrap().remove(0).to_lowercase();
    assert!(
        head.starts_with("get /things?q=1&text=a%26b%3dc+%2bd http/1.1\r\n"),
        "{head}"
    );
    for line in [
        "authorization: basic canary-token",
        "x-version: 7",
        "user-agent: business-tools/",
    ] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn a_provider_learns_of_the_trace_only_where_the_operator_wants_it() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for wanted in [false, true] {
        let (url, serving) = server(vec![answer("200 OK", "{}")]).await;
        let cx = Cx::builder(Principal::local())
            .trace(TraceContext::parse(TRACE, Some("rojo=00f067aa0ba902b7")))
            .build();
        let done = client_that(1, wanted).send(&cx, get(&url)).await;
        assert!(done.is_ok());
        let head = serving.await.unwrap().remove(0).to_lowercase();
        // Without anybody who keeps traces here, the caller's goes through as it is.
        for line in [
            &format!("\r\ntraceparent: {TRACE}\r\n"),
            "\r\ntracestate: rojo=00f067aa0ba902b7\r\n",
        ] {
            assert_eq!(head.contains(line), wanted, "{head}");
        }
    }
}

#[tokio::test]
async fn every_fault_has_its_kind_and_says_what_became_of_the_request() {
    let cases: Vec<(&str, Answer, Kind, Fate)> = vec![
        ("reset", Answer::Close, Kind::Unavailable, Fate::Unknown),
        ("hang", Answer::Hang, Kind::Timeout, Fate::Unknown),
        (
            "flood",
            Answer::Flood,
            Kind::BadUpstreamResponse,
            Fate::Unknown,
        ),
        (
            "half a head",
            Answer::Text("HTTP/1.1 20".into()),
            Kind::Unavailable,
            Fate::Unknown,
        ),
        (
            "garbage",
            Answer::Text("\0\u{1}nonsense\r\n\r\n".into()),
            Kind::Unavailable,
            Fate::Unknown,
        ),
        (
            "half a body",
            Answer::Text("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\"".into()),
            Kind::BadUpstreamResponse,
            Fate::Unknown,
        ),
        ("401", answer("401 No", ""), Kind::AuthFailed, Fate::Refused),
        (
            "429",
            answer("429 Slow\r\nretry-after: 7", ""),
            Kind::RateLimited,
            Fate::Refused,
        ),
        (
            "302",
            answer("302 There\r\nlocation: http://evil.example/", ""),
            Kind::BadUpstreamResponse,
            Fate::Refused,
        ),
        (
            "500",
            answer("500 Oops", ""),
            Kind::UpstreamError,
            Fate::Unknown,
        ),
        (
            "503",
            answer("503 Later", ""),
            Kind::Unavailable,
            Fate::Unknown,
        ),
    ];
    for (name, answer, kind, fate) in cases {
        let error = once(answer, Repeat::Safe).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.what_became()),
            (kind, fate),
            "{name}: {error:?}"
        );
        assert_eq!(error.wait(), (name == "429").then_some(secs(7)), "{name}");
        let shown = format!("{error} {error:?} {}", error.wire(&Cx::local()));
        assert!(
            !shown.contains("CANARY") && !shown.contains("127.0.0.1"),
            "{name}: {shown}"
        );
    }
}

#[tokio::test]
async fn nobody_there_no_such_host_and_no_tls_are_told_apart_and_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (plain, serving) = server(vec![answer("400 No TLS here", "")]).await;
    let tls = plain.as_str().replace("http:", "https:");
    for (url, words) in [
        (format!("http://{free}/"), "cannot be reached"),
        (
            "http://no-such-host.invalid/".to_owned(),
            "cannot be resolved",
        ),
        (tls, "TLS"),
    ] {
        let url = Url::parse(&url).unwrap();
        let error = client(1)
            .send_as(&cx(), Repeat::IfUnprocessed, get(&url))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.what_became()),
            (Kind::Unavailable, Fate::NotSent),
            "{error:?}"
        );
        assert!(error.message().contains(words), "{words}: {error:?}");
        assert!(error.hint_text().unwrap().contains("base_url") || words == "cannot be reached");
    }
    serving.abort();
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_write_whose_answer_was_lost_is_not() {
    let fine = || answer("200 OK", "{}");
    let (url, serving) = server(vec![Answer::Close, answer("503 Later", ""), fine()]).await;
    client(3)
        .send_as(&cx(), Repeat::Safe, get(&url))
        .await
        .unwrap();
    assert_eq!(serving.await.unwrap().len(), 3);
    for lost in [Answer::Close, Answer::Hang, answer("503 Later", "")] {
        let (url, serving) = server(vec![lost]).await;
        let error = client(3)
            .send_as(&cx(), Repeat::IfUnprocessed, get(&url))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "ACME_OUTCOME_UNKNOWN");
        serving.abort();
    }
    let (url, serving) = server(vec![answer("429 Slow", ""), fine()]).await;
    client(3)
        .send_as(&cx(), Repeat::IfUnprocessed, get(&url))
        .await
        .unwrap();
    assert_eq!(serving.await.unwrap().len(), 2);
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "it is never read")]
struct Thing {
    a: Inner,
}
#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "it is never read")]
struct Inner {
    b: u32,
}

#[tokio::test]
async fn an_answer_that_is_not_json_says_what_it_is() {
    let (url, serving) = server(vec![
        answer("200 OK\r\ncontent-type: text/html", "<html>CANARY</html>"),
        answer(
            "200 OK\r\ncontent-type: application/json",
            r#"{"a": {"b": "CANARY"}}"#,
        ),
    ])
    .await;
    let html = client(1).json::<Thing>(&cx(), get(&url)).await.unwrap_err();
    assert!(
        html.message().contains("an HTML page in place of JSON"),
        "{html}"
    );
    let wrong = client(1).json::<Thing>(&cx(), get(&url)).await.unwrap_err();
    assert!(wrong.message().contains("`a.b`"), "{wrong}");
    for error in [html, wrong] {
        assert_eq!(
            (error.kind(), error.what_became()),
            (Kind::BadUpstreamResponse, Fate::Unknown)
        );
        assert!(!error.wire(&Cx::local()).to_string().contains("CANARY"));
    }
    serving.abort();
}

#[tokio::test]
async fn cancelling_a_read_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let closed = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        tokio::time::timeout(secs(5), stream.read_to_end(&mut bytes))
            .await
            .is_ok()
    });
    let (client, cx) = (client(1), cx());
    let call = client.send_as(&cx, Repeat::Safe, get(&url));
    assert!(tokio::time::timeout(millis(100), call).await.is_err());
    assert!(closed.await.unwrap(), "the connection stayed open");
}

#[test]
fn a_preview_shows_everything_but_the_secrets() {
    let url = Url::parse("https://api.example/things").unwrap();
    let form = vec![
        ("To".to_owned(), "+1".to_owned()),
        ("Media".to_owned(), "a".to_owned()),
        ("Media".to_owned(), "b".to_owned()),
    ];
    let preview = get(&url).body(Body::Form(form)).preview();
    assert_eq!(
        preview,
        json!({
            "method": "GET",
            "url": "https://api.example/things",
            "headers": {"authorization": "***"},
            "form": {"To": "+1", "Media": ["a", "b"]},
        })
    );
    let preview = get(&url).body(Body::Json(json!({"a": [1]}))).preview();
    assert_eq!(preview["json"], json!({"a": [1]}));
}

#[test]
fn what_an_answer_says_about_waiting_is_read_with_care() {
    use business_tools_core::egress::Response as _;
    let response = |pairs: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        HttpResponse::new(StatusCode::OK, headers, bytes::Bytes::new())
    };
    let day = Duration::from_hours(24);
    for (text, wait) in [
        ("3", Some(secs(3))),
        ("0.5", Some(millis(500))),
        ("0", Some(Duration::ZERO)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("NaN", None),
        ("1e300", None),
        ("99999999999", Some(day)),
        ("Thu, 31 Dec 2099 23:59:59 GMT", Some(day)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ] {
        assert_eq!(
            response(&[("retry-after", text)]).retry_after(),
            wait,
            "{text}"
        );
    }
    let pause = |left: &str, reset: &str| {
        response(&[
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", reset),
        ])
        .pace()
        .pause
    };
    assert_eq!(pause("0", "9"), Some(secs(9)));
    assert_eq!(pause("1", "9"), None);
    assert_eq!(pause("0", "1795000000"), None, "a point in time");
    assert_eq!(pause("0", "-1"), None);
}
