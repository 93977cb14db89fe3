//! The messages of a conversation.

use serde_json::Value;

use super::super::answer::{Refusal, Taken};
use super::super::args::{missing, unsupported, wrong_type};
use super::super::mind::Talk;
use super::super::{Account, sight, tokens};

const ROLES: &[&str] = &["system", "assistant", "user", "tool", "developer"];
const PARTS: &[&str] = &["text", "image_url", "file", "refusal"];

pub(super) fn read(messages: &Value, account: &Account, talk: &mut Talk) -> Taken<()> {
    let Some(messages) = messages.as_array() else {
        return Err(wrong_type("messages", "an array", messages));
    };
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty \
                       array instead.";
        return Err(Refusal::at("messages", "empty_array", message.to_owned()));
    }
    // The calls that have no answer yet.
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at = format!("messages[{index}]");
        let role = message["role"]
            .as_str()
            .ok_or_else(|| missing(&format!("{at}.role")))?;
        if !ROLES.contains(&role) {
            return Err(unsupported(&format!("{at}.role"), role, ROLES));
        }
        if role == "tool" {
            let place = format!("{at}.tool_call_id");
            let id = message["tool_call_id"]
                .as_str()
                .ok_or_else(|| missing(&place))?;
            let Some(known) = open.iter().position(|call| *call == id) else {
                let message = "Invalid parameter: messages with role 'tool' must be a response to a preceding \
                               message with 'tool_calls'.";
                return Err(Refusal::new(400, message).param(format!("{at}.role")));
            };
            open.remove(known);
        } else if !open.is_empty() {
            return Err(unanswered(&at, &open));
        }
        if let Some(calls) = message["tool_calls"].as_array() {
            open.extend(calls.iter().filter_map(|call| call["id"].as_str()));
            let cost = |call: &Value| tokens::count(&call["function"].to_string());
            talk.tokens += calls.iter().map(cost).sum::<usize>();
        }
        content(&at, role, message, account, talk)?;
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(unanswered("messages", &open))
    }
}

fn unanswered(at: &str, open: &[&str]) -> Refusal {
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
         'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Refusal::new(400, message).param(at)
}

fn content(at: &str, role: &str, message: &Value, account: &Account, talk: &mut Talk) -> Taken<()> {
    let parts = match &message["content"] {
        Value::String(text) => {
            talk.say(role, text);
            return Ok(());
        }
        Value::Array(parts) => parts,
        // An assistant that called a tool need not say anything.
        Value::Null if role == "assistant" => {
            talk.say(role, "");
            return Ok(());
        }
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
        let need = |name: &str| {
            let text = part[name].as_str();
            text.ok_or_else(|| missing(&format!("{at}.{name}")))
        };
        match part["type"].as_str() {
            Some("text") => texts.push(need("text")?),
            Some("refusal") => texts.push(need("refusal")?),
            Some("image_url") => {
                let at = format!("{at}.image_url.url");
                let url = part["image_url"]["url"]
                    .as_str()
                    .ok_or_else(|| missing(&at))?;
                let low = part["image_url"]["detail"] == "low";
                let cost = if low {
                    tokens::PICTURE_LOW
                } else {
                    tokens::PICTURE
                };
                seen.push((sight::url(&at, url)?, cost));
            }
            Some("file") => seen.push((file(&at, &part["file"], account)?, tokens::PICTURE)),
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

fn file(at: &str, file: &Value, account: &Account) -> Taken<String> {
    if let Some(id) = file["file_id"].as_str() {
        let at = format!("{at}.file.file_id");
        let file = account.file(id).map_err(|refusal| refusal.param(at))?;
        return Ok(format!(
            "The file is {} of {} bytes.",
            file.name,
            file.bytes.len()
        ));
    }
    let at = format!("{at}.file.file_data");
    let data = file["file_data"].as_str().ok_or_else(|| missing(&at))?;
    let bytes = sight::data(&at, data)?;
    let name = file["filename"].as_str().unwrap_or("without a name");
    Ok(format!("The file is {name} of {} bytes.", bytes.len()))
}
