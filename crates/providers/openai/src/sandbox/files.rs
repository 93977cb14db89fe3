//! `/files`.

use std::sync::Arc;

use business_tools_sandbox::axum::body::Bytes;
use business_tools_sandbox::axum::extract::{Path, RawQuery, State};
use business_tools_sandbox::axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use business_tools_sandbox::axum::response::{IntoResponse, Response};
use business_tools_sandbox::ids::Sequence;
use business_tools_sandbox::{Form as Query, clock, json};
use serde_json::{Value, json};

use super::answer::{Refusal, Taken};
use super::args::{self, Args, Form};
use super::{Account, Caller, World};

const PURPOSES: &[&str] = &[
    "assistants",
    "batch",
    "fine-tune",
    "vision",
    "user_data",
    "evals",
];
const HOUR: i64 = 3_600;
const MONTH: i64 = 30 * 24 * HOUR;

/// An uploaded file.
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    purpose: String,
    pub(super) bytes: Bytes,
    created: i64,
    expires: Option<i64>,
}

impl File {
    pub(super) fn new(ids: &Sequence, name: &str, purpose: &str, bytes: Bytes) -> Self {
        Self {
            id: ids.hex32("file-"),
            name: name.to_owned(),
            purpose: purpose.to_owned(),
            bytes,
            created: now(),
            expires: None,
        }
    }

    /// The same, so many seconds older.
    pub(super) fn made_before(self, seconds: i64) -> Self {
        let created = self.created - seconds;
        Self { created, ..self }
    }

    fn show(&self) -> Value {
        let mut shown = json!({"id": self.id, "object": "file", "bytes": self.bytes.len(),
            "created_at": self.created, "filename": self.name, "purpose": self.purpose,
            "status": "processed"});
        if let Some(at) = self.expires {
            shown["expires_at"] = at.into();
        }
        shown
    }

    fn is_there(&self) -> bool {
        self.expires.is_none_or(|at| at > now())
    }
}

impl Account {
    pub(super) fn keep(&mut self, file: File) {
        self.files.0.insert(file.id.clone(), file);
    }

    /// The file of this id, unless it has expired.
    pub(super) fn file(&self, id: &str) -> Taken<&File> {
        let file = self.files.0.get(id).filter(|file| file.is_there());
        file.ok_or_else(|| no_such_file(id))
    }
}

fn no_such_file(id: &str) -> Refusal {
    Refusal::new(404, format!("No such File object: {id}")).param("id")
}

pub(super) fn now() -> i64 {
    clock::now().as_second()
}

pub(super) async fn upload(
    State(world): State<Arc<World>>,
    caller: Caller,
    Form(args): Form,
) -> Taken<Response> {
    args.only(&["file", "purpose", "expires_after"], &[])?;
    let files = args.files("file");
    let part = *files.first().ok_or_else(|| args::missing("file"))?;
    args.need("purpose")?;
    let purpose = args.one_of("purpose", PURPOSES)?.unwrap_or_default();
    let name = part.file_name.as_deref().unwrap_or_default();
    check(purpose, name, &part.bytes)?;
    let mut file = File::new(&world.ids, name, purpose, part.bytes.clone());
    file.expires = expiry(&args, purpose)?.map(|seconds| file.created + seconds);
    let shown = file.show();
    world
        .accounts
        .with(&caller.account, |account| account.keep(file));
    Ok(json::ok(&shown))
}

/// Files for machines to read line by line are looked at when they arrive.
fn check(purpose: &str, name: &str, bytes: &[u8]) -> Taken<()> {
    if bytes.is_empty() {
        return Err(Refusal::new(400, "File is empty.").param("file"));
    }
    if !matches!(purpose, "batch" | "fine-tune") {
        return Ok(());
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    if !extension.is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl")) {
        let message =
            format!("Invalid file format for purpose {purpose}: {name} must be a .jsonl file.");
        return Err(Refusal::new(400, message).param("file"));
    }
    let text = std::str::from_utf8(bytes).unwrap_or("\0");
    let bad = text
        .lines()
        .position(|line| serde_json::from_str::<serde_json::Map<String, Value>>(line).is_err());
    match bad {
        Some(at) => {
            let message = format!(
                "Invalid file format: line {} of {name} is not a JSON object.",
                at + 1
            );
            Err(Refusal::new(400, message).param("file"))
        }
        None => Ok(()),
    }
}

