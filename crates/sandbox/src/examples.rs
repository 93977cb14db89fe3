//! One call of each tool of a provider that its simulator answers, and what must be there beforehand.
//!
//! A provider's simulator hands them over as `examples()`; the conformance suite calls each of them in every
//! circumstance. Texts may hold places for what is only known when a call is made:
//!
//! | place | what stands there |
//! |---|---|
//! | `${message/sid}` | the member at this JSON pointer of the result of the step named `message` |
//! | `${n}` | the number of a step that is taken several times, from 1 |
//! | `${base_url}`, `${address}` | the simulator's base URL, and the part of it after `://` |
//! | `${file/speech.mp3}` | the path of a file that the example brings along |
//! | `${secret}` | in [`Examples::credentials`]: the secret, good or wrong |
//!
//! A text that is nothing but a place takes the value as it is, a number or a list as well.
//!
//! ```
//! use business_tools_sandbox::{Example, Examples};
//! use serde_json::json;
//!
//! pub fn examples() -> Examples {
//!     Examples::new()
//!         .credentials(json!({"api_key": "key_${secret}"}))
//!         .with(Example::new("shop_create_order", json!({"customer": "Ada"})))
//!         .with(
//!             Example::new("shop_get_order", json!({"id": "${order/id}"}))
//!                 .after("order", "shop_create_order", json!({"customer": "Ada"})),
//!         )
//!         .with(
//!             Example::new("shop_list_orders", json!({}))
//!                 .after_many(3, "order", "shop_create_order", json!({"customer": "Ada ${n}"})),
//!         )
//! }
//! # assert_eq!(examples().calls.len(), 3);
//! ```

use serde_json::{Map, Value};

/// The examples of a provider.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// Fields of the settings that hold credentials, one entry for each way to authenticate.
    pub credentials: Vec<Value>,
    /// Files that calls read, by name.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// One call of each tool.
    pub calls: Vec<Example>,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct Example {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub args: Value,
    /// What must be done beforehand, in this order.
    pub steps: Vec<Step>,
}

/// A call that makes something for an example.
#[derive(Debug, Clone)]
pub struct Step {
    /// The name of its result in later texts.
    pub name: &'static str,
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub args: Value,
    /// How it ends.
    pub ends: Ends,
}

/// When a step is over.
#[derive(Debug, Clone)]
pub enum Ends {
    /// After so many calls.
    After(u32),
    /// When the result has this value at this JSON pointer: for things that move on with time.
    When(&'static str, Value),
}

impl Examples {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fields of the settings that hold credentials, with `${secret}` in the place of each secret. Called once for
    /// each way to authenticate.
    pub fn credentials(mut self, fields: Value) -> Self {
        self.credentials.push(fields);
        self
    }

    /// A file for calls to read; its path is `${file/NAME}`.
    pub fn file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name, content.into()));
        self
    }

    /// The example of one more tool.
    pub fn with(mut self, example: Example) -> Self {
        self.calls.push(example);
        self
    }

    /// The example of a tool.
    pub fn of(&self, tool: &str) -> Option<&Example> {
        self.calls.iter().find(|example| example.tool == tool)
    }
}

impl Example {
    /// A call that the simulator answers with success.
    pub fn new(tool: &'static str, args: Value) -> Self {
        Self {
            tool,
            args,
            steps: Vec::new(),
        }
    }

    /// Makes another call first, and calls its result `name`.
    pub fn after(self, name: &'static str, tool: &'static str, args: Value) -> Self {
        self.after_many(1, name, tool, args)
    }

    /// Makes another call first, several times; the last result is called `name`.
    pub fn after_many(
        mut self,
        times: u32,
        name: &'static str,
        tool: &'static str,
        args: Value,
    ) -> Self {
        self.steps.push(Step {
            name,
            tool,
            args,
            ends: Ends::After(times),
        });
        self
    }

    /// Makes a reading call first, again and again until its result has `value` at the JSON pointer `at`.
    pub fn until(
        mut self,
        name: &'static str,
        tool: &'static str,
        args: Value,
        at: &'static str,
        value: impl Into<Value>,
    ) -> Self {
        self.steps.push(Step {
            name,
            tool,
            args,
            ends: Ends::When(at, value.into()),
        });
        self
    }
}

/// The value with every place filled from `known`.
///
/// # Errors
/// The first place that nothing is known for.
pub fn fill(value: &Value, known: &Map<String, Value>) -> Result<Value, String> {
    match value {
        Value::String(text) => fill_text(text, known),
        Value::Array(items) => items.iter().map(|item| fill(item, known)).collect(),
        Value::Object(members) => {
            let filled = members.iter().map(|(name, member)| {
                let member = fill(member, known)?;
                Ok((name.clone(), member))
            });
            Ok(Value::Object(filled.collect::<Result<_, String>>()?))
        }
        other => Ok(other.clone()),
    }
}

fn fill_text(text: &str, known: &Map<String, Value>) -> Result<Value, String> {
    let whole = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    if let Some(place) = whole.filter(|place| !place.contains("${")) {
        return look_up(place, known).cloned();
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((place, after)) = after.split_once('}') else {
            return Err(format!("`{text}` has a place without an end"));
        };
        filled.push_str(before);
        match look_up(place, known)? {
            Value::String(text) => filled.push_str(text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(Value::String(filled))
}

fn look_up<'a>(place: &str, known: &'a Map<String, Value>) -> Result<&'a Value, String> {
    let (name, pointer) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let nothing = || {
        let have: Vec<_> = known.keys().map(String::as_str).collect();
        format!(
            "nothing is known for ${{{place}}}; known: {}",
            have.join(", ")
        )
    };
    let value = known.get(name).ok_or_else(nothing)?;
    value.pointer(pointer).ok_or_else(|| {
        let mut shown = value.to_string();
        shown.truncate(shown.floor_char_boundary(300));
        format!("`{name}` has nothing at `{pointer}`: {shown}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Map<String, Value> {
        let value = json!({"order": {"id": 7, "items": [{"sku": "a"}]}, "n": 2});
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn places_take_values_as_they_are_and_stand_inside_texts() {
        let value = json!({"id": "${order/id}", "list": ["${order/items/0/sku}", 1],
                           "text": "no. ${n} of ${order/id}", "plain": "$5 {x}"});
        let filled = json!({"id": 7, "list": ["a", 1], "text": "no. 2 of 7", "plain": "$5 {x}"});
        assert_eq!(fill(&value, &known()), Ok(filled));
        assert_eq!(fill(&json!("${n}${n}"), &known()), Ok(json!("22")));
    }

    #[test]
    fn what_is_not_known_is_told() {
        for (text, part) in [
            ("${message/sid}", "known: order, n"),
            ("${order/sid}", "`order` has nothing at `/sid`"),
            ("x ${n", "without an end"),
        ] {
            let fault = fill(&json!(text), &known()).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }
}
