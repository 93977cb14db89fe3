//! The commands that need no engine.

use bson::{DateTime, Document, doc};

use super::state::{State, session_id};

/// What MongoDB 7.0 says; newer drivers ask newer servers for commands that the engine lacks.
const WIRE_VERSION: i32 = 21;
const VERSION: &str = "7.0.0";

/// The answer, or nothing when the engine must be asked.
pub(super) async fn answer(command: &Document, state: &State, number: i32) -> Option<Document> {
    let name = command.keys().next().map(String::as_str)?;
    let answer = match name {
        "hello" | "isMaster" | "ismaster" => hello(number),
        "ping" => doc! { "ok": 1.0 },
        "buildInfo" | "buildinfo" => doc! {
            "version": VERSION, "versionArray": [7, 0, 0, 0], "gitVersion": "documentdb",
            "modules": [], "bits": 64, "maxBsonObjectSize": 16 * 1024 * 1024, "ok": 1.0,
        },
        // Nobody logs in to the front.
        "connectionStatus" => doc! {
            "authInfo": { "authenticatedUsers": [], "authenticatedUserRoles": [] }, "ok": 1.0,
        },
        "endSessions" => {
            end_sessions(command, state).await;
            doc! { "ok": 1.0 }
        }
        "killCursors" => kill_cursors(command, state).await,
        _ => return None,
    };
    Some(answer)
}

/// The router's message and the session time-out make drivers allow sessions and transactions.
fn hello(number: i32) -> Document {
    doc! {
        "isWritablePrimary": true,
        "ismaster": true,
        "helloOk": true,
        "msg": "isdbgrid",
        "maxBsonObjectSize": 16 * 1024 * 1024,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "localTime": DateTime::now(),
        "logicalSessionTimeoutMinutes": 30,
        "connectionId": number,
        "minWireVersion": 0,
        "maxWireVersion": WIRE_VERSION,
        "readOnly": false,
        "ok": 1.0,
    }
}

/// Dropping the connection of an open transaction rolls it back.
async fn end_sessions(command: &Document, state: &State) {
    let ended: Vec<Vec<u8>> = command
        .get_array("endSessions")
        .into_iter()
        .flatten()
        .filter_map(|lsid| session_id(lsid.as_document()?))
        .collect();
    state
        .transactions
        .lock()
        .await
        .retain(|(session, _), _| !ended.contains(session));
}

async fn kill_cursors(command: &Document, state: &State) -> Document {
    let asked = command.get_array("cursors").cloned().unwrap_or_default();
    let mut cursors = state.cursors.lock().await;
    let (killed, missing): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|id| id.as_i64().is_some_and(|id| cursors.remove(&id).is_some()));
    doc! {
        "cursorsKilled": killed, "cursorsNotFound": missing,
        "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0,
    }
}
