//! Bodies of the types that are not JSON, as values of their schemas.

use business_tools_sandbox::{Multipart, sse};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::schema::Schemas;
use super::text;

/// The content type of forms with files.
pub(super) const MULTIPART: &str = "multipart/form-data";

/// The content type of answers that come in pieces.
const EVENTS: &str = "text/event-stream";

/// The content type of bytes of any kind.
pub(super) const BYTES: &str = "application/octet-stream";

/// The values in an answer; bytes have none.
pub(super) fn answer(
    schemas: &Schemas,
    schema: &Value,
    kind: &str,
    body: &[u8],
) -> Result<Vec<Value>, String> {
    let branches = schemas.branches(schema);
    if branches.iter().any(|branch| branch["format"] == "binary") {
        return match body {
            [] => Err("has no bytes".to_owned()),
            _ => Ok(Vec::new()),
        };
    }
    if kind != EVENTS {
        let value = serde_json::from_slice(body).map_err(|_| "is not JSON".to_owned())?;
        return Ok(vec![value]);
    }
    let text = std::str::from_utf8(body).map_err(|_| "is not text".to_owned())?;
    // The mark that ends a stream is no event.
    let events = sse::read(text).into_iter().filter(|data| data != "[DONE]");
    let values = events.map(|data| serde_json::from_str(&data));
    let values: Result<Vec<Value>, _> = values.collect();
    match values {
        Ok(values) if values.is_empty() => Err("has no events".to_owned()),
        Ok(values) => Ok(values),
        Err(error) => Err(format!("has an event that is not JSON: {error}")),
    }
}

