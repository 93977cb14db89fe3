//! The tables, and opening the file that has them.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::alive::private_folder;
use crate::state::now_ms;

/// The format of the file. A release that changes it brings the older ones up to it, one after the other.
const VERSION: i64 = 1;
/// Tells our file from others: `BTst`.
const APPLICATION: i64 = 0x4254_7374;

const TABLES: &str = "
CREATE TABLE records (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, owner TEXT NOT NULL,
    begun INTEGER NOT NULL, done INTEGER, outcome BLOB, until INTEGER NOT NULL
);
CREATE INDEX records_until ON records (until);
CREATE TABLE vals (
    folder TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, until INTEGER,
    PRIMARY KEY (folder, name)
);
CREATE INDEX vals_until ON vals (until) WHERE until IS NOT NULL;
CREATE TABLE logs (
    log TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, entry BLOB NOT NULL,
    PRIMARY KEY (log, number)
);
CREATE TABLE log_ends (log TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE windows (
    lane TEXT NOT NULL, rule TEXT NOT NULL, until INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (lane, rule, until)
) WITHOUT ROWID;
-- For a person with the sqlite3 program: the same with times that can be read.
CREATE VIEW writes AS SELECT key, owner,
    datetime(begun / 1000, 'unixepoch') AS begun, datetime(done / 1000, 'unixepoch') AS done,
    datetime(until / 1000, 'unixepoch') AS kept_until, length(outcome) AS bytes FROM records;
CREATE VIEW spent AS SELECT lane, rule, sum(count) AS requests,
    datetime(max(until) / 1000, 'unixepoch') AS free_at FROM windows GROUP BY lane, rule;
";

pub(super) fn open(path: &Path) -> Result<Connection, String> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        private_folder(folder).map_err(|fault| fault.to_string())?;
    }
    // Made here and not by SQLite, so that it is nobody else's to read from the beginning.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|fault| fault.to_string())?;

    let mut connection = Connection::open(path).map_err(|fault| fault.to_string())?;
    prepare(&mut connection).map_err(|fault| match fault {
        Unfit::Newer(version) => format!(
            "written by a newer release (format {version}); use that release, or another `state.path`"
        ),
        Unfit::Foreign => "this is a file of another program; choose another `state.path`".to_owned(),
        Unfit::Failed(fault) if fault.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            "this is no state file; choose another `state.path`".to_owned()
        }
        Unfit::Failed(fault) => fault.to_string(),
    })?;
    Ok(connection)
}

enum Unfit {
    Newer(i64),
    Foreign,
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Failed(fault)
    }
}

fn prepare(connection: &mut Connection) -> Result<(), Unfit> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // What a write is told to be safe is on the disk: the log is synchronised with every transaction.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512;
         PRAGMA journal_size_limit = 1048576; PRAGMA trusted_schema = OFF;",
    )?;
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: i64 = change.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    match version {
        0 => {
            let tables = "SELECT count(*) FROM sqlite_schema";
            let tables: i64 = change.query_row(tables, [], |row| row.get(0))?;
            if tables > 0 {
                return Err(Unfit::Foreign);
            }
            change.execute_batch(TABLES)?;
            change.pragma_update(None, "application_id", APPLICATION)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        _ if application != APPLICATION => return Err(Unfit::Foreign),
        VERSION => {}
        newer => return Err(Unfit::Newer(newer)),
    }
    sweep(&change)?;
    change.commit()?;
    Ok(())
}

/// Drops what is over.
pub(super) fn sweep(connection: &Connection) -> rusqlite::Result<()> {
    let now = now_ms();
    connection.execute("DELETE FROM records WHERE until <= ?1", [now])?;
    connection.execute("DELETE FROM vals WHERE until <= ?1", [now])?;
    connection.execute("DELETE FROM windows WHERE until <= ?1", [now])?;
    Ok(())
}
