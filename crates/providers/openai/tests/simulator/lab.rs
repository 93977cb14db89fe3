//! What the tests share: a simulator of their own, a client, and the check of what went over the wire.

use std::thread;

use business_tools_openai::simulator;
use business_tools_sandbox::{FaultRule, Running, Sandbox, Seed};
use business_tools_testkit::{Contract, Exchange, Tap};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// A key like any other.
pub(crate) const KEY: &str = "sk-proj-0123456789abcdef0123";

/// A simulator, listened to. When it is dropped, every exchange must have been as described.
pub(crate) struct Lab {
    pub(crate) sandbox: Running,
    tap: Tap,
    described: bool,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

/// A part of a form: the field, the name of a file, and the value.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::seeded(Seed::Empty).await
    }

    pub(crate) async fn seeded(seed: Seed) -> Self {
        let tap = Tap::default();
        let any_port = ([127, 0, 0, 1], 0).into();
        let sandbox = Sandbox::new(vec![tap.on(simulator())]).seed(seed);
        let sandbox = sandbox.start(any_port);
        Self {
            sandbox: sandbox.await.unwrap(),
            tap,
            described: true,
        }
    }

    /// For what the description leaves out or tells wrong; the caller says what that is.
    pub(crate) fn beyond_the_description(mut self, _why: &str) -> Self {
        self.described = false;
        self
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<(&str, Vec<u8>)>,
    ) -> Answer {
        let url = format!("{}{path}", self.sandbox.base_url("openai"));
        let mut request = Client::builder().build().unwrap().request(method, url);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.unwrap();
        Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            bytes: answer.bytes().await.unwrap().into(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Some(KEY), None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Some(KEY), None).await
    }

    /// Posts a JSON body, or none for null.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let json = ("application/json", body.to_string().into_bytes());
        let body = (!body.is_null()).then_some(json);
        self.send(Method::POST, path, Some(KEY), body).await
    }

    pub(crate) async fn form(&self, path: &str, parts: &[Part<'_>]) -> Answer {
        let mut body = Vec::new();
        for (name, file, value) in parts {
            let file = file.map(|file| format!("; filename=\"{file}\""));
            let file = file.unwrap_or_default();
            let head =
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend(head.as_bytes());
            body.extend(*value);
            body.extend(b"\r\n");
        }
        body.extend(b"--XX--\r\n");
        let body = ("multipart/form-data; boundary=XX", body);
        self.send(Method::POST, path, Some(KEY), Some(body)).await
    }

    /// Arms a fault.
    pub(crate) fn fault(&self, rule: FaultRule) {
        self.sandbox.switchboard().inject(rule);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() || !self.described {
            return;
        }
        let exchanges = self.tap.exchanges();
        let described: Vec<Exchange> = exchanges.into_iter().filter(is_described).collect();
        if let Some(contract) = Contract::shared("openai", |contract| contract) {
            contract.check_all("openai", &described);
        }
    }
}

/// The description leaves these out.
fn is_described(exchange: &Exchange) -> bool {
    let Exchange {
        method,
        path,
        status,
        answer_type,
        ..
    } = exchange;
    // It shows this error without the `error` around it, which no other error is.
    let bare = *status == 404 && path.starts_with("/responses/") && method != "GET";
    let file = path.ends_with("/content");
    // Text and subtitles.
    let transcript = path.starts_with("/audio/trans") && answer_type == "text/plain";
    !(bare || file || transcript)
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.bytes));
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    /// The body of an answer that must be good.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().unwrap()
    }

    /// Checks a refusal; `param` and `code` are empty where they are null.
    pub(crate) fn refused(&self, status: u16, param: &str, code: &str) -> String {
        let body = self.json();
        let error = &body["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        assert_eq!(
            (self.status.as_u16(), text("param"), text("code")),
            (status, param, code),
            "{body}"
        );
        for name in ["message", "type", "param", "code"] {
            assert!(error.get(name).is_some(), "no {name}: {body}");
        }
        text("message").to_owned()
    }
}