/// A form with files as the object that the schema wants. Files stand there as empty texts.
pub(super) fn form(schemas: &Schemas, schema: &Value, body: &Bytes) -> Result<Value, String> {
    // Whatever the boundary is called, the body begins with it.
    let end = body.windows(2).position(|two| two == b"\r\n");
    let first = std::str::from_utf8(&body[..end.unwrap_or(0)]).unwrap_or_default();
    let boundary = first.strip_prefix("--").unwrap_or_default();
    let kind = format!("{MULTIPART}; boundary=\"{boundary}\"");
    let form = Multipart::parse(&kind, body.clone()).map_err(|malformed| malformed.0)?;
    let mut pairs = text::Pairs::new();
    for part in form.iter() {
        let value = match part.file_name {
            Some(_) => String::new(),
            None => part.text(),
        };
        match pairs.iter_mut().find(|(name, _)| *name == part.name) {
            Some((_, values)) => values.push(value),
            None => pairs.push((part.name.clone(), vec![value])),
        }
    }
    let mut object = Map::new();
    for (name, values) in pairs {
        let member = name.strip_suffix(']').and_then(|name| name.split_once('['));
        match member {
            // `languages[]` is a list, even of one.
            Some((list, "")) => {
                let items = text::read_list(schemas, schemas.member(schema, list), &values);
                object.insert(list.to_owned(), items);
            }
            // `expires_after[seconds]` is a member of an object.
            Some((outer, inner)) => {
                let within = schemas.member(schemas.member(schema, outer), inner);
                let value = text::read(schemas, within, &values);
                let outer = object.entry(outer).or_insert_with(|| Map::new().into());
                outer[inner] = value;
            }
            None => {
                let value = text::read(schemas, schemas.member(schema, &name), &values);
                object.insert(name, value);
            }
        }
    }
    Ok(object.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Contract, Exchange};

    fn contract() -> Contract {
        let limit = json!({"type": "object", "required": ["days"], "properties": {
            "days": {"type": "integer", "maximum": 9}}});
        let upload = json!({"type": "object", "required": ["file"], "additionalProperties": false,
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "tags": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                "fast": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
                "count": {"type": "integer", "nullable": true},
                "limit": {"$ref": "#/components/schemas/limit"}}});
        let event = json!({"anyOf": [
            {"type": "object", "required": ["type", "text"], "properties": {
                "type": {"type": "string", "enum": ["piece"]}, "text": {"type": "string"}}},
            {"type": "object", "required": ["type"], "properties": {
                "type": {"type": "string", "enum": ["end"]}}}]});
        Contract::new(json!({
            "paths": {
                "/upload": {"post": {
                    "requestBody": {"content": {"multipart/form-data": {"schema": upload}}},
                    "responses": {"200": {"content": {
                        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                        "text/event-stream": {"schema": event}}}},
                }},
                "/gone": {"delete": {
                    "responses": {"200": {}},
                    "x-oaiMeta": {"examples": {"response": "{\"id\": \"1\", \"gone\": true}\n"}},
                }},
            },
            "components": {"schemas": {
                "limit": limit,
                "Error": {"type": "object", "required": ["code"]},
                "ErrorResponse": {"type": "object", "required": ["error"]},
            }},
        }))
    }

    fn upload(parts: &[(&str, &str)], kind: &str, answer: &str) -> Exchange {
        let part = |(name, value): &(&str, &str)| {
            let file = if *name == "file" {
                "; filename=\"a\""
            } else {
                ""
            };
            format!(
                "--X\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
            )
        };
        let body: String = parts.iter().map(part).collect();
        Exchange {
            method: "POST".into(),
            path: "/upload".into(),
            query: String::new(),
            headers: Vec::new(),
            content_type: super::MULTIPART.into(),
            body: (body + "--X--\r\n").into(),
            status: 200,
            answer_type: kind.into(),
            answer: answer.to_owned().into(),
        }
    }

    #[test]
    fn forms_with_files_bytes_and_streams_pass_as_described() {
        let file = ("file", "bytes");
        let events = "event: piece\ndata: {\"type\":\"piece\",\"text\":\"a\"}\n\n\
                      data: {\"type\":\"end\"}\n\ndata: [DONE]\n\n";
        for exchange in [
            upload(&[file], "audio/wav", "RIFF"),
            upload(
                &[file, ("tags", "a"), ("fast", "true"), ("count", "3")],
                "image/png",
                "x",
            ),
            upload(
                &[file, ("tags[]", "a"), ("limit[days]", "9")],
                "application/octet-stream",
                "x",
            ),
            upload(&[file], "text/event-stream", events),
        ] {
            assert_eq!(contract().check(&exchange), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_wrong_in_them_is_told() {
        let file = ("file", "bytes");
        let event = |data: &str| upload(&[file], "text/event-stream", &format!("data: {data}\n\n"));
        for (exchange, fault) in [
            (
                upload(&[("fast", "true")], "audio/wav", "x"),
                "\"file\" is a required",
            ),
            (
                upload(&[file, ("fast", "maybe")], "audio/wav", "x"),
                "body /fast",
            ),
            (
                upload(&[file, ("limit[days]", "10")], "audio/wav", "x"),
                "body /limit/days",
            ),
            (
                upload(&[file, ("colour", "red")], "audio/wav", "x"),
                "colour",
            ),
            (upload(&[file], "audio/wav", ""), "has no bytes"),
            (event("{\"type\":\"piece\"}"), "answer"),
            (
                event("{\"type\":\"end\",\"text\":\"a\"}"),
                "answer /text is not described",
            ),
            (event("nonsense"), "not JSON"),
            (upload(&[file], "text/event-stream", ""), "has no events"),
        ] {
            let faults = contract().check(&exchange);
            assert!(
                faults.iter().any(|f| f.contains(fault)),
                "{fault}: {faults:?}"
            );
        }
    }

    #[test]
    fn examples_of_an_operation_stand_in_for_an_answer_that_is_not_described() {
        let gone = |answer: &str| Exchange {
            method: "DELETE".into(),
            path: "/gone".into(),
            ..upload(&[], "application/json", answer)
        };
        let check = |answer| {
            let exchange = Exchange {
                content_type: String::new(),
                body: bytes::Bytes::new(),
                ..gone(answer)
            };
            contract().check(&exchange)
        };
        assert_eq!(check("{\"id\":\"2\",\"gone\":true}"), Vec::<String>::new());
        assert_eq!(
            check("{\"id\":\"2\",\"when\":1}"),
            ["answer /when is not described"]
        );
    }

    #[test]
    fn errors_have_the_form_that_wraps_them_where_there_is_one() {
        let refused = |answer: &str| Exchange {
            status: 404,
            ..upload(&[], "application/json", answer)
        };
        assert_eq!(
            contract().check(&refused("{\"error\":{}}")),
            Vec::<String>::new()
        );
        assert!(!contract().check(&refused("{\"code\":1}")).is_empty());
    }
}
