//! One SQL call for each command.

use std::sync::Arc;

use bson::{Bson, Document, doc};

use super::errors::{Fault, raw_fault, unpack_write_errors};
use super::explain::explain;
use super::postgres::{Postgres, document, literal, quoted};
use super::state::{Cursor, State};

/// Fields that are between driver and server, which the engine does not know.
const ENVELOPE: &[&str] = &[
    "$db",
    "lsid",
    "txnNumber",
    "startTransaction",
    "autocommit",
    "$clusterTime",
    "$readPreference",
    "readConcern",
    "writeConcern",
    "apiVersion",
    "apiStrict",
    "apiDeprecationErrors",
    "maxTimeMS",
    "authorizedDatabases",
];

/// Runs one command.
pub(super) async fn run(
    command: &Document,
    postgres: &Arc<Postgres>,
    state: &State,
) -> Result<Document, Fault> {
    let database = command.get_str("$db").map_err(Fault::internal)?;
    let limit = command
        .get("maxTimeMS")
        .and_then(number)
        .unwrap_or_default();
    let spec: Document = command
        .iter()
        .filter(|(name, _)| !ENVELOPE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let call = Call {
        database,
        spec: &spec,
        postgres,
        state,
    };
    postgres.limit(limit).await?;
    call.run().await
}

struct Call<'call> {
    database: &'call str,
    spec: &'call Document,
    postgres: &'call Arc<Postgres>,
    state: &'call State,
}

