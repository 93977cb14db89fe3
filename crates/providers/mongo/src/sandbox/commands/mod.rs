//! The commands, by name.
#![allow(
    clippy::unnecessary_wraps,
    reason = "commands share one signature, whether or not they can fail"
)]

mod admin;
mod args;
mod auth;
mod catalog;
mod cursor;
mod explain;
mod find_and_modify;
mod handshake;
mod indexes;
mod read;
mod scram;
mod stats;
mod write;

use bson::{Document, doc};

use self::args::Args;
pub(crate) use self::{auth::Session, cursor::Cursors};
use super::{
    failure::{Failure, Result},
    store::Store,
};

/// All that a server knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) cursors: Cursors,
}

type Handler = fn(&mut State, &mut Session, &Args<'_>) -> Result<Document>;

fn handler(name: &str) -> Option<Handler> {
    Some(match name {
        "hello" | "isMaster" | "ismaster" => handshake::hello,
        "ping" => handshake::ping,
        "buildInfo" | "buildinfo" => handshake::build_info,
        "connectionStatus" => handshake::connection_status,
        "endSessions" => handshake::end_sessions,
        "saslStart" => auth::start,
        "saslContinue" => auth::resume,
        "logout" => auth::logout,
        "find" => read::find,
        "aggregate" => read::aggregate,
        "count" => read::count,
        "distinct" => read::distinct,
        "explain" => explain::explain,
        "getMore" => cursor::get_more,
        "killCursors" => cursor::kill,
        "insert" => write::insert,
        "update" => write::update,
        "delete" => write::delete,
        "findAndModify" | "findandmodify" => find_and_modify::run,
        "listDatabases" => admin::list_databases,
        "dropDatabase" => admin::drop_database,
        "listCollections" => catalog::list,
        "create" => catalog::create,
        "drop" => catalog::drop,
        "listIndexes" => indexes::list,
        "createIndexes" => indexes::create,
        "dropIndexes" | "deleteIndexes" => indexes::drop,
        "collStats" | "collstats" => stats::collection,
        "dbStats" | "dbstats" => stats::database,
        _ => return None,
    })
}

/// Runs one command and answers what goes back, errors included.
pub(crate) fn run(state: &mut State, session: &mut Session, command: &Document) -> Document {
    let result = Args::new(command).and_then(|args| {
        let handler = handler(args.command())
            .ok_or_else(|| Failure::new(59, format!("no such command: '{}'", args.command())))?;
        args.check_generic()?;
        handler(state, session, &args)
    });
    match result {
        Ok(mut reply) => {
            if !reply.contains_key("ok") {
                reply.insert("ok", 1.0);
            }
            reply
        }
        Err(failure) => failure.reply(),
    }
}

/// The reply of a command that has nothing to say.
fn done() -> Document {
    doc! { "ok": 1.0 }
}
