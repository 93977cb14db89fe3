//! What callers name: URLs that are fetched, files that are uploaded; and tokens that grow old.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "http")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use business_tools_core::egress::Request as _;
use business_tools_core::egress::transport::{
    Body, Http, HttpRequest, HttpResponse, Part, PrivateHosts,
};
use business_tools_core::files::Files;
use business_tools_core::http::{HeaderValue, Method};
use business_tools_core::token::TokenSource;
use business_tools_core::{
    Backoff, Cx, Env, Error, Info, Kind, Policy, Principal, Provider, Result, Secret, Upstream,
    millis,
};
use common::Acme;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

static INFO: Info = Acme::INFO;

/// Answers each connection with the next of these heads and bodies; gives the requests, whole.
async fn server(answers: Vec<String>) -> (Url, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/files/a.txt", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            // A request with a body says how long it is; one without ends with its head.
            loop {
                let mut part = vec![0; 64 << 10];
                let n = stream.read(&mut part).await.unwrap();
                request.push_str(&String::from_utf8_lossy(&part[..n]));
                let Some((head, body)) = request.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |n| n.parse::<usize>().unwrap());
                if body.len() >= length {
                    break;
                }
            }
            requests.push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap_or_default();
        }
        requests
    });
    (Url::parse(&url).unwrap(), serving)
}

