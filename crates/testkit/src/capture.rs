//! What a process would tell the world: its log, its audit and its metrics, kept in memory.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use business_tools_core::call::audit::AuditSink;
use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Text that is written to by many and read at the end.
#[derive(Debug, Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0)).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Keeps everything that this thread logs, down to the finest level, until the guard is dropped.
///
/// A test on a runtime of one thread has all of its tasks here.
pub fn log(into: &Buffer) -> DefaultGuard {
    // With one subscriber alive, a place in the code that is first reached by a thread without any counts as
    // one that nobody listens to, for all threads.
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(into.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

/// The audit lines of a world.
#[derive(Debug, Clone, Default)]
pub struct AuditLines(Arc<Mutex<Vec<Value>>>);

impl AuditLines {
    /// Every line so far.
    pub fn lines(&self) -> Vec<Value> {
        lock(&self.0).clone()
    }
}

impl AuditSink for AuditLines {
    fn record(&self, line: &Value) {
        lock(&self.0).push(line.clone());
    }
}
