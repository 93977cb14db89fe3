//! `text/event-stream`: answers that come in pieces.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    name: Option<String>,
    data: String,
}

impl Event {
    /// An event without a name.
    pub fn data(data: impl ToString) -> Self {
        let data = data.to_string();
        Self { name: None, data }
    }

    /// An event with a name.
    pub fn named(name: impl Into<String>, data: impl ToString) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::data(data)
        }
    }

    /// As it goes over the wire.
    fn wire(&self) -> String {
        let name = self.name.iter().map(|name| format!("event: {name}\n"));
        let data = self.data.lines().map(|line| format!("data: {line}\n"));
        let mut text: String = name.chain(data).collect();
        text.push('\n');
        text
    }
}

/// 200 with these events, each in a piece of its own.
pub fn answer(events: Vec<Event>) -> Response {
    let pieces = events.into_iter().map(|event| Bytes::from(event.wire()));
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)));
    let kind = "text/event-stream; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The data of every event of a whole stream, as a client reads it.
pub fn read(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").map(|block| {
        let data = block.lines().filter_map(|line| line.strip_prefix("data:"));
        let data = data.map(|line| line.strip_prefix(' ').unwrap_or(line));
        data.collect::<Vec<_>>().join("\n")
    });
    blocks.filter(|data| !data.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn events_come_one_by_one_and_are_read_back() {
        let events = vec![
            Event::named("greeting", r#"{"text":"hello"}"#),
            Event::data("two\nlines"),
            Event::data("[DONE]"),
        ];
        let mut body = answer(events).into_body();
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(String::from_utf8(frame.unwrap().into_data().unwrap().into()).unwrap());
        }
        assert_eq!(pieces[0], "event: greeting\ndata: {\"text\":\"hello\"}\n\n");
        assert_eq!(pieces[1], "data: two\ndata: lines\n\n");
        assert_eq!(
            read(&pieces.concat()),
            [r#"{"text":"hello"}"#, "two\nlines", "[DONE]"]
        );
    }
}