fn expiry(args: &Args, purpose: &str) -> Taken<Option<i64>> {
    let Some(wish) = args.object("expires_after")? else {
        return Ok((purpose == "batch").then_some(MONTH));
    };
    if wish.get("anchor").and_then(Value::as_str) != Some("created_at") {
        let anchor = wish
            .get("anchor")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return Err(args::unsupported(
            "expires_after.anchor",
            anchor,
            &["created_at"],
        ));
    }
    let seconds = wish.get("seconds").and_then(Value::as_str);
    if let Some(seconds @ HOUR..=MONTH) = seconds.and_then(|text| text.parse().ok()) {
        return Ok(Some(seconds));
    }
    let at = "expires_after.seconds";
    let message = format!("Invalid '{at}': expected an integer from {HOUR} to {MONTH}.");
    Err(Refusal::at(at, "invalid_value", message))
}

pub(super) async fn list(
    State(world): State<Arc<World>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Taken<Response> {
    let query = Query::parse(query.unwrap_or_default());
    let limit = match query.given("limit").map(str::parse::<usize>) {
        None => 10_000,
        Some(Ok(limit @ 1..=10_000)) => limit,
        Some(_) => {
            let message = "Invalid 'limit': expected an integer from 1 to 10000.".to_owned();
            return Err(Refusal::at("limit", "invalid_value", message));
        }
    };
    let newest_first = match query.given("order") {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(other) => return Err(args::unsupported("order", other, &["asc", "desc"])),
    };
    let purpose = query.given("purpose");
    let mut all: Vec<Value> = world.accounts.with(&caller.account, |account| {
        let files = account.files.0.iter().map(|(_, file)| file);
        let wanted =
            |file: &&File| file.is_there() && purpose.is_none_or(|purpose| file.purpose == purpose);
        files.filter(wanted).map(File::show).collect()
    });
    if newest_first {
        all.reverse();
    }
    let start = match query.given("after") {
        None => 0,
        Some(id) => match all.iter().position(|file| file["id"] == id) {
            Some(at) => at + 1,
            None => return Err(no_such_file(id).param("after")),
        },
    };
    let page: Vec<_> = all.iter().skip(start).take(limit).collect();
    let id = |file: Option<&&Value>| file.map_or("".into(), |file| file["id"].clone());
    Ok(json::ok(&json!({
        "object": "list", "data": page, "first_id": id(page.first()), "last_id": id(page.last()),
        "has_more": start + page.len() < all.len(),
    })))
}

pub(super) async fn fetch(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Taken<Response> {
    world.accounts.with(&caller.account, |account| {
        account.file(&id).map(|file| json::ok(&file.show()))
    })
}

pub(super) async fn delete(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Taken<Response> {
    world.accounts.with(&caller.account, |account| {
        account.file(&id)?;
        account.files.0.remove(&id);
        Ok(json::ok(
            &json!({"id": id, "object": "file", "deleted": true}),
        ))
    })
}

pub(super) async fn content(
    State(world): State<Arc<World>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Taken<Response> {
    world.accounts.with(&caller.account, |account| {
        let file = account.file(&id)?;
        if matches!(&*file.purpose, "assistants" | "user_data") {
            let message = format!("Not allowed to download files of purpose: {}", file.purpose);
            return Err(Refusal::new(400, message));
        }
        // Quotes and line breaks of a name must not end the header.
        let name: String = file
            .name
            .chars()
            .filter(|c| c.is_ascii_graphic() && *c != '"')
            .collect();
        let head = [
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ),
        ];
        Ok((head, file.bytes.clone()).into_response())
    })
}
