//! The one way to the server: a command document through the official driver, behind the attempt plane.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bson::{Bson, Document, doc};
use business_tools_core::egress::{Attempt, Label, Request, Response};
use business_tools_core::pools::{self, Pooled};
use business_tools_core::prometheus::IntGauge;
use business_tools_core::{Connections, Cx, Egress, Error, Repeat, Result, Spec, Upstream};
use mongodb::error::ErrorKind;
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::{ClientOptions, ConnectionString, SelectionCriteria};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::ejson;
use crate::fault;
use crate::policy;

tokio::task_local! {
    /// Whether the command running in this task was given a connection, and so may have gone out.
    /// The driver tells pool events in the task that asked; its errors do not tell them apart.
    static HAS_CONNECTION: Cell<bool>;
}

/// A command for a database.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    database: String,
    body: Document,
    reads: bool,
}

impl Request for Command {
    fn label(&self) -> Label {
        let name = self.body.keys().next().cloned();
        Label {
            method: name.unwrap_or_default().into(),
            route: String::new(),
        }
    }

    fn preview(&self) -> Value {
        json!({"database": self.database, "command": ejson::from_document(self.body.clone())})
    }
}

/// The server's answer to a command: `ok` was 1.
#[derive(Debug)]
pub(crate) struct Reply(Document);

impl Response for Reply {}

/// Commands to one deployment, as one user.
pub(crate) struct Client {
    egress: Egress<Command, Reply>,
    max_time: Duration,
    read_concern: Option<Bson>,
    write_concern: Option<Bson>,
}

impl Client {
    pub(crate) fn new(
        connection: ConnectionString,
        app_name: &str,
        max_time: Duration,
        upstream: &Upstream,
    ) -> Result<Self> {
        let concern = |bson: bson::error::Result<Bson>| match bson {
            Ok(Bson::Document(concern)) if concern.is_empty() => Ok(None),
            Ok(concern) => Ok(Some(concern)),
            Err(error) => Err(Error::internal(error)),
        };
        // The driver adds these to its own operations, not to commands that are run as they are.
        let (mut read_concern, mut write_concern) = (None, None);
        if let Some(level) = &connection.read_concern {
            read_concern = concern(bson::serialize_to_bson(level))?;
        }
        if let Some(level) = &connection.write_concern {
            write_concern = concern(bson::serialize_to_bson(level))?;
        }
        let driver = Arc::new(Driver {
            connection,
            app_name: app_name.to_owned(),
            rules: upstream.policy().connections,
            client: OnceCell::new(),
            closed: AtomicBool::new(false),
            open: Arc::new(Open {
                here: AtomicUsize::new(0),
                everywhere: upstream.metrics().connections.with_label_values(&[SERVICE]),
            }),
            refused: Mutex::default(),
        });
        let pool: Arc<dyn Pooled> = Arc::clone(&driver) as _;
        upstream.pools().register(&pool);
        Ok(Self {
            egress: upstream.around(tower::service_fn(move |attempt| {
                let driver = Arc::clone(&driver);
                async move { driver.exchange(attempt).await }
            })),
            // The server's clock ends before ours: its answer says more than our silence.
            max_time: max_time.min(upstream.policy().attempt_timeout),
            read_concern,
            write_concern,
        })
    }

    /// Runs a command that changes nothing: it may be repeated whatever the tool is.
    pub(crate) async fn read(
        &self,
        cx: &Cx,
        database: &str,
        mut body: Document,
    ) -> Result<Document> {
        if let Some(concern) = &self.read_concern {
            body.insert("readConcern", concern.clone());
        }
        self.look(cx, database, body).await
    }

    /// Runs a command about metadata: a read for which there is no read concern.
    pub(crate) async fn look(
        &self,
        cx: &Cx,
        database: &str,
        mut body: Document,
    ) -> Result<Document> {
        body.insert("maxTimeMS", self.time_for(cx));
        self.run(cx, Repeat::Safe, database, body, true).await
    }

    /// Runs a command that writes, under the rules of the tool that is being called.
    pub(crate) async fn write(&self, cx: &Cx, database: &str, body: Document) -> Result<Document> {
        self.write_as(cx, repeat_of(cx), database, body).await
    }

    /// Runs a command that writes and may be repeated more or less than its tool in general.
    pub(crate) async fn write_as(
        &self,
        cx: &Cx,
        repeat: Repeat,
        database: &str,
        mut body: Document,
    ) -> Result<Document> {
        self.add_write_concern(&mut body);
        body.insert("maxTimeMS", self.time_for(cx));
        self.run(cx, repeat, database, body, false).await
    }

    /// Runs a write that the server should finish however long it takes.
    pub(crate) async fn write_untimed(
        &self,
        cx: &Cx,
        database: &str,
        mut body: Document,
    ) -> Result<Document> {
        self.add_write_concern(&mut body);
        self.run(cx, repeat_of(cx), database, body, false).await
    }

    fn add_write_concern(&self, body: &mut Document) {
        if let Some(concern) = &self.write_concern {
            body.insert("writeConcern", concern.clone());
        }
    }

    async fn run(
        &self,
        cx: &Cx,
        repeat: Repeat,
        database: &str,
        mut body: Document,
        reads: bool,
    ) -> Result<Document> {
        // Shows in the server's profiler and in currentOp, beside our own log.
        body.insert("comment", cx.request_id());
        let database = database.to_owned();
        let command = Command {
            database,
            body,
            reads,
        };
        let Reply(reply) = self.egress.send_as(cx, repeat, command).await?;
        Ok(reply)
    }

