//! The items of an input: messages, calls of functions and what they gave.

use serde_json::Value;

use super::super::answer::{Refusal, Taken};
use super::super::args::{missing, unsupported, wrong_type};
use super::super::mind::Talk;
use super::super::{Account, sight, tokens};

const ROLES: &[&str] = &["assistant", "system", "developer", "user"];
const ITEMS: &[&str] = &[
    "message",
    "function_call",
    "function_call_output",
    "reasoning",
    "item_reference",
];
const PARTS: &[&str] = &[
    "input_text",
    "input_image",
    "input_file",
    "output_text",
    "refusal",
];

pub(super) fn read(items: &[Value], account: &Account, talk: &mut Talk) -> Taken<()> {
    for (index, item) in items.iter().enumerate() {
        let at = format!("input[{index}]");
        if !item.is_object() {
            return Err(wrong_type(&at, "an object", item));
        }
        match item["type"].as_str().unwrap_or("message") {
            "message" => message(&at, item, account, talk)?,
            "function_call" => {
                let text = format!(
                    "{}{}",
                    need(&at, item, "name")?,
                    need(&at, item, "arguments")?
                );
                need(&at, item, "call_id")?;
                talk.say("assistant", &text);
            }
            "function_call_output" => {
                let call = need(&at, item, "call_id")?;
                answered(&at, call, &items[..index], talk)?;
                match &item["output"] {
                    Value::String(text) => talk.say("tool", text),
                    Value::Array(parts) => {
                        let texts = parts.iter().filter_map(|part| part["text"].as_str());
                        talk.say("tool", &texts.collect::<Vec<_>>().join(" "));
                    }
                    _ => return Err(missing(&format!("{at}.output"))),
                }
            }
            // What was thought, and what is kept elsewhere, says nothing new.
            "reasoning" | "item_reference" => talk.tokens += tokens::MESSAGE,
            other => return Err(unsupported(&format!("{at}.type"), other, ITEMS)),
        }
    }
    Ok(())
}

fn need<'a>(at: &str, item: &'a Value, name: &str) -> Taken<&'a str> {
    item[name]
        .as_str()
        .ok_or_else(|| missing(&format!("{at}.{name}")))
}

/// An output belongs to a call: of this input, or of a response before it.
fn answered(at: &str, call: &str, before: &[Value], talk: &Talk) -> Taken<()> {
    let here = before
        .iter()
        .any(|item| item["type"] == "function_call" && item["call_id"] == call);
    if here || talk.turns > 0 {
        return Ok(());
    }
    let message = format!("No tool call found for function call output with call_id {call}.");
    Err(Refusal::new(400, message).param(at.split('[').next().unwrap_or(at)))
}

fn message(at: &str, item: &Value, account: &Account, talk: &mut Talk) -> Taken<()> {
    let role = need(at, item, "role")?;
    if !ROLES.contains(&role) {
        return Err(unsupported(&format!("{at}.role"), role, ROLES));
    }
    let parts = match &item["content"] {
        Value::String(text) => {
            talk.say(role, text);
            return Ok(());
        }
        Value::Array(parts) => parts,
        Value::Null => return Err(missing(&format!("{at}.content"))),
        other => {
            return Err(wrong_type(
                &format!("{at}.content"),
                "a string or an array",
                other,
            ));
        }
    };
    let mut texts = Vec::new();
    let mut seen = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        match part["type"].as_str() {
            Some("input_text" | "output_text") => texts.push(need(&at, part, "text")?),
            Some("refusal") => texts.push(need(&at, part, "refusal")?),
            Some("input_image") => seen.push(picture(&at, part, account)?),
            Some("input_file") => seen.push((file(&at, part, account)?, tokens::PICTURE)),
            Some(other) => return Err(unsupported(&format!("{at}.type"), other, PARTS)),
            None => return Err(missing(&format!("{at}.type"))),
        }
    }
    talk.say(role, &texts.join(" "));
    for (sentence, cost) in seen {
        talk.see(sentence, cost);
    }
    Ok(())
}

fn picture(at: &str, part: &Value, account: &Account) -> Taken<(String, usize)> {
    let cost = match part["detail"].as_str() {
        Some("low") => tokens::PICTURE_LOW,
        None | Some("high" | "auto" | "original") => tokens::PICTURE,
        Some(other) => {
            let details = ["low", "high", "auto", "original"];
            return Err(unsupported(&format!("{at}.detail"), other, &details));
        }
    };
    let sentence = match (part["image_url"].as_str(), part["file_id"].as_str()) {
        (Some(url), _) => sight::url(&format!("{at}.image_url"), url)?,
        (None, Some(id)) => sight::file(&format!("{at}.file_id"), account, id)?,
        (None, None) => return Err(missing(&format!("{at}.image_url"))),
    };
    Ok((sentence, cost))
}

fn file(at: &str, part: &Value, account: &Account) -> Taken<String> {
    let text = |name: &str| part[name].as_str();
    if let Some(id) = text("file_id") {
        let at = format!("{at}.file_id");
        let file = account.file(id).map_err(|refusal| refusal.param(at))?;
        return Ok(format!(
            "The file is {} of {} bytes.",
            file.name,
            file.bytes.len()
        ));
    }
    if let Some(url) = text("file_url") {
        return Ok(format!("The file is at {url}."));
    }
    let at = format!("{at}.file_data");
    let data = text("file_data").ok_or_else(|| missing(&at))?;
    let bytes = sight::data(&at, data)?;
    let name = text("filename").unwrap_or("without a name");
    Ok(format!("The file is {name} of {} bytes.", bytes.len()))
}
