//! What the models say. It follows from the question alone:
//!
//! | the last thing the user said has | then |
//! |---|---|
//! | `sandbox:refuse` | the model refuses |
//! | `sandbox:say TEXT` | the answer is TEXT |
//! | `sandbox:long` | the answer has some 900 tokens |
//! | `sandbox:filter` | a filter ends the answer after a few words |
//! | `sandbox:fail` | the model fails |
//! | a word of a tool's name, of four letters or more | that tool is called, with arguments that fit |
//! | none of these | an answer that repeats the question and tells what else was seen |
//!
//! A format is always kept: then the answer is a JSON document.

use serde_json::{Value, json};

use super::fill::fill;
use super::tokens;

const REFUSAL: &str = "I'm sorry, but I can't help with that.";

/// What the model was told and shown.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// What it is to keep to.
    pub(super) instructions: String,
    /// What the user said last.
    pub(super) last: String,
    /// What is in the pictures and files of the last message, in sentences.
    pub(super) seen: Vec<String>,
    /// How often the user spoke.
    pub(super) turns: usize,
    /// What a tool answered, if that came last.
    pub(super) tool_said: Option<String>,
    /// What all of it costs.
    pub(super) tokens: usize,
    /// Whether JSON was spoken of.
    pub(super) of_json: bool,
}

/// A function that the model may call.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) parameters: Value,
}

/// Whether it may, must or must not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Never,
    Auto,
    Some,
    This(String),
}

/// The form of the answer.
#[derive(Debug)]
pub(super) enum Format {
    Text,
    /// Any JSON object.
    Object,
    Schema(Value),
}

/// What the model answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    /// A text that a filter ended.
    Filtered(String),
    Refusal(String),
    Call {
        name: String,
        arguments: String,
    },
    Failure,
}

impl Talk {
    /// Adds a message of this role.
    pub(super) fn say(&mut self, role: &str, text: &str) {
        self.tokens += tokens::MESSAGE + tokens::count(text);
        self.of_json |= text.to_ascii_lowercase().contains("json");
        match role {
            "system" | "developer" => {
                if !self.instructions.is_empty() {
                    self.instructions.push(' ');
                }
                self.instructions.push_str(text);
            }
            "user" => {
                text.clone_into(&mut self.last);
                self.turns += 1;
                self.tool_said = None;
                self.seen.clear();
            }
            "tool" => self.tool_said = Some(text.to_owned()),
            _ => self.tool_said = None,
        }
    }

    /// Adds what a picture or a file of the last message shows.
    pub(super) fn see(&mut self, sentence: String, cost: usize) {
        self.seen.push(sentence);
        self.tokens += cost;
    }

    pub(super) fn answer(&self, tools: &[Tool], choice: &Choice, format: &Format) -> Said {
        let has = |word: &str| self.last.contains(word);
        if has("sandbox:fail") {
            return Said::Failure;
        }
        if has("sandbox:refuse") {
            return Said::Refusal(REFUSAL.to_owned());
        }
        if has("sandbox:filter") {
            return Said::Filtered("This answer was".to_owned());
        }
        if let Some(tool) = self.tool(tools, choice) {
            return Said::Call {
                name: tool.name.clone(),
                arguments: fill(&tool.parameters).to_string(),
            };
        }
        let text = self.text();
        Said::Text(match format {
            Format::Text => text,
            Format::Object => json!({"answer": text}).to_string(),
            Format::Schema(schema) => fill(schema).to_string(),
        })
    }

    fn tool<'a>(&self, tools: &'a [Tool], choice: &Choice) -> Option<&'a Tool> {
        match choice {
            Choice::Never => None,
            Choice::This(name) => tools.iter().find(|tool| tool.name == *name),
            // What a tool answered is told before anything else is called.
            _ if self.tool_said.is_some() => None,
            Choice::Some => self.meant(tools).or(tools.first()),
            Choice::Auto => self.meant(tools),
        }
    }

    /// The tool of which a word was said.
    fn meant<'a>(&self, tools: &'a [Tool]) -> Option<&'a Tool> {
        let said = self.last.to_ascii_lowercase();
        tools.iter().find(|tool| {
            let name = tool.name.to_ascii_lowercase();
            let mut words = name.split(['_', '-']).filter(|word| word.len() >= 4);
            words.any(|word| said.contains(word))
        })
    }

    fn text(&self) -> String {
        if let Some((_, text)) = self.last.split_once("sandbox:say ") {
            return text.trim().to_owned();
        }
        if self.last.contains("sandbox:long") {
            let sentence = |n| format!("This is sentence {n} of a long answer.");
            return (1..=100).map(sentence).collect::<Vec<_>>().join(" ");
        }
        let mut sentences = self.seen.clone();
        match &self.tool_said {
            Some(said) => sentences.push(format!("The tool said: {}", short(said))),
            None if self.last.is_empty() => {}
            None => sentences.push(format!("You said: {}", short(&self.last))),
        }
        if self.turns > 1 {
            sentences.push(format!("You have spoken {} times.", self.turns));
        }
        if !self.instructions.is_empty() {
            sentences.push(format!(
                "My instructions are: {}",
                short(&self.instructions)
            ));
        }
        sentences.join(" ")
    }
}

/// The first words, and a full stop.
fn short(text: &str) -> String {
    let text = text.trim();
    let start: String = text.chars().take(200).collect();
    let stop = if start.len() < text.len() {
        " …"
    } else if start.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    start + stop
}