    /// The server's time for a command: the configured one, or what is left of the call.
    fn time_for(&self, cx: &Cx) -> i64 {
        let time = cx
            .remaining()
            .map_or(self.max_time, |left| left.min(self.max_time));
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1)
    }

    /// Closes a cursor that a bounded read left open. Nobody waits for it to succeed.
    pub(crate) async fn close_cursor(&self, cx: &Cx, database: &str, collection: &str, id: i64) {
        let body = doc! {"killCursors": collection, "cursors": [id]};
        if let Err(error) = self.look(cx, database, body).await {
            tracing::debug!(%error, "a cursor was left to its own time-out");
        }
    }
}

/// Whether the tool that is being called may be repeated when an answer was lost.
fn repeat_of(cx: &Cx) -> Repeat {
    cx.tool().map_or(Repeat::IfUnprocessed, Spec::repeat)
}

/// The label of its connections in the metrics.
const SERVICE: &str = "mongodb";

struct Driver {
    connection: ConnectionString,
    app_name: String,
    rules: Connections,
    client: OnceCell<(mongodb::Client, Option<SelectionCriteria>)>,
    closed: AtomicBool,
    open: Arc<Open>,
    /// When the server last refused the user.
    refused: Mutex<Option<Instant>>,
}

/// The connections in the driver's pools.
struct Open {
    here: AtomicUsize,
    /// Of all accounts.
    everywhere: IntGauge,
}

impl Open {
    fn created(&self) {
        self.here.fetch_add(1, Ordering::Relaxed);
        self.everywhere.inc();
    }

    fn closed(&self) {
        self.here.fetch_sub(1, Ordering::Relaxed);
        self.everywhere.dec();
    }
}

#[async_trait]
impl Pooled for Driver {
    fn service(&self) -> &'static str {
        SERVICE
    }

    fn active(&self) -> usize {
        self.open.here.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some((client, _)) = self.client.get() {
            client.clone().shutdown().immediate(true).await;
        }
    }
}

/// How long other calls that lose their connections blame it on a refusal of the user.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);

impl Driver {
    /// The client, made at the first command: the driver starts watching the servers at once.
    async fn client(&self) -> Result<&(mongodb::Client, Option<SelectionCriteria>)> {
        if self.closed.load(Ordering::Acquire) {
            return Err(pools::closed());
        }
        self.client
            .get_or_try_init(|| async {
                let options = ClientOptions::parse(self.connection.clone())
                    .await
                    .map_err(|error| fault::explain(&error, false))?;
                let options = self.tune(options);
                let criteria = options.selection_criteria.clone();
                let client = mongodb::Client::with_options(options)
                    .map_err(|error| fault::explain(&error, false))?;
                Ok((client, criteria))
            })
            .await
    }

    fn tune(&self, mut options: ClientOptions) -> ClientOptions {
        // What may be repeated is decided by the attempt plane, which counts and meters it.
        options.retry_reads = Some(false);
        options.retry_writes = Some(false);
        options.max_adaptive_retries = Some(0);
        options
            .app_name
            .get_or_insert_with(|| self.app_name.clone());
        options
            .server_selection_timeout
            .get_or_insert(policy::SERVER_SELECTION);
        // What the connection string says is stronger.
        let rules = &self.rules;
        options.connect_timeout.get_or_insert(rules.connect_timeout);
        options.max_pool_size.get_or_insert(rules.max_per_host);
        if !rules.idle_timeout.is_zero() {
            options.max_idle_time.get_or_insert(rules.idle_timeout);
        }
        let open = Arc::clone(&self.open);
        options.cmap_event_handler = Some(EventHandler::callback(move |event| match event {
            CmapEvent::ConnectionCreated(_) => open.created(),
            CmapEvent::ConnectionClosed(_) => open.closed(),
            CmapEvent::ConnectionCheckedOut(_) => {
                // Outside a command, as when the driver ends sessions, nobody asks.
                let _ = HAS_CONNECTION.try_with(|has| has.set(true));
            }
            _ => {}
        }));
        options
    }

    async fn exchange(&self, attempt: Attempt<Command>) -> Result<Reply> {
        let (client, criteria) = self.client().await?;
        let Command {
            database,
            mut body,
            reads,
        } = attempt.request;
        // A second attempt has less time than the first.
        if let (Some(left), Ok(time)) = (attempt.cx.remaining(), body.get_i64("maxTimeMS")) {
            let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
            body.insert("maxTimeMS", time.min(left).max(1));
        }
        let database = client.database(&database);
        let mut run = database.run_command(body);
        if let Some(criteria) = criteria.as_ref().filter(|_| reads) {
            run = run.selection_criteria(criteria.clone());
        }
        let command = async {
            match run.await {
                Ok(reply) => Ok(Reply(reply)),
                Err(error) => Err(self.explain(&error, HAS_CONNECTION.with(Cell::get)).await),
            }
        };
        HAS_CONNECTION.scope(Cell::new(false), command).await
    }

    /// Explains an error. When the server refuses the user, the driver tells only the call that made
    /// the connection; those that waited for one of the same pool just hear that it was emptied.
    async fn explain(&self, error: &mongodb::error::Error, had_connection: bool) -> Error {
        let refused = || self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match &*error.kind {
            ErrorKind::Authentication { .. } => *refused() = Some(Instant::now()),
            ErrorKind::ConnectionPoolCleared { .. } => {
                // The one that knows may be woken after those that wait.
                tokio::time::sleep(Duration::from_millis(50)).await;
                if refused().is_some_and(|at| at.elapsed() < AFTER_REFUSAL) {
                    return fault::refused();
                }
            }
            _ => {}
        }
        fault::explain(error, had_connection)
    }
}
