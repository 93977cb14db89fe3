//! Status callbacks, as an application on this machine receives them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use business_tools_sandbox::axum::Router;
use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::State;
use business_tools_sandbox::axum::http::{HeaderMap, Method, StatusCode, Uri};
use business_tools_sandbox::{Form, axum};
use business_tools_testkit::{Person, World};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{ACCOUNT, FROM, SERVICE, TO, client, path, sid, world};

/// The token of the account of the sandbox, which signs.
const TOKEN: &str = "5a4db0c05a4db0c05a4db0c05a4db0c0";

/// A request that an application got.
#[derive(Debug)]
struct Heard {
    method: Method,
    target: String,
    headers: HeaderMap,
    form: Form,
}

impl Heard {
    fn get(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    fn signature(&self) -> &str {
        self.headers["x-twilio-signature"].to_str().unwrap()
    }
}

/// An application that waits for callbacks.
struct Application {
    base: String,
    heard: UnboundedReceiver<Heard>,
}

impl Application {
    async fn start(status: StatusCode) -> Self {
        let (tell, heard) = unbounded_channel();
        let answer = move |State(tell): State<UnboundedSender<Heard>>,
                           method: Method,
                           uri: Uri,
                           headers: HeaderMap,
                           body: Bytes| async move {
            let form = match method {
                Method::GET => Form::parse(uri.query().unwrap_or_default()),
                _ => Form::parse(&body),
            };
            let target = uri.to_string();
            // The test may be over.
            let _ = tell.send(Heard {
                method,
                target,
                headers,
                form,
            });
            status
        };
        let router = Router::new().fallback(answer).with_state(tell);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, heard }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn next(&mut self) -> Heard {
        let heard = tokio::time::timeout(Duration::from_secs(10), self.heard.recv()).await;
        heard.expect("a callback comes").unwrap()
    }

    /// The next ones, checked, by what `name` says in them.
    async fn told(&mut self, name: &str, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..count {
            let heard = self.next().await;
            assert_signed(&heard, &self.base);
            told.push(heard.get(name).to_owned());
        }
        told
    }
}

/// HMAC by the book, so that nothing of the simulator checks itself.
fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        key.iter().zip(&mut block).for_each(|(k, b)| *b ^= k);
        block
    };
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(data);
    let outer = Sha1::new().chain_update(pad(0x5c));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

fn assert_signed(heard: &Heard, base: &str) {
    let mut data = format!("{base}{}", heard.target);
    if heard.method == Method::POST {
        let sorted: BTreeMap<_, _> = heard.form.iter().collect();
        for (name, value) in sorted {
            data.push_str(name);
            data.push_str(value);
        }
    }
    let right =
        base64::engine::general_purpose::STANDARD.encode(hmac(TOKEN.as_bytes(), data.as_bytes()));
    assert_eq!(heard.signature(), right, "{heard:?}");
}

fn message(callback: &str) -> Value {
    json!({"to": TO, "from": FROM, "body": "Hello", "status_callback": callback})
}

fn call(callback: &str, events: &[&str]) -> Value {
    let mut call = json!({"to": TO, "from": FROM, "twiml": "<Response/>", "record": true,
                          "status_callback": callback});
    if !events.is_empty() {
        call["status_callback_event"] = json!(events);
    }
    call
}

async fn list(world: &World) -> Value {
    let url = format!(
        "http://{}/_sandbox/callbacks?provider=twilio",
        world.sandbox.http
    );
    let answer = client().get(url).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_message_tells_each_state_it_comes_to_and_signs_it() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let made = world
        .ok("twilio_send_message", message(&app.url("/hook?shop=a%20b")))
        .await;
    let first = app.next().await;
    assert_signed(&first, &app.base);
    assert_eq!(
        (&first.method, first.target.as_str()),
        (&Method::POST, "/hook?shop=a%20b")
    );
    let names: Vec<_> = first.form.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "SmsSid",
            "SmsStatus",
            "MessageStatus",
            "To",
            "MessageSid",
            "AccountSid",
            "From",
            "ApiVersion"
        ]
    );
    assert_eq!(first.get("MessageSid"), sid(&made));
    assert_eq!(
        (first.get("AccountSid"), first.get("To"), first.get("From")),
        (ACCOUNT, TO, FROM)
    );
    assert_eq!(first.get("MessageStatus"), "queued");
    assert!(first.headers.contains_key("i-twilio-idempotency-token"));
    assert_eq!(
        app.told("MessageStatus", 3).await,
        ["sending", "sent", "delivered"]
    );
}

#[tokio::test]
async fn a_scheduled_message_tells_when_it_is_cancelled_and_nothing_before() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let later = json!({"to": TO, "messaging_service_sid": SERVICE, "body": "Later",
                       "send_at": "2030-01-31T12:00:00Z", "status_callback": app.url("/")});
    let made = world.ok("twilio_send_message", later).await;
    let yes = Person::who_says_yes();
    let cancel = json!({"sid": sid(&made)});
    world
        .call_with(&yes, "twilio_cancel_message", cancel)
        .await
        .unwrap();
    let heard = app.next().await;
    assert_eq!(
        (heard.get("MessageStatus"), heard.get("MessagingServiceSid")),
        ("canceled", SERVICE)
    );
}