fn answer(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn map(response: &HttpResponse) -> Error {
    response.error("Acme says no")
}

fn upstream(env: Env) -> Upstream {
    let policy = Policy {
        attempt_timeout: millis(2000),
        retry: Backoff {
            base: millis(1),
            ..Policy::DEFAULT.retry
        },
        ..Policy::DEFAULT
    };
    Upstream::new(&INFO, policy, env)
}

fn said(error: &Error) -> String {
    error.details()["faults"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
        + error.message()
}

#[tokio::test]
async fn a_url_is_fetched_whole_with_its_type_and_name() {
    let (url, serving) = server(vec![
        answer("302 There\r\nlocation: /there/b.wav", ""),
        answer("200 OK\r\ncontent-type: audio/WAV; x=1", "RIFF"),
    ])
    .await;
    let fetcher = upstream(Env::alone().allow_private_fetch()).fetcher();
    let got = fetcher.get(&Cx::local(), "/url", &url, 4).await.unwrap();
    assert_eq!(got.bytes.as_ref(), b"RIFF");
    assert_eq!(got.media_type.as_deref(), Some("audio/wav"));
    assert_eq!(got.name.as_deref(), Some("b.wav"));
    let requests = serving.await.unwrap();
    assert!(requests[1].starts_with("GET /there/b.wav "), "{requests:?}");
}

#[tokio::test]
async fn private_addresses_are_refused_directly_by_name_and_by_redirect() {
    let fetcher = upstream(Env::alone()).fetcher();
    for url in [
        "http://127.0.0.1:9/x",
        "http://0x7f.1/x",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
    ] {
        let url = Url::parse(url).unwrap();
        let error = fetcher
            .get(&Cx::local(), "/url", &url, 9)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArguments, "{url}: {error:?}");
        assert!(said(&error).contains("not public"), "{url}: {error:?}");
        assert!(!error.wire(&Cx::local()).to_string().contains("meta-data"));
    }
    // The first host is trusted, by the name that the URL gives it; where it sends the fetcher is not.
    let (url, serving) = server(vec![answer(
        "302 There\r\nlocation: http://127.0.0.2:9/x",
        "",
    )])
    .await;
    let mut env = Env::alone();
    env.private_hosts = PrivateHosts::Named(vec!["127.0.0.1".to_owned()].into());
    let fetcher = upstream(env).fetcher();
    let error = fetcher
        .get(&Cx::local(), "/url", &url, 9)
        .await
        .unwrap_err();
    assert!(said(&error).contains("not public"), "{error:?}");
    assert_eq!(serving.await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_plain_url_too_large_or_endless_is_refused() {
    let fetcher = upstream(Env::alone().allow_private_fetch()).fetcher();
    for url in [
        "ftp://example.com/x",
        "file:///etc/passwd",
        "https://a:b@example.com/",
    ] {
        let url = Url::parse(url).unwrap();
        let error = fetcher
            .get(&Cx::local(), "/url", &url, 9)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArguments, "{url}");
    }
    let endless = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789".to_owned();
    let circle = || answer("302 There\r\nlocation: /files/a.txt", "");
    for (answers, words) in [
        (vec![answer("200 OK", "0123456789")], "the most"),
        (vec![endless], "the most"),
        (vec![answer("404 Gone", "")], "status 404"),
        (vec![answer("302 There", "")], "nowhere"),
        ((0..6).map(|_| circle()).collect(), "too often"),
    ] {
        let (url, _serving) = server(answers).await;
        let error = fetcher
            .get(&Cx::local(), "/url", &url, 9)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArguments, "{words}: {error:?}");
        assert!(said(&error).contains(words), "{words}: {error:?}");
    }
}

#[tokio::test]
async fn a_file_is_streamed_into_a_form_anew_for_each_attempt() {
    let folder = std::env::temp_dir().join(format!("bt-upload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("call.wav");
    std::fs::write(&path, b"RIFF-CONTENT").unwrap();
    let file = Files::of([folder.clone()])
        .open("/path", path.to_str().unwrap(), 1 << 20)
        .await
        .unwrap();
    let (url, serving) = server(vec![answer("503 Later", ""), answer("200 OK", "{}")]).await;
    let request = HttpRequest::new(Method::POST, url).body(Body::Multipart(vec![
        Part::text("model", "m"),
        Part::file("file", file),
        Part::bytes(
            "mask",
            "m.png",
            HeaderValue::from_static("image/png"),
            (&b"PNG-CONTENT"[..]).into(),
        ),
    ]));
    assert_eq!(
        request.preview()["multipart"],
        json!([
            {"name": "model", "text": "m"},
            {"name": "file", "file_name": "call.wav", "media_type": "audio/wav", "bytes": 12},
            {"name": "mask", "file_name": "m.png", "media_type": "image/png", "bytes": 11},
        ])
    );
    let http = Http::new(&upstream(Env::alone()), map);
    http.send(&Cx::local(), request).await.unwrap();
    let requests = serving.await.unwrap();
    assert_eq!(requests.len(), 2);
    for request in requests {
        for part in [
            "name=\"model\"\r\n\r\nm\r\n",
            "name=\"file\"; filename=\"call.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF-CONTENT\r\n",
            "name=\"mask\"; filename=\"m.png\"\r\nContent-Type: image/png\r\n\r\nPNG-CONTENT\r\n",
        ] {
            assert!(request.contains(part), "{request}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Tokens `token-1`, `token-2`, …: a new one after each refusal, as long as there are any.
struct Tokens {
    now: AtomicUsize,
    last: usize,
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self, provider: &'static str, cx: &Cx) -> Result<Secret> {
        assert_eq!((provider, cx.account()), ("acme", "default"));
        let now = self.now.load(Ordering::Relaxed);
        Ok(Secret::new(format!("token-{now}")))
    }

    async fn refused(&self, _: &'static str, _: &Cx, token: &Secret) -> bool {
        let now = self.now.load(Ordering::Relaxed);
        assert_eq!(token.expose(), format!("token-{now}"));
        now < self.last && self.now.fetch_add(1, Ordering::Relaxed) < self.last
    }
}

async fn with_tokens(last: usize, answers: Vec<String>) -> (Result<HttpResponse>, Vec<String>) {
    let mut env = Env::alone();
    env.tokens = Some(Arc::new(Tokens {
        now: AtomicUsize::new(1),
        last,
    }));
    let upstream = upstream(env);
    let tokens = upstream.tokens(None).unwrap();
    let (url, serving) = server(answers).await;
    let http = Http::new(&upstream, map);
    let request = HttpRequest::new(Method::POST, url).bearer(&tokens);
    assert_eq!(request.preview()["headers"]["authorization"], "***");
    let cx = Cx::builder(Principal::local()).build();
    let outcome = http
        .send_as(&cx, business_tools_core::Repeat::IfUnprocessed, request)
        .await;
    serving.abort();
    let requests = serving.await.unwrap_or_default();
    (outcome, requests)
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_even_for_a_write() {
    let no = || answer("401 No", "");
    let (outcome, requests) = with_tokens(9, vec![no(), answer("200 OK", "{}")]).await;
    outcome.unwrap();
    assert!(requests.is_empty() || requests[1].contains("authorization: Bearer token-2"));
    // A second refusal is the provider's answer, whatever the source still has.
    let (outcome, _) = with_tokens(9, vec![no(), no(), answer("200 OK", "{}")]).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), "ACME_AUTH_FAILED");
    assert_eq!(error.details()["attempts"], 2);
    let (outcome, _) = with_tokens(1, vec![no(), answer("200 OK", "{}")]).await;
    assert_eq!(outcome.unwrap_err().kind(), Kind::AuthFailed);
}

#[tokio::test]
async fn an_account_without_a_token_is_not_configured_and_a_fixed_one_goes_before_the_worlds() {
    let error = upstream(Env::alone()).tokens(None).err().unwrap();
    assert_eq!(error.kind(), Kind::NotConfigured);
    let (url, serving) = server(vec![answer("200 OK", "{}")]).await;
    let upstream = upstream(Env::alone());
    let tokens = upstream.tokens(Some(Secret::new("pat-1"))).unwrap();
    Http::new(&upstream, map)
        .send(
            &Cx::local(),
            HttpRequest::new(Method::GET, url).bearer(&tokens),
        )
        .await
        .unwrap();
    let requests = serving.await.unwrap();
    assert!(
        requests[0].contains("authorization: Bearer pat-1\r\n"),
        "{requests:?}"
    );
}
