//! The tools, in listing order.

pub mod audio;
pub mod chat;
pub mod embeddings;
pub mod files;
pub mod images;
pub mod models;
pub mod moderation;
pub mod speech;
pub mod text;
pub mod vision;

use business_tools_core::{Faults, ToolDef, tool};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::OpenAi;

pub(crate) const TOOLS: &[ToolDef<OpenAi>] = &[
    tool::<text::GenerateText>(),
    tool::<text::GetResponse>(),
    tool::<text::CancelResponse>(),
    tool::<chat::CreateChatCompletion>(),
    tool::<vision::AnalyzeImage>(),
    tool::<images::GenerateImage>(),
    tool::<images::EditImage>(),
    tool::<audio::TranscribeAudio>(),
    tool::<audio::TranslateAudio>(),
    tool::<speech::GenerateSpeech>(),
    tool::<embeddings::CreateEmbedding>(),
    tool::<moderation::ModerateContent>(),
    tool::<models::ListModels>(),
    tool::<files::ListFiles>(),
    tool::<files::UploadFile>(),
    tool::<files::DeleteFile>(),
];

const READ: &[&str] = &["openai:read"];
const WRITE: &[&str] = &["openai:write"];

/// A model's name.
const MODEL: &str = r"^[\x21-\x7e]{1,256}$";
/// The id of a thing.
const ID: &str = "^[A-Za-z0-9_-]{1,128}$";

/// What is said about a lost answer of a tool that only costs money.
const COSTS: &str = "Nothing was changed: call again if you need it, it is only paid for once more";

/// Adds a member if it was given.
fn put(body: &mut Map<String, Value>, name: &str, value: Option<impl Serialize>) {
    if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
        body.insert(name.to_owned(), value);
    }
}

/// The word of an enum as the API writes it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A JSON Schema that the API takes as a form of text: an object.
fn check_schema(schema: Option<&Map<String, Value>>, faults: &mut Faults) {
    if schema.is_some_and(|schema| schema.get("type").is_none_or(|kind| kind != "object")) {
        faults.add(
            "/json_schema",
            "must be a JSON Schema of an object: {\"type\": \"object\", …}",
        );
    }
}
