//! One driver connection.

use std::sync::Arc;

use bson::Document;
use business_tools_mongo::sandbox::wire;
use tokio::net::TcpStream;

use super::command;
use super::errors::Fault;
use super::local;
use super::postgres::Postgres;
use super::state::{State, TransactionId, transaction};

/// Answers commands until the driver hangs up or sends something that is no message.
pub(super) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let number = state.number();
    let mut own = None;
    while let Ok(Some(message)) = wire::read_message(&mut stream).await {
        let reply = match local::answer(&message.body, &state, number).await {
            Some(reply) => reply,
            None => engine(&message.body, &state, &mut own)
                .await
                .unwrap_or_else(Fault::reply),
        };
        if message.more_to_come {
            continue;
        }
        if wire::write_reply(&mut stream, &message, &reply)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Asks the engine, over the transaction's connection or over this driver connection's own.
async fn engine(
    command: &Document,
    state: &State,
    own: &mut Option<Arc<Postgres>>,
) -> Result<Document, Fault> {
    if let Some(id) = transaction(command) {
        return in_transaction(command, state, id).await;
    }
    let postgres = match own {
        Some(postgres) if !postgres.is_taken() => Arc::clone(postgres),
        _ => Arc::clone(own.insert(Arc::new(Postgres::connect(&state.url).await?))),
    };
    command::run(command, &postgres, state).await
}

async fn in_transaction(
    command: &Document,
    state: &State,
    id: TransactionId,
) -> Result<Document, Fault> {
    let gone = || Fault::new(251, "NoSuchTransaction", "the transaction is not open").transient();
    let end = match command.keys().next().map(String::as_str) {
        Some("commitTransaction") => Some("COMMIT"),
        Some("abortTransaction") => Some("ROLLBACK"),
        _ => None,
    };
    if let Some(end) = end {
        let postgres = state
            .transactions
            .lock()
            .await
            .remove(&id)
            .ok_or_else(gone)?;
        postgres.run(end).await?;
        return Ok(bson::doc! { "ok": 1.0 });
    }
    let postgres = if command.get_bool("startTransaction").unwrap_or_default() {
        let postgres = Arc::new(Postgres::connect(&state.url).await?);
        postgres.run("BEGIN").await?;
        state
            .transactions
            .lock()
            .await
            .insert(id.clone(), Arc::clone(&postgres));
        postgres
    } else {
        state
            .transactions
            .lock()
            .await
            .get(&id)
            .map(Arc::clone)
            .ok_or_else(gone)?
    };
    let done = command::run(command, &postgres, state).await;
    if done.is_err() {
        // A failed command ends a transaction, in PostgreSQL as in MongoDB.
        state.transactions.lock().await.remove(&id);
    }
    done
}
