//! A running simulator and a client of it.

use std::sync::OnceLock;

use business_tools_hubspot::simulator;
use business_tools_sandbox::{FaultRule, Running, Sandbox, Seed};
use business_tools_testkit::{Contract, Exchange, Tap};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Map, Value, json};

pub(crate) const TOKEN: &str = "pat-na1-11111111-2222-4333-8444-555555555555";

/// Members that HubSpot's documentation shows and its description forgets.
const ALSO: &[&str] = &["/status", "/errorType", "/policyName", "/requestId"];

/// HubSpot's own description, if it is at hand.
pub(crate) fn contract() -> Option<&'static Contract> {
    static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
    let contract =
        CONTRACT.get_or_init(|| Contract::of("hubspot").map(|contract| contract.also(ALSO)));
    contract.as_ref()
}

pub(crate) struct Hub {
    pub(crate) running: Running,
    tap: Tap,
    http: Client,
    token: String,
}

/// What came back.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn hub() -> Hub {
    seeded(Seed::Empty).await
}

pub(crate) async fn seeded(seed: Seed) -> Hub {
    let tap = Tap::default();
    let sandbox = Sandbox::new(vec![tap.on(simulator())]).seed(seed);
    Hub {
        running: sandbox.start(([127, 0, 0, 1], 0).into()).await.unwrap(),
        tap,
        http: Client::builder().build().unwrap(),
        token: TOKEN.to_owned(),
    }
}

impl Hub {
    /// The same simulator with another token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url("hubspot"))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Seen {
        let request = self.request(method, path).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.finish(request).await
    }

    pub(crate) async fn finish(&self, request: reqwest::RequestBuilder) -> Seen {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        self.check();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Seen {
            status,
            headers,
            body,
        }
    }

    /// The last answer has the described form.
    fn check(&self) {
        let (Some(contract), Some(last)) = (contract(), self.tap.exchanges().pop()) else {
            return;
        };
        // What is not in the description is there for the SDK.
        let faults = contract.check(&last).into_iter();
        let faults: Vec<String> = faults.filter(|fault| fault.contains("answer")).collect();
        assert!(
            faults.is_empty(),
            "{} {}: {faults:#?}",
            last.method,
            last.path
        );
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.tap.exchanges()
    }

    pub(crate) fn fault(&self, mut rule: Value) {
        rule["provider"] = "hubspot".into();
        let rule: FaultRule = serde_json::from_value(rule).unwrap();
        self.running.switchboard().inject(rule);
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let seen = self.send(Method::GET, path, None).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
        seen.body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Seen {
        self.send(Method::POST, path, Some(&body)).await
    }

    /// Creates an object and says its id.
    pub(crate) async fn create(&self, kind: &str, properties: Value) -> String {
        self.create_linked(kind, properties, json!([])).await
    }

    pub(crate) async fn create_linked(
        &self,
        kind: &str,
        properties: Value,
        associations: Value,
    ) -> String {
        let body = json!({"properties": properties, "associations": associations});
        let seen = self.post(&objects(kind), body).await;
        assert_eq!(seen.status, 201, "{}", seen.body);
        seen.body["id"].as_str().unwrap().to_owned()
    }

    /// The refusal of a request: status, category and message.
    pub(crate) async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, String, Value) {
        let seen = self.send(method, path, body).await;
        assert!(
            seen.status.as_u16() >= 400,
            "{path} was not refused: {}",
            seen.body
        );
        let correlation = seen.body["correlationId"].as_str().unwrap();
        assert_eq!(seen.headers["x-hubspot-correlation-id"], correlation);
        assert_eq!(seen.body["status"], "error");
        let category = seen.body["category"].as_str().unwrap().to_owned();
        (seen.status.as_u16(), category, seen.body)
    }

    /// The names of the results of a search, by a property.
    pub(crate) async fn found(&self, kind: &str, search: Value, property: &str) -> Vec<String> {
        let seen = self
            .post(&format!("{}/search", objects(kind)), search)
            .await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        named(&seen.body, property)
    }
}

pub(crate) fn named(page: &Value, property: &str) -> Vec<String> {
    let results = page["results"].as_array().unwrap().iter();
    let name = |record: &Value| record["properties"][property].as_str().unwrap().to_owned();
    results.map(name).collect()
}

pub(crate) fn objects(kind: &str) -> String {
    format!("/crm/objects/2026-09/{kind}")
}

/// A search as the description wants it: with everything.
pub(crate) fn search(parts: Value) -> Value {
    let mut search =
        json!({"filterGroups": [], "sorts": [], "properties": [], "limit": 100, "after": "0"});
    let Value::Object(parts) = parts else {
        panic!("a search has parts");
    };
    search
        .as_object_mut()
        .unwrap()
        .extend::<Map<String, Value>>(parts);
    search
}

/// A search with one filter.
pub(crate) fn filter(property: &str, operator: &str, rest: Value) -> Value {
    let mut filter = json!({"propertyName": property, "operator": operator});
    if let Value::Object(rest) = rest {
        filter.as_object_mut().unwrap().extend(rest);
    }
    filter
}
