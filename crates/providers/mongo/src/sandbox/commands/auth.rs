//! Who is at the other end of a connection.
//!
//! SCRAM lets a server check a password only if it knows it, and a client check the server
//! likewise. So "any credentials will do" cannot be had here: the password is the user's own name,
//! or `sandbox`. `PLAIN` shows the password, so there any will do. A user name or password with
//! `wrong` in it is always refused; a connection without credentials is served, as by a server
//! without users.

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};

use super::{
    Args, State, done,
    scram::{self, Exchange},
};
use crate::sandbox::failure::{Failure, Result};

/// The mechanism that the handshake offers.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";

/// What is known about one connection.
#[derive(Debug)]
pub(crate) struct Session {
    connection: i32,
    user: Option<(String, String)>,
    conversation: Option<Conversation>,
}

#[derive(Debug)]
struct Conversation {
    exchange: Exchange,
    database: String,
    /// Whether the client spares itself the empty message at the end.
    short: bool,
}

impl Session {
    pub(crate) fn new(connection: i32) -> Self {
        Self {
            connection,
            user: None,
            conversation: None,
        }
    }

    pub(super) fn connection(&self) -> i32 {
        self.connection
    }

    /// The user and the database it belongs to, once authenticated.
    pub(super) fn user(&self) -> Option<&(String, String)> {
        self.user.as_ref()
    }
}

fn failed() -> Failure {
    Failure::new(18, "Authentication failed.")
}

fn step(payload: &str, finished: bool) -> Document {
    let payload = Binary {
        subtype: BinarySubtype::Generic,
        bytes: payload.as_bytes().to_vec(),
    };
    doc! { "conversationId": 1, "done": finished, "payload": payload }
}

fn payload(command: &Document) -> Result<&[u8]> {
    match command.get("payload") {
        Some(Bson::Binary(payload)) => Ok(&payload.bytes),
        Some(Bson::String(payload)) => Ok(payload.as_bytes()),
        _ => Err(Failure::new(
            40414,
            "BSON field 'saslStart.payload' is missing but a required field",
        )),
    }
}

/// The first step, sent along with the handshake; a refusal there waits for the real one.
pub(super) fn speculate(session: &mut Session, command: &Document) -> Option<Document> {
    let database = command.get_str("db").unwrap_or("admin").to_owned();
    begin(session, command, &database).ok()
}

pub(super) fn start(_: &mut State, session: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(
        &["mechanism", "payload", "options", "autoAuthorize", "db"],
        &[],
    )?;
    begin(session, args.body(), args.database())
}

fn begin(session: &mut Session, command: &Document, database: &str) -> Result<Document> {
    session.conversation = None;
    match command.get_str("mechanism").unwrap_or_default() {
        MECHANISM => {
            let exchange = Exchange::begin(payload(command)?).ok_or_else(failed)?;
            if exchange.user().contains("wrong") {
                return Err(failed());
            }
            let reply = step(exchange.challenge(), false);
            let options = command.get_document("options").ok();
            let short = options
                .and_then(|o| o.get_bool("skipEmptyExchange").ok())
                .unwrap_or(false);
            let database = database.to_owned();
            session.conversation = Some(Conversation {
                exchange,
                database,
                short,
            });
            Ok(reply)
        }
        "PLAIN" => {
            let (user, password) = scram::plain(payload(command)?).ok_or_else(failed)?;
            if user.contains("wrong") || password.contains("wrong") {
                return Err(failed());
            }
            session.user = Some((user, database.to_owned()));
            Ok(step("", true))
        }
        other => Err(Failure::new(
            334,
            format!("Received authentication for mechanism {other} which is not enabled"),
        )),
    }
}

pub(super) fn resume(_: &mut State, session: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&["conversationId", "payload"], &[])?;
    let Some(conversation) = session.conversation.take() else {
        return Err(Failure::new(17, "No SASL session state found"));
    };
    let payload = payload(args.body())?;
    if session.user.is_some() && payload.is_empty() {
        return Ok(step("", true));
    }
    let user = conversation.exchange.user().to_owned();
    let candidates = [user.as_str(), "sandbox"];
    let proof = conversation
        .exchange
        .finish(payload, &candidates)
        .ok_or_else(failed)?;
    session.user = Some((user, conversation.database.clone()));
    let short = conversation.short;
    if !short {
        session.conversation = Some(conversation);
    }
    Ok(step(&proof, short))
}

pub(super) fn logout(_: &mut State, session: &mut Session, _: &Args<'_>) -> Result<Document> {
    session.user = None;
    Ok(done())
}
