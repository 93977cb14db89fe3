//! What callers are told when something goes wrong, as it was seen: for the reference pages.

use business_tools_core::{Error, Repeat, Spec};

use super::Suite;
use super::circumstances::Circumstance;

/// What one circumstance came to.
#[derive(Debug)]
pub struct Told {
    /// What the provider or the network did.
    pub when: String,
    /// What a call of a tool that reads came to.
    pub read: Option<Seen>,
    /// What a call of a write that is not repeated came to; `None` where the provider has no such tool.
    pub write: Option<Seen>,
}

/// The end of one call.
#[derive(Debug)]
pub struct Seen {
    /// The code on the wire.
    pub code: String,
    /// The next step.
    pub hint: String,
    /// Whether the request went out more than once.
    pub repeated: bool,
}

impl Seen {
    fn of(error: &Error) -> Self {
        let attempts = error.details().get("attempts");
        let attempts = attempts.and_then(serde_json::Value::as_u64);
        Self {
            code: error.code(),
            hint: error.hint_text().unwrap_or_default().to_owned(),
            repeated: attempts.is_some_and(|attempts| attempts > 1),
        }
    }
}

/// Calls one tool that reads and one that writes in every circumstance.
///
/// # Errors
/// An example that does not work.
pub async fn told(suite: &Suite) -> Result<Vec<Told>, String> {
    let read = suite.specs.iter().find(|spec| !spec.writes());
    let unsafe_one = |spec: &&&Spec| spec.repeat() == Repeat::IfUnprocessed;
    let write = suite.specs.iter().find(unsafe_one);
    let mut all = Vec::new();
    for one in Circumstance::all() {
        all.push(Told {
            when: in_words(&one),
            read: seen(suite, read, &one).await?,
            write: seen(suite, write, &one).await?,
        });
    }
    Ok(all)
}

fn in_words(one: &Circumstance) -> String {
    match one.name {
        "reset" => "the connection breaks".to_owned(),
        "reset_after_write" => "the connection breaks after it was done".to_owned(),
        "hang" => "no answer comes".to_owned(),
        "truncate" => "the answer breaks off".to_owned(),
        "garbage" => "the answer cannot be read".to_owned(),
        "html" => "a gateway's page with status 502".to_owned(),
        "html in place of an answer" => "a page in place of an answer".to_owned(),
        status => format!("status {status}"),
    }
}

async fn seen(
    suite: &Suite,
    spec: Option<&&'static Spec>,
    one: &Circumstance,
) -> Result<Option<Seen>, String> {
    let Some(spec) = spec else { return Ok(None) };
    let builder = match one.name {
        "hang" => suite.impatient(),
        _ => suite.builder(),
    };
    let stage = suite.stage_in(spec.name, builder).await?;
    stage.world.fault(one.rule.clone());
    Ok(stage.call().await.err().as_ref().map(Seen::of))
}