impl Call<'_> {
    async fn run(&self) -> Result<Document, Fault> {
        let name = self
            .spec
            .keys()
            .next()
            .map(String::as_str)
            .unwrap_or_default();
        match name {
            "insert" | "update" | "delete" => {
                let sql = select("p_result", &format!("{name}({}, NULL)", self.arguments()?));
                let mut reply = self.document(&sql).await?;
                unpack_write_errors(&mut reply);
                Ok(reply)
            }
            "find" => self.cursor("find_cursor_first_page").await,
            "aggregate" => self.cursor("aggregate_cursor_first_page").await,
            "listCollections" => self.cursor("list_collections_cursor_first_page").await,
            "listIndexes" => self.cursor("list_indexes_cursor_first_page").await,
            "getMore" => self.get_more().await,
            "count" => self.with_arguments("document", "count_query").await,
            "distinct" => self.with_arguments("document", "distinct_query").await,
            "findAndModify" | "findandmodify" => {
                self.with_arguments("p_result", "find_and_modify").await
            }
            "createIndexes" => self.create_indexes().await,
            "dropIndexes" | "deleteIndexes" => {
                let sql = format!(
                    "CALL documentdb_api.drop_indexes({}, NULL)",
                    self.arguments()?
                );
                self.document(&sql).await
            }
            "create" => self.with_arguments("*", "create_collection_view").await,
            "drop" => self.drop_collection().await,
            "dropDatabase" => {
                let name = quoted(self.database);
                self.postgres
                    .row(&select("*", &format!("drop_database({name})")))
                    .await?;
                Ok(doc! { "dropped": self.database, "ok": 1.0 })
            }
            "renameCollection" => {
                let call = format!("rename_collection({})", literal(self.spec)?);
                self.document(&select("*", &call)).await
            }
            "collMod" => {
                let arguments = format!(
                    "{}, {}, {}",
                    quoted(self.database),
                    self.collection()?,
                    literal(self.spec)?
                );
                self.document(&select("*", &format!("coll_mod({arguments})")))
                    .await
            }
            "listDatabases" => {
                let call = format!("list_databases({})", literal(self.spec)?);
                self.document(&select("*", &call)).await
            }
            "collStats" | "collstats" => {
                let arguments = format!(
                    "{}, {}, {}",
                    quoted(self.database),
                    self.collection()?,
                    self.scale()
                );
                self.document(&select("*", &format!("coll_stats({arguments})")))
                    .await
            }
            "dbStats" | "dbstats" => {
                let arguments = format!("{}, {}", quoted(self.database), self.scale());
                self.document(&select("*", &format!("db_stats({arguments})")))
                    .await
            }
            "explain" => explain(self.postgres, self.database, self.spec).await,
            _ => Err(Fault::new(
                59,
                "CommandNotFound",
                format!("no such command: '{name}'"),
            )),
        }
    }

    /// The database and the command, as most functions want them.
    fn arguments(&self) -> Result<String, Fault> {
        Ok(format!(
            "{}, {}",
            quoted(self.database),
            literal(self.spec)?
        ))
    }

    /// The name of the collection, which is the value of the command's own field.
    fn collection(&self) -> Result<String, Fault> {
        let name = self.spec.values().next().and_then(Bson::as_str);
        name.map(quoted)
            .ok_or_else(|| Fault::new(73, "InvalidNamespace", "collection name has invalid type"))
    }

    fn scale(&self) -> i64 {
        self.spec.get("scale").and_then(number).unwrap_or(1)
    }

    async fn with_arguments(&self, column: &str, function: &str) -> Result<Document, Fault> {
        let call = format!("{function}({})", self.arguments()?);
        self.document(&select(column, &call)).await
    }

    /// The reply in the first column. Drivers want a number where the engine may say true.
    async fn document(&self, sql: &str) -> Result<Document, Fault> {
        let mut reply = document(&self.postgres.row(sql).await?, 0)?;
        if let Ok(ok) = reply.get_bool("ok") {
            reply.insert("ok", f64::from(u8::from(ok)));
        }
        Ok(reply)
    }

    /// The first page of a cursor; what is left is remembered under its id.
    async fn cursor(&self, function: &str) -> Result<Document, Fault> {
        let call = format!("{function}({})", self.arguments()?);
        let sql = select(
            "cursorpage, continuation, cursorid, persistconnection",
            &call,
        );
        let row = self.postgres.row(&sql).await?;
        let page = document(&row, 0)?;
        let id = row
            .get(2)
            .and_then(|id| id.parse::<i64>().ok())
            .unwrap_or_default();
        if let (Some(continuation), true) = (row.get(1), id != 0) {
            if row.get(3) == Some("t") {
                self.postgres.take();
            }
            let cursor = Cursor {
                postgres: Arc::clone(self.postgres),
                continuation: continuation.to_owned(),
            };
            self.state.cursors.lock().await.insert(id, cursor);
        }
        Ok(page)
    }

    async fn get_more(&self) -> Result<Document, Fault> {
        let id = self.spec.get_i64("getMore").map_err(Fault::internal)?;
        let cursor =
            self.state.cursors.lock().await.remove(&id).ok_or_else(|| {
                Fault::new(43, "CursorNotFound", format!("cursor id {id} not found"))
            })?;
        let call = format!(
            "cursor_get_more({}, {}::documentdb_core.bson)",
            self.arguments()?,
            quoted(&cursor.continuation)
        );
        let row = cursor
            .postgres
            .row(&select("cursorpage, continuation", &call))
            .await?;
        let page = document(&row, 0)?;
        if let Some(continuation) = row.get(1) {
            let continuation = continuation.to_owned();
            self.state.cursors.lock().await.insert(
                id,
                Cursor {
                    continuation,
                    ..cursor
                },
            );
        }
        Ok(page)
    }

    /// Builds in line: the engine's own way leaves the work to a job that runs every two seconds.
    async fn create_indexes(&self) -> Result<Document, Fault> {
        let sql = format!(
            "SELECT documentdb_api_internal.create_indexes_non_concurrently({}, true)",
            self.arguments()?
        );
        let reply = self.document(&sql).await?;
        match raw_fault(&reply) {
            Some(fault) => Err(fault),
            None => Ok(reply),
        }
    }

    /// MongoDB 7 answers ok for a collection that is not there.
    async fn drop_collection(&self) -> Result<Document, Fault> {
        let collection = self.collection()?;
        let call = format!("drop_collection({}, {collection})", quoted(self.database));
        self.postgres.row(&select("*", &call)).await?;
        Ok(doc! { "ok": 1.0 })
    }
}

fn select(columns: &str, call: &str) -> String {
    format!("SELECT {columns} FROM documentdb_api.{call}")
}

/// A whole number, however it is stored.
fn number(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a scale or a time, always small"
        )]
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    }
}
