//! Checks what went over the wire against a provider's own description, where one is at hand.
//!
//! Descriptions are OpenAPI documents, `twilio.json`, in the folder that `CONTRACTS_DIR` names, or else in a
//! folder of shared specifications beside the checkout. Without one the check says so and passes.

mod media;
mod schema;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::Exchange;
use schema::{Examples, Schemas, deref};

/// The members of a path item that are operations.
const METHODS: &[&str] = &["get", "put", "post", "delete", "patch", "head", "options"];

/// The description of one provider.
pub struct Contract {
    document: Value,
    schemas: Schemas,
    also: Vec<String>,
    beyond: Vec<String>,
}

/// A path of the description that fits, with what stands in its places.
struct Found<'a> {
    template: &'a str,
    item: &'a Value,
    values: Vec<(&'a str, String)>,
}

impl Contract {
    /// The description of a provider; `None`, said aloud, if there is none.
    pub fn of(provider: &str) -> Option<Self> {
        let path = folder().join(format!("{provider}.json"));
        if !path.is_file() {
            println!(
                "contract of {provider}: skipped: no descriptions at {}",
                path.display()
            );
            return None;
        }
        let text = std::fs::read(&path).expect("the description can be read");
        Some(Self::new(
            serde_json::from_slice(&text).expect("the description is JSON"),
        ))
    }

    /// The description of a provider, read once for all the tests of a process; the first of them says what its
    /// deviations are.
    pub fn shared(
        provider: &'static str,
        deviations: impl FnOnce(Self) -> Self,
    ) -> Option<Arc<Self>> {
        static READ: Mutex<BTreeMap<&str, Option<Arc<Contract>>>> = Mutex::new(BTreeMap::new());
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let found = read.entry(provider);
        found
            .or_insert_with(|| Self::of(provider).map(deviations).map(Arc::new))
            .clone()
    }

    /// A description.
    pub fn new(document: Value) -> Self {
        let schemas = Schemas::new(&document);
        Self {
            document,
            schemas,
            also: Vec::new(),
            beyond: Vec::new(),
        }
    }

    /// The provider answers with these members as well, as its documentation shows and its description forgets:
    /// `/status`.
    pub fn also(mut self, members: &[&str]) -> Self {
        self.also.extend(members.iter().map(|at| (*at).to_owned()));
        self
    }

    /// The provider has paths that begin like this as well, as its documentation shows and its description forgets.
    pub fn beyond(mut self, paths: &[&str]) -> Self {
        self.beyond.extend(paths.iter().map(|at| (*at).to_owned()));
        self
    }

    /// Checks every exchange, prints how many, and panics with every fault.
    pub fn check_all(&self, provider: &str, exchanges: &[Exchange]) {
        let faults = self.faults(exchanges);
        println!(
            "contract of {provider}: {} exchanges checked",
            exchanges.len()
        );
        assert!(
            faults.is_empty(),
            "the contract is broken:\n{}",
            faults.join("\n")
        );
    }

