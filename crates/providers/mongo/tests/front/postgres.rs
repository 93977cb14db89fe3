//! One connection to the engine.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bson::Document;
use tokio_postgres::{NoTls, SimpleQueryMessage, SimpleQueryRow};

use super::errors::Fault;

/// Speaks the simple query protocol: documents go in and out as hexadecimal text.
pub(super) struct Postgres {
    client: tokio_postgres::Client,
    /// The statement timeout that is set, in milliseconds; 0 is none.
    timeout: AtomicI64,
    /// A cursor lives in it, and would be closed by the next one that is opened here.
    taken: AtomicBool,
}

impl Postgres {
    pub(super) async fn connect(url: &str) -> Result<Self, Fault> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            // It ends when the client is dropped; a broken one fails the next statement.
            drop(connection.await);
        });
        client
            .batch_execute("SET client_min_messages = error")
            .await?;
        Ok(Self {
            client,
            timeout: AtomicI64::new(0),
            taken: AtomicBool::new(false),
        })
    }

    /// Lets each following statement run for so long.
    pub(super) async fn limit(&self, millis: i64) -> Result<(), Fault> {
        if self.timeout.swap(millis, Ordering::Relaxed) != millis {
            self.run(&format!("SET statement_timeout = {millis}"))
                .await?;
        }
        Ok(())
    }

    /// Leaves this connection to the cursor that lives in it.
    pub(super) fn take(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// Whether a cursor has it for itself.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// A statement whose result does not matter.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// The rows of a statement.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<SimpleQueryRow>, Fault> {
        let messages = self.client.simple_query(sql).await?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            })
            .collect())
    }

    /// The first row of a statement.
    pub(super) async fn row(&self, sql: &str) -> Result<SimpleQueryRow, Fault> {
        self.rows(sql)
            .await?
            .into_iter()
            .next()
            .ok_or_else(|| Fault::internal("no row came back"))
    }
}

/// A document as an SQL literal.
pub(super) fn literal(document: &Document) -> Result<String, Fault> {
    use std::fmt::Write;

    let bytes = document.to_vec().map_err(Fault::internal)?;
    let mut text = String::with_capacity(bytes.len() * 2 + 40);
    text.push_str("'BSONHEX");
    for byte in bytes {
        write!(text, "{byte:02x}").map_err(Fault::internal)?;
    }
    text.push_str("'::documentdb_core.bson");
    Ok(text)
}

/// A text as an SQL literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The document in a column.
pub(super) fn document(row: &SimpleQueryRow, column: usize) -> Result<Document, Fault> {
    let text = row
        .get(column)
        .ok_or_else(|| Fault::internal("a document is null"))?;
    let hex = text
        .strip_prefix("BSONHEX")
        .filter(|hex| hex.len() % 2 == 0 && hex.is_ascii())
        .ok_or_else(|| Fault::internal(format!("not a document: {text}")))?;
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
        .collect::<Result<Vec<u8>, _>>()
        .map_err(Fault::internal)?;
    Document::from_reader(bytes.as_slice()).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_name_stays_inside_the_literal() {
        assert_eq!(quoted("o'neil"), "'o''neil'");
    }

    #[test]
    fn a_document_is_written_in_hexadecimal() {
        let text = literal(&Document::new()).unwrap();
        assert_eq!(text, "'BSONHEX0500000000'::documentdb_core.bson");
    }
}
