//! MongoDB's wire protocol in front of the DocumentDB engine.
//!
//! The engine is PostgreSQL with one SQL function per MongoDB command, each taking and giving BSON;
//! what it lacks is somebody who listens to drivers. This is that somebody, for tests only: it
//! reads a command, makes one SQL call, and sends the answer back.

mod command;
mod connection;
mod errors;
mod explain;
mod local;
mod postgres;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use state::State;

/// A listening front; dropping it closes it and every connection.
pub(crate) struct Front {
    uri: String,
    task: JoinHandle<()>,
}

impl Front {
    /// Listens on a free loopback port and sends every command to the PostgreSQL at `url`.
    pub(crate) async fn start(url: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let uri = format!("mongodb://{}/", listener.local_addr()?);
        let state = Arc::new(State::new(url));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection::serve(stream, Arc::clone(&state)));
            }
        });
        Ok(Self { uri, task })
    }

    /// For the driver.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
