//! The handler over HTTP in the same process: what the transport must not lose on the way.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use business_tools_core::Selection;
use business_tools_core::health::HealthBoard;
use business_tools_mcp::http::{Http, Options};
use business_tools_mcp::mcp;
use common::{Client, ERAS, Era, Person, World, params, value};
use http::{HeaderName, HeaderValue};
use rmcp::model::ElicitationAction;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Served {
    world: World,
    url: String,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Served {
    async fn new(options: Options) -> Self {
        let world = World::new(mcp::Options::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let http = Http::new(world.handler.clone(), HealthBoard::default(), options);
        let stopped = stop.clone();
        let ended = tokio::spawn(async move { http.serve(listener, stopped).await.unwrap() });
        Self {
            world,
            url,
            stop,
            ended,
        }
    }

    async fn client(
        &self,
        era: Era,
        person: Person,
        headers: &[(&'static str, &'static str)],
    ) -> Client {
        let headers: HashMap<_, _> = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .custom_headers(headers);
        Client::connect(
            StreamableHttpClientTransport::from_config(config),
            era,
            person,
        )
        .await
    }
}

#[tokio::test]
async fn a_person_is_asked_over_http_too() {
    let served = Served::new(Options::default()).await;
    for era in ERAS {
        let yes = served
            .client(era, Person::who(ElicitationAction::Accept), &[])
            .await;
        let done = yes.call("fake_remove_thing", json!({"id": "7"})).await;
        assert_eq!(value(&done)["name"], "removed", "{era:?}");
        assert_eq!(yes.person.asked(), ["Remove thing 7?"], "{era:?}");
        let no = served
            .client(era, Person::who(ElicitationAction::Decline), &[])
            .await;
        let declined = no.call("fake_remove_thing", json!({"id": "8"})).await;
        assert_eq!(
            value(&declined)["error"]["code"],
            "CONFIRMATION_DECLINED",
            "{era:?}"
        );
    }
    assert_eq!(served.world.removed(), ["7", "7"]);
}

#[tokio::test]
async fn without_sessions_a_legacy_client_is_not_asked_but_told() {
    let served = Served::new(Options {
        sessions: false,
        ..Options::default()
    })
    .await;
    let legacy = served
        .client(Era::Legacy, Person::who(ElicitationAction::Accept), &[])
        .await;
    let call = legacy.call("fake_remove_thing", json!({"id": "7"}));
    let refused = tokio::time::timeout(Duration::from_secs(2), call)
        .await
        .unwrap();
    let token = &value(&refused)["error"]["details"]["confirm_token"];
    let done = legacy
        .call(
            "fake_remove_thing",
            json!({"id": "7", "confirm_token": token}),
        )
        .await;
    assert_eq!(value(&done)["name"], "removed", "{refused:?}");

    let modern = served
        .client(Era::Modern, Person::who(ElicitationAction::Accept), &[])
        .await;
    let done = modern.call("fake_remove_thing", json!({"id": "8"})).await;
    assert_eq!(value(&done)["name"], "removed");
    assert_eq!(served.world.removed(), ["7", "8"]);
}

#[tokio::test]
async fn progress_arrives_before_the_result() {
    for sessions in [true, false] {
        let served = Served::new(Options {
            sessions,
            ..Options::default()
        })
        .await;
        for era in ERAS {
            let client = served.client(era, Person::default(), &[]).await;
            let result = client.call("fake_count_things", json!({"steps": 20})).await;
            assert_eq!(value(&result), json!({"count": 20}), "{era:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            let seen = client.person.progress.lock().unwrap().clone();
            assert!(seen.contains(&(0.0, Some(20.0))), "{era:?}: {seen:?}");
            assert!(seen.contains(&(20.0, Some(20.0))), "{era:?}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn headers_narrow_what_is_listed_and_called() {
    let served = Served::new(Options::default()).await;
    for era in ERAS {
        let headers = [
            ("x-bt-exclude", "fake_wait, fake_panic"),
            ("x-bt-readonly", "true"),
        ];
        let client = served.client(era, Person::default(), &headers).await;
        let list = client.running.list_tools(None).await.unwrap();
        let names: Vec<_> = list.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(
            names,
            [
                "fake_count_things",
                "fake_draw_thing",
                "fake_get_thing",
                "fake_list_things"
            ],
            "{era:?}"
        );
        let add = client.call("fake_add_thing", json!({"id": "7"})).await;
        assert_eq!(value(&add)["error"]["code"], "READ_ONLY", "{era:?}");
        let wait = client
            .running
            .call_tool(params("fake_wait", json!({"millis": 1})))
            .await;
        assert!(wait.is_err(), "{era:?}: an excluded tool is unknown");
    }
    // What the operator left out, no header brings back.
    let exclude = vec!["fake_wait".to_owned()];
    served.world.handler.registry().select(Selection {
        exclude,
        ..Selection::default()
    });
    let client = served
        .client(
            Era::Modern,
            Person::default(),
            &[("x-bt-tools", "fake_wait")],
        )
        .await;
    assert!(
        client
            .running
            .list_tools(None)
            .await
            .unwrap()
            .tools
            .is_empty()
    );
    let wait = client
        .running
        .call_tool(params("fake_wait", json!({"millis": 1})))
        .await;
    assert!(wait.is_err());
    assert_eq!(served.world.happened.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_runs_is_answered_before_the_end() {
    for era in ERAS {
        let served = Served::new(Options::default()).await;
        let client = served.client(era, Person::default(), &[]).await;
        let begun = &served.world.happened.begun;
        let stopping = async {
            while begun.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            served.stop.cancel();
        };
        let (result, ()) = tokio::join!(client.call("fake_wait", json!({"millis": 800})), stopping);
        assert_eq!(value(&result), json!({"count": 1}), "{era:?}");
        tokio::time::timeout(Duration::from_secs(5), served.ended)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn what_the_modern_generation_dropped_is_not_found_there() {
    let served = Served::new(Options::default()).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    for method in [
        "initialize",
        "logging/setLevel",
        "ping",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        let request =
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta}});
        let answer = reqwest::Client::builder()
            .build()
            .unwrap()
            .post(&served.url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .json(&request)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{method}");
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
}
