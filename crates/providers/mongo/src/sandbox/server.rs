//! The listener: one task per connection, one lock around the data.

use std::{
    borrow::Cow,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use bson::{Document, doc};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    commands::{self, Session, State},
    company,
    fault::{WireFault, WireFaults},
    seed,
    wire::{self, Message},
};

/// Bytes per piece of a slow reply, and the size that a huge one grows to.
const PIECE: usize = 64;
const HUGE: usize = 32 * 1024 * 1024;

/// A running simulator. Dropping it changes nothing; cancel the token it was started with.
#[derive(Debug, Clone)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    connections: TaskTracker,
}

impl Simulator {
    /// Serves MongoDB on `listener` until `shutdown` is cancelled.
    ///
    /// # Errors
    /// When the listener has no local address.
    #[allow(
        clippy::unused_async,
        reason = "it spawns, so it belongs inside a runtime"
    )]
    pub async fn start(
        listener: TcpListener,
        faults: Arc<dyn WireFaults>,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        let simulator = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
            connections: TaskTracker::new(),
        };
        let serving = simulator.clone();
        simulator.connections.spawn(async move {
            shutdown
                .run_until_cancelled(serving.accept(&listener, faults, &shutdown))
                .await;
            serving.connections.close();
        });
        Ok(simulator)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection string for a driver.
    pub fn uri(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address)
    }

    /// Forgets all databases and cursors.
    pub fn reset(&self) {
        *lock(&self.state) = State::default();
    }

    /// Fills the database `shop` with a few customers and orders, replacing what it held.
    pub fn seed_shop(&self) {
        seed::shop(&mut lock(&self.state).store);
    }

    /// Puts the shop of the demo company in.
    pub fn seed_demo(&self) {
        company::fill(&mut lock(&self.state).store);
    }

    /// Resolves when, after the shutdown, the last connection has ended.
    pub async fn stopped(&self) {
        self.connections.wait().await;
    }

    async fn accept(
        &self,
        listener: &TcpListener,
        faults: Arc<dyn WireFaults>,
        shutdown: &CancellationToken,
    ) {
        let number = AtomicI32::new(1);
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file handles, most likely: give connections time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let connection = Connection {
                stream,
                state: Arc::clone(&self.state),
                faults: Arc::clone(&faults),
                session: Session::new(number.fetch_add(1, Ordering::Relaxed)),
            };
            let shutdown = shutdown.clone();
            self.connections.spawn(async move {
                let served = shutdown.run_until_cancelled_owned(connection.serve()).await;
                if let Some(Err(error)) = served {
                    tracing::debug!(%error, "a connection to the MongoDB simulator ended");
                }
            });
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command as it may be written down: `PLAIN` has the password in its payload.
fn without_secrets(command: &Document) -> Cow<'_, Document> {
    let mut command = Cow::Borrowed(command);
    if command.contains_key("payload") {
        command.to_mut().insert("payload", "***");
    }
    if command.contains_key("speculativeAuthenticate") {
        command.to_mut().insert("speculativeAuthenticate", "***");
    }
    command
}

struct Connection {
    stream: TcpStream,
    state: Arc<Mutex<State>>,
    faults: Arc<dyn WireFaults>,
    session: Session,
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        while let Some(message) = wire::read_message(&mut self.stream).await? {
            self.faults
                .record(message.database(), &without_secrets(&message.body));
            let handshake = matches!(message.command(), "hello" | "isMaster" | "ismaster");
            let fault = if handshake {
                None
            } else {
                self.faults.next(message.command())
            };
            match fault {
                None => {
                    let reply = self.apply(&message);
                    self.answer(&message, &reply).await?;
                }
                Some(fault) => {
                    if !self.fail(&message, fault).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, message: &Message) -> Document {
        commands::run(&mut lock(&self.state), &mut self.session, &message.body)
    }

    async fn answer(&mut self, message: &Message, reply: &Document) -> io::Result<()> {
        if message.more_to_come {
            return Ok(());
        }
        wire::write_reply(&mut self.stream, message, reply).await
    }

    /// Plays the fault; `false` ends the connection.
    async fn fail(&mut self, message: &Message, fault: WireFault) -> io::Result<bool> {
        match fault {
            WireFault::Latency(time) => {
                tokio::time::sleep(time).await;
                let reply = self.apply(message);
                self.answer(message, &reply).await?;
            }
            WireFault::Error {
                code,
                name,
                message: text,
            } => {
                let reply = doc! { "ok": 0.0, "errmsg": text, "code": code, "codeName": name };
                self.answer(message, &reply).await?;
            }
            WireFault::Hang => {
                std::future::pending::<()>().await;
            }
            WireFault::Reset => {
                self.stream.set_zero_linger()?;
                return Ok(false);
            }
            WireFault::ResetAfterWrite => {
                self.apply(message);
                self.stream.set_zero_linger()?;
                return Ok(false);
            }
            WireFault::Garbage => {
                self.stream
                    .write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html></html>")
                    .await?;
                return Ok(false);
            }
            WireFault::Truncate => {
                let reply = self.apply(message);
                let bytes = wire::encode_reply(message, &reply)?;
                self.stream.write_all(&bytes[..bytes.len() / 2]).await?;
                self.stream.shutdown().await?;
                return Ok(false);
            }
            WireFault::Huge => {
                let mut reply = self.apply(message);
                reply.insert("padding", "x".repeat(HUGE));
                self.answer(message, &reply).await?;
            }
            WireFault::SlowBody(pause) => {
                let reply = self.apply(message);
                for piece in wire::encode_reply(message, &reply)?.chunks(PIECE) {
                    tokio::time::sleep(pause).await;
                    self.stream.write_all(piece).await?;
                }
            }
        }
        Ok(true)
    }
}