#[tokio::test]
async fn a_call_tells_the_events_that_were_asked_for_in_their_order() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let events = ["initiated", "ringing", "answered", "completed"];
    let made = world
        .ok("twilio_make_call", call(&app.url("/"), &events))
        .await;
    assert_eq!(
        app.told("CallStatus", 3).await,
        ["initiated", "ringing", "in-progress"]
    );
    let yes = Person::who_says_yes();
    let end = json!({"sid": sid(&made)});
    world.call_with(&yes, "twilio_end_call", end).await.unwrap();
    let last = app.next().await;
    assert_signed(&last, &app.base);
    assert_eq!(
        (last.get("CallStatus"), last.get("SequenceNumber")),
        ("completed", "3")
    );
    assert_eq!(last.get("CallSid"), sid(&made));
    assert_eq!(last.get("CallDuration"), "3");
    assert!(last.get("RecordingSid").starts_with("RE"));
}

#[tokio::test]
async fn without_events_only_the_end_of_a_call_is_told() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let made = world.ok("twilio_make_call", call(&app.url("/"), &[])).await;
    let yes = Person::who_says_yes();
    let end = json!({"sid": sid(&made)});
    world.call_with(&yes, "twilio_end_call", end).await.unwrap();
    let only = app.next().await;
    assert_eq!(
        (only.get("CallStatus"), only.get("SequenceNumber")),
        ("completed", "0")
    );
}

#[tokio::test]
async fn a_get_carries_everything_in_its_query_and_signs_that() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let url = app.url("/hook?a=1");
    let form = [
        ("To", TO),
        ("From", FROM),
        ("Twiml", "<Response/>"),
        ("StatusCallback", &url),
        ("StatusCallbackMethod", "GET"),
        ("StatusCallbackEvent", "ringing"),
    ];
    let target = format!("{}{}", world.sandbox.base_url("twilio"), path("Calls.json"));
    let request = client().post(target).basic_auth(ACCOUNT, Some(TOKEN));
    assert_eq!(request.form(&form).send().await.unwrap().status(), 201);
    let heard = app.next().await;
    assert_signed(&heard, &app.base);
    assert_eq!(heard.method, Method::GET);
    assert!(heard.target.starts_with("/hook?a=1&"), "{}", heard.target);
    assert_eq!(heard.get("CallStatus"), "ringing");
}

#[tokio::test]
async fn what_was_sent_is_listed_without_its_signature() {
    let (world, mut app) = (
        world().await,
        Application::start(StatusCode::IM_A_TEAPOT).await,
    );
    world
        .ok("twilio_send_message", message(&app.url("/?token=t0p")))
        .await;
    assert_eq!(app.told("MessageStatus", 4).await.len(), 4);
    // The application has heard the last one; its answer may still be on its way.
    let listed = loop {
        let listed = list(&world).await;
        if listed["callbacks"][3]["status"].is_number() {
            break listed;
        }
    };
    let all = listed["callbacks"].as_array().unwrap();
    assert_eq!(all.len(), 4, "an error status is not tried again: {listed}");
    assert_eq!(
        (&all[3]["provider"], &all[3]["method"], &all[3]["status"]),
        (&json!("twilio"), &json!("POST"), &json!(418))
    );
    assert!(
        all[3]["body"]
            .as_str()
            .unwrap()
            .contains("MessageStatus=delivered")
    );
    assert_eq!(all[3]["url"], app.url("/?token=***"));
    assert!(
        listed
            .to_string()
            .contains(r#"["x-twilio-signature","***"]"#)
    );
    assert!(!listed.to_string().contains("t0p"));
    let described = client()
        .get(format!("http://{}/_sandbox", world.sandbox.http))
        .send();
    let described = described.await.unwrap().text().await.unwrap();
    assert!(!described.contains(TOKEN), "{described}");
}

#[tokio::test]
async fn nothing_leaves_the_machine_and_a_closed_door_is_tried_once_more() {
    let world = world().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    for (url, times, error) in [
        ("http://192.0.2.1/hook", 1, "loopback only"),
        ("https://example.com/hook", 1, "not an http URL"),
        (nobody.as_str(), 2, "nobody listens"),
    ] {
        world.ok("twilio_send_message", message(url)).await;
        let all = loop {
            let listed = list(&world).await;
            let all = listed["callbacks"].as_array().unwrap().clone();
            let done = all.len() == 4 * times && all.iter().all(|sent| sent["error"].is_string());
            if done {
                break all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        for sent in all {
            let told = sent["error"].as_str().unwrap();
            assert!(told.contains(error), "{told}");
        }
        world.sandbox.reset().await;
    }
}

#[tokio::test]
async fn a_reset_ends_what_was_to_be_told() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    world
        .ok("twilio_send_message", message(&app.url("/")))
        .await;
    app.next().await;
    world.sandbox.reset().await;
    assert!(world.sandbox.callbacks().is_empty());
    // Its own states would come in less than a second.
    let more = tokio::time::timeout(Duration::from_millis(1500), app.heard.recv()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn what_does_not_arrive_says_why() {
    let (world, mut app) = (world().await, Application::start(StatusCode::OK).await);
    let mut lost = message(&app.url("/"));
    lost["to"] = "+15005550010".into();
    world.ok("twilio_send_message", lost).await;
    assert_eq!(app.told("ErrorCode", 3).await, ["", "", ""]);
    let end = app.next().await;
    assert_eq!(
        (end.get("MessageStatus"), end.get("ErrorCode")),
        ("undelivered", "30003")
    );
    let mut engaged = call(&app.url("/"), &[]);
    engaged["to"] = "+15005550012".into();
    world.ok("twilio_make_call", engaged).await;
    assert_eq!(app.told("CallStatus", 1).await, ["busy"]);
}