    /// What is wrong with exchanges, each fault once.
    pub fn faults(&self, exchanges: &[Exchange]) -> Vec<String> {
        let mut faults = Vec::new();
        for exchange in exchanges {
            let Exchange {
                method,
                path,
                status,
                ..
            } = exchange;
            let found = self.check(exchange);
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{method} {path} -> {status}: {fault}")),
            );
        }
        faults.sort();
        faults.dedup();
        faults
    }

    /// What is wrong with an exchange: both with the request and with the answer.
    pub fn check(&self, exchange: &Exchange) -> Vec<String> {
        let Some(found) = self.find(&exchange.path) else {
            // A path that the description does not have may only be refused.
            let beyond = |path: &String| exchange.path.starts_with(path);
            return match exchange.status {
                404 => Vec::new(),
                _ if self.beyond.iter().any(beyond) => Vec::new(),
                _ => vec!["the description has no such path".to_owned()],
            };
        };
        let method = exchange.method.to_ascii_lowercase();
        let Some(operation) = METHODS
            .contains(&&*method)
            .then(|| found.item.get(&method))
            .flatten()
        else {
            return match exchange.status {
                404 | 405 => Vec::new(),
                _ => vec![format!("{} has no such method", found.template)],
            };
        };
        let mut faults = Vec::new();
        // What was refused may have been wrong: then only the refusal counts.
        if exchange.status < 400 {
            self.check_parameters(&found, operation, exchange, &mut faults);
            self.check_body(operation, exchange, &mut faults);
        }
        self.check_answer(operation, exchange, &mut faults);
        faults
    }

    /// The path with the most literal segments that fits.
    fn find(&self, path: &str) -> Option<Found<'_>> {
        let paths = self.document.get("paths")?.as_object()?;
        paths
            .iter()
            .filter_map(|(template, item)| {
                let values = text::fit(template, path)?;
                Some(Found {
                    template,
                    item,
                    values,
                })
            })
            .min_by_key(|found| found.values.len())
    }

    fn check_parameters(
        &self,
        found: &Found<'_>,
        operation: &Value,
        exchange: &Exchange,
        faults: &mut Vec<String>,
    ) {
        let lists = [found.item.get("parameters"), operation.get("parameters")];
        let declared: Vec<&Value> = lists
            .into_iter()
            .flatten()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| deref(&self.document, parameter))
            .collect();
        let named = |place: &str, name: &str| {
            declared
                .iter()
                .find(|parameter| parameter["in"] == place && parameter["name"] == name)
        };
        let none = Examples::default();
        let query = text::pairs(&exchange.query);
        for (name, values) in &query {
            match named("query", name) {
                Some(parameter) => {
                    let value = text::read(&self.schemas, &parameter["schema"], values);
                    let wrong = self.schemas.faults(&parameter["schema"], &value, &none);
                    faults.extend(
                        wrong
                            .into_iter()
                            .map(|fault| format!("query {name}: {fault}")),
                    );
                }
                None => faults.push(format!("query {name} is not a parameter")),
            }
        }
        for (name, value) in &found.values {
            if let Some(parameter) = named("path", name) {
                let value = text::read(
                    &self.schemas,
                    &parameter["schema"],
                    std::slice::from_ref(value),
                );
                let wrong = self.schemas.faults(&parameter["schema"], &value, &none);
                faults.extend(
                    wrong
                        .into_iter()
                        .map(|fault| format!("path {name}: {fault}")),
                );
            }
        }
        let header = |name: &str| {
            let mut all = exchange.headers.iter();
            let found = all.find(|(given, _)| given.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        };
        for parameter in &declared {
            let name = parameter["name"].as_str().unwrap_or_default();
            let (place, given) = match parameter["in"].as_str() {
                Some("query") => ("query", query.iter().any(|(given, _)| given == name)),
                Some("header") => ("header", header(name).is_some()),
                _ => continue,
            };
            if parameter["required"] == true && !given {
                faults.push(format!("{place} {name} is required"));
            }
            // What came in the query is looked at above.
            if place == "header"
                && let Some(value) = header(name)
            {
                let value = std::slice::from_ref(value);
                let value = text::read(&self.schemas, &parameter["schema"], value);
                let wrong = self.schemas.faults(&parameter["schema"], &value, &none);
                faults.extend(
                    wrong
                        .into_iter()
                        .map(|fault| format!("header {name}: {fault}")),
                );
            }
        }
    }

    fn check_body(&self, operation: &Value, exchange: &Exchange, faults: &mut Vec<String>) {
        let Some(body) = operation.get("requestBody") else {
            if !exchange.body.is_empty() {
                faults.push("the request has no body in the description".to_owned());
            }
            return;
        };
        let body = deref(&self.document, body);
        if exchange.body.is_empty() {
            if body["required"] == true {
                faults.push("the request lacks its body".to_owned());
            }
            return;
        }
        let media = body.pointer(&content(&exchange.content_type));
        let Some(schema) = media.and_then(|media| media.get("schema")) else {
            faults.push(format!(
                "a body of type `{}` is not described",
                exchange.content_type
            ));
            return;
        };
        let value = match &*exchange.content_type {
            text::FORM => {
                let form = text::pairs(&String::from_utf8_lossy(&exchange.body));
                text::read_form(&self.schemas, schema, &form)
            }
            media::MULTIPART => match media::form(&self.schemas, schema, &exchange.body) {
                Ok(value) => value,
                Err(fault) => {
                    faults.push(format!("the form cannot be read: {fault}"));
                    return;
                }
            },
            _ => serde_json::from_slice(&exchange.body).unwrap_or(Value::Null),
        };
        let none = Examples::default();
        let wrong = self.schemas.faults(schema, &value, &none);
        faults.extend(wrong.into_iter().map(|fault| format!("body {fault}")));
        let extra = self.schemas.unknown(schema, &value, &none);
        faults.extend(
            extra
                .into_iter()
                .map(|name| format!("body {name} is not described")),
        );
    }

    fn check_answer(&self, operation: &Value, exchange: &Exchange, faults: &mut Vec<String>) {
        let responses = &operation["responses"];
        let status = exchange.status.to_string();
        let range = format!("{}XX", exchange.status / 100);
        let listed = |keys: &[&str]| keys.iter().find_map(|key| responses.get(*key));
        let response = match exchange.status {
            // A batch of which a part failed has the form of one that did not.
            207 => listed(&["207", "200", "201"]),
            // Whatever is said of it, there is nothing to check; and some list errors alone.
            204 if exchange.answer.is_empty() && listed(&["204", "2XX", "default"]).is_some() => {
                return;
            }
            _ => listed(&[&status, &range, "default"]),
        };
        let mut examples = Examples::of_operation(operation);
        let schemas = &self.document["components"]["schemas"];
        let general = schemas.get("ErrorResponse").unwrap_or(&schemas["Error"]);
        let anything = serde_json::json!({"type": "object", "properties": {}});
        let schema = match response {
            Some(response) => {
                let response = deref(&self.document, response);
                match response.get("content") {
                    None if exchange.answer.is_empty() => return,
                    // Some are only shown.
                    None if !examples.is_empty() => Some(&anything),
                    None => {
                        faults.push("the answer has a body, and none is described".to_owned());
                        return;
                    }
                    Some(_) => {
                        let of_type = |kind: &str| response.pointer(&content(kind));
                        let media = of_type(&exchange.answer_type);
                        let is_json = exchange.answer_type == "application/json";
                        let bytes = of_type(media::BYTES).filter(|_| !is_json);
                        let media = media.or(bytes).or_else(|| of_type("*/*"));
                        examples = examples.and(media.map(Examples::of).unwrap_or_default());
                        media.and_then(|media| media.get("schema"))
                    }
                }
            }
            // Few descriptions list every error; most have one form for all of them.
            None if exchange.status >= 400 && general.is_object() => Some(general),
            None if exchange.status >= 400 => return,
            None => {
                faults.push("the description has no such status".to_owned());
                return;
            }
        };
        let Some(schema) = schema else {
            faults.push(format!(
                "an answer of type `{}` is not described",
                exchange.answer_type
            ));
            return;
        };
        let kind = &exchange.answer_type;
        let values = match media::answer(&self.schemas, schema, kind, &exchange.answer) {
            Ok(values) => values,
            Err(fault) => {
                faults.push(format!("the answer {fault}"));
                return;
            }
        };
        for value in values {
            let wrong = self.schemas.faults(schema, &value, &examples);
            faults.extend(wrong.into_iter().map(|fault| format!("answer {fault}")));
            let extra = self.schemas.unknown(schema, &value, &examples);
            let extra = extra.into_iter().filter(|at| !self.also.contains(at));
            faults.extend(extra.map(|name| format!("answer {name} is not described")));
        }
    }
}

