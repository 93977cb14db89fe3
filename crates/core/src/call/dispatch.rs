//! The innermost part of the call plane: the plugin itself, and what is done to every result.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::{Value, json};
use tower::Service;

use crate::Env;
use crate::call::{Call, Origin, Outcome, Reply};
use crate::error::{Error, Kind, Result};
use crate::page::Place;
use crate::tool::Untrusted;

/// Calls the plugin; bounds, pages and marks its result.
#[derive(Clone)]
pub struct Dispatch {
    max_result: usize,
}

impl Dispatch {
    /// Bounds results as `env` says.
    pub fn new(env: &Env) -> Self {
        Self {
            max_result: env.max_result,
        }
    }
}

impl Service<Call> for Dispatch {
    type Response = Reply;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let max = self.max_result;
        Box::pin(async move {
            let spec = call.spec();
            let place = Place::take(spec.name, &mut call.args)?;
            let value = call
                .plugin
                .call(spec.name, Value::Object(call.args), call.cx)
                .await?;
            let value = match value {
                Value::Object(_) => value,
                other => json!({ "result": other }),
            };
            let value = match place.fit(mark(value, spec.untrusted), max) {
                // What was done must not look like a failure because its answer is long.
                Err(error) if spec.writes() && error.kind() == Kind::ResultTooLarge => {
                    json!({"done": true, "truncated": true, "note": DONE_BUT_LONG})
                }
                value => value?,
            };
            Ok(Reply {
                value,
                origin: Origin::Fresh,
            })
        })
    }
}

const DONE_BUT_LONG: &str = "It was done; the provider's answer is too large to be shown";

/// Says which members hold text from outsiders, and cleans them where that loses nothing.
fn mark(mut value: Value, untrusted: Untrusted) -> Value {
    let members = match untrusted {
        Untrusted::None => return value,
        Untrusted::Mark(members) => members,
        Untrusted::Strip(members) => {
            clean(&mut value, members, false);
            members
        }
    };
    if let Value::Object(object) = &mut value {
        object.insert("untrusted".into(), members.into());
    }
    value
}

fn clean(value: &mut Value, members: &[&str], inside: bool) {
    match value {
        Value::String(text) if inside && text.chars().any(is_invisible) => {
            text.retain(|c| !is_invisible(c));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| clean(item, members, inside)),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                clean(value, members, inside || members.contains(&key.as_str()));
            }
        }
        _ => {}
    }
}

/// Characters that a person does not see and a model does: controls, direction marks, zero widths, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}'
        | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_taken_out_of_named_members_and_stays_in_data() {
        let hidden = "a\u{202e}b\u{200b}c\u{e0041}d\u{7}e\u{feff}f";
        let result =
            json!({"items": [{"body": hidden, "id": hidden, "parts": {"body": [hidden]}}]});
        let cleaned = mark(result.clone(), Untrusted::Strip(&["body"]));
        assert_eq!(cleaned["items"][0]["body"], "abcdef");
        assert_eq!(cleaned["items"][0]["parts"]["body"][0], "abcdef");
        assert_eq!(cleaned["items"][0]["id"], hidden);
        assert_eq!(cleaned["untrusted"], json!(["body"]));
        let marked = mark(result.clone(), Untrusted::Mark(&["body"]));
        assert_eq!(marked["items"], result["items"]);
        assert_eq!(mark(result.clone(), Untrusted::None), result);
    }

    #[test]
    fn text_that_people_need_stays() {
        for text in [
            "line\nbreak\ttab",
            "می\u{200c}خواهم",
            "👩\u{200d}👩\u{200d}👧",
            "naïve ☃",
        ] {
            let marked = mark(json!({"body": text}), Untrusted::Strip(&["body"]));
            assert_eq!(marked["body"], text);
        }
    }
}
