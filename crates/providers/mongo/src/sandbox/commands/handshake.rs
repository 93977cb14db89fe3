//! What a driver asks before it asks for data.

use bson::{Bson, DateTime, Document, doc};

use super::{Args, Session, State, auth, done};
use crate::sandbox::{
    failure::Result,
    wire::{MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES},
};

/// The release whose behaviour is imitated: the one before `bulkWrite` became a command.
const VERSION: [i32; 4] = [7, 0, 0, 0];
const WIRE_VERSION: i32 = 21;

fn version() -> String {
    let [major, minor, patch, _] = VERSION;
    format!("{major}.{minor}.{patch}")
}

fn int(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A standalone server: drivers then neither retry writes nor start transactions.
pub(super) fn hello(_: &mut State, session: &mut Session, args: &Args<'_>) -> Result<Document> {
    let primary = if args.command() == "hello" {
        "isWritablePrimary"
    } else {
        "ismaster"
    };
    let mut reply = doc! {
        "helloOk": true,
        primary: true,
        "maxBsonObjectSize": int(MAX_DOCUMENT_BYTES),
        "maxMessageSizeBytes": int(MAX_MESSAGE_BYTES),
        "maxWriteBatchSize": 100_000,
        "localTime": DateTime::now(),
        "logicalSessionTimeoutMinutes": 30,
        "connectionId": session.connection(),
        "minWireVersion": 0,
        "maxWireVersion": WIRE_VERSION,
        "readOnly": false,
    };
    if args.get("saslSupportedMechs").is_some() {
        reply.insert(
            "saslSupportedMechs",
            vec![Bson::String(auth::MECHANISM.to_owned())],
        );
    }
    if let Some(start) = args.document("speculativeAuthenticate")?
        && let Some(first) = auth::speculate(session, start)
    {
        reply.insert("speculativeAuthenticate", first);
    }
    reply.insert("ok", 1.0);
    Ok(reply)
}

pub(super) fn ping(_: &mut State, _: &mut Session, args: &Args<'_>) -> Result<Document> {
    args.check(&[], &[])?;
    Ok(done())
}

pub(super) fn build_info(_: &mut State, _: &mut Session, _: &Args<'_>) -> Result<Document> {
    Ok(doc! {
        "version": version(),
        "versionArray": VERSION.to_vec(),
        "gitVersion": "sandbox",
        "modules": [],
        "sysInfo": "sandbox",
        "allocator": "system",
        "bits": 64,
        "debug": false,
        "maxBsonObjectSize": int(MAX_DOCUMENT_BYTES),
        "storageEngines": ["memory"],
    })
}

pub(super) fn connection_status(
    _: &mut State,
    session: &mut Session,
    args: &Args<'_>,
) -> Result<Document> {
    args.check(&["showPrivileges"], &[])?;
    let (mut users, mut roles) = (Vec::new(), Vec::new());
    if let Some((user, database)) = session.user() {
        users.push(doc! { "user": user, "db": database });
        roles.push(doc! { "role": "readWriteAnyDatabase", "db": "admin" });
    }
    let mut info = doc! { "authenticatedUsers": users, "authenticatedUserRoles": roles };
    if args.flag("showPrivileges")? {
        info.insert("authenticatedUserPrivileges", Vec::<Bson>::new());
    }
    Ok(doc! { "authInfo": info })
}

pub(super) fn end_sessions(_: &mut State, _: &mut Session, _: &Args<'_>) -> Result<Document> {
    Ok(done())
}