/// The JSON pointer of a content type.
fn content(kind: &str) -> String {
    format!("/content/{}", kind.replace('~', "~0").replace('/', "~1"))
}

/// Where descriptions are kept.
fn folder() -> PathBuf {
    if let Some(named) = std::env::var_os("CONTRACTS_DIR") {
        return PathBuf::from(named);
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    workspace.join("..").join("shared").join("specs")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn contract() -> Contract {
        Contract::new(json!({
            "paths": {
                "/things/{id}": {
                    "parameters": [{"name": "id", "in": "path", "required": true,
                                    "schema": {"type": "integer"}}],
                    "get": {
                        "parameters": [{"name": "size", "in": "query", "schema": {"type": "integer", "maximum": 9}}],
                        "responses": {"200": {"content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/thing"},
                            "examples": {"one": {"value": {"id": "1", "size": null, "shape": "round"}}},
                        }}}},
                    },
                },
                "/things/new": {"post": {
                    "parameters": [{"name": "Version", "in": "header", "required": true,
                                    "schema": {"type": "string", "enum": ["2"]}}],
                    "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {
                        "type": "object", "required": ["Name"],
                        "properties": {"Name": {"type": "string"}, "Tag": {"type": "array", "items": {"type": "string"}},
                                       "Fast": {"type": "boolean"}},
                    }}}},
                    "responses": {"201": {"content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/thing"}}}}, "204": {}},
                }},
            },
            "components": {"schemas": {
                "thing": {"type": "object", "required": ["id"], "properties": {
                    "id": {"type": "string"}, "note": {"type": "string", "nullable": true},
                    "size": {"type": "integer"},
                    "state": {"$ref": "#/components/schemas/state", "nullable": true},
                }},
                "state": {"type": "string", "enum": ["on", "off"]},
                "Error": {"type": "object", "properties": {"code": {"type": "integer"}}},
            }},
        }))
    }

    fn get(path: &str, query: &str, status: u16, answer: &Value) -> Exchange {
        Exchange {
            method: "GET".into(),
            path: path.into(),
            query: query.into(),
            headers: Vec::new(),
            content_type: String::new(),
            body: Bytes::new(),
            status,
            answer_type: "application/json".into(),
            answer: Bytes::from(answer.to_string()),
        }
    }

    fn post(form: &str, status: u16, answer: &Value) -> Exchange {
        Exchange {
            method: "POST".into(),
            headers: vec![("version".into(), "2".into())],
            content_type: text::FORM.into(),
            body: Bytes::copy_from_slice(form.as_bytes()),
            ..get("/things/new", "", status, answer)
        }
    }

    fn with_version(version: &str) -> Exchange {
        Exchange {
            headers: vec![("version".into(), version.into())],
            ..post("Name=a", 201, &json!({"id": "1"}))
        }
    }

    fn without_version() -> Exchange {
        Exchange {
            headers: Vec::new(),
            ..with_version("2")
        }
    }

    #[test]
    fn what_is_described_passes() {
        let contract = contract();
        let thing = json!({"id": "1", "note": null, "state": "on"});
        for exchange in [
            get("/things/1", "size=9", 200, &thing),
            get("/things/1", "", 200, &json!({"id": "1", "state": null})),
            // As in the example, though not in the schema.
            get(
                "/things/1",
                "",
                200,
                &json!({"id": "1", "size": null, "shape": "square"}),
            ),
            get("/things/1", "size=99", 404, &json!({"code": 1})),
            get("/nothing", "", 404, &json!({})),
            post("Name=a&Tag=x&Tag=y&Fast=true", 201, &thing),
        ] {
            assert_eq!(
                contract.check(&exchange),
                Vec::<String>::new(),
                "{exchange:?}"
            );
        }
    }

    #[test]
    fn what_is_not_described_is_told() {
        let contract = contract();
        let thing = json!({"id": "1"});
        for (exchange, fault) in [
            (get("/things/x", "", 200, &thing), "path id"),
            (get("/things/1", "size=10", 200, &thing), "query size"),
            (get("/things/1", "colour=red", 200, &thing), "query colour"),
            (get("/things/1", "", 202, &thing), "no such status"),
            (get("/things/1", "", 200, &json!({"id": 1})), "answer /id"),
            (get("/things/1", "", 200, &json!({})), "answer"),
            (
                get("/things/1", "", 200, &json!({"id": "1", "size": "9"})),
                "answer /size",
            ),
            (
                post("Name=a", 201, &json!({"id": "1", "size": null})),
                "answer /size",
            ),
            (
                get("/things/1", "", 200, &json!({"id": "1", "state": "up"})),
                "answer /state",
            ),
            (
                get("/things/1", "", 200, &json!({"id": "1", "new": 1})),
                "answer /new",
            ),
            (
                get("/things/1", "", 500, &json!({"code": "1"})),
                "answer /code",
            ),
            (get("/nothing", "", 200, &thing), "no such path"),
            (post("", 201, &thing), "lacks its body"),
            (post("Tag=x", 201, &thing), "body"),
            (post("Name=a&Fast=maybe", 201, &thing), "body /Fast"),
            (post("Name=a&Colour=red", 201, &thing), "body /Colour"),
            (post("Name=a", 204, &thing), "none is described"),
            (without_version(), "header Version is required"),
            (with_version("1"), "header Version: "),
        ] {
            let faults = contract.check(&exchange);
            assert!(
                faults.iter().any(|f| f.contains(fault)),
                "{fault}: {faults:?}"
            );
        }
    }

    /// A description that lists one success and, by `default`, the form of every failure.
    fn sparse() -> Contract {
        Contract::new(json!({
            "paths": {"/batch": {
                "post": {"responses": {
                    "200": {"content": {"application/json": {"schema": {
                        "type": "object", "required": ["results"],
                        "properties": {"results": {"type": "array"},
                                       "kind": {"type": "object", "properties": {}}},
                    }}}},
                    "default": {"$ref": "#/components/responses/Failed"},
                }},
                "delete": {"responses": {"default": {"$ref": "#/components/responses/Failed"}}},
            }},
            "components": {"responses": {"Failed": {"content": {"*/*": {"schema": {
                "type": "object", "required": ["message"],
                "properties": {"message": {"type": "string"}},
            }}}}}},
        }))
    }

    fn batch(method: &str, status: u16, answer: &str) -> Exchange {
        Exchange {
            method: method.into(),
            answer: Bytes::copy_from_slice(answer.as_bytes()),
            ..get("/batch", "", status, &Value::Null)
        }
    }

    #[test]
    fn a_sparse_description_goes_a_long_way() {
        let contract = sparse().also(&["/status"]);
        for exchange in [
            batch("POST", 207, r#"{"results": [], "kind": "any"}"#),
            batch("DELETE", 204, ""),
            batch("POST", 409, r#"{"message": "no", "status": "error"}"#),
        ] {
            assert_eq!(contract.check(&exchange), Vec::<String>::new());
        }
        for (exchange, fault) in [
            (batch("POST", 207, "{}"), "results"),
            (batch("POST", 400, r#"{"status": "error"}"#), "message"),
            (batch("POST", 400, r#"{"message": "", "x": 1}"#), "/x"),
        ] {
            let faults = contract.check(&exchange);
            assert!(faults.iter().any(|f| f.contains(fault)), "{faults:?}");
        }
    }
}
