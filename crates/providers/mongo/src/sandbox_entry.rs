//! The simulator as the sandbox runs it: its faults come from the switchboard, its commands are recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bson::Document;
use business_tools_sandbox::{
    Arrival, CancellationToken, Fault, FaultKind, Seed, Simulator, Switchboard, TcpSimulator,
    async_trait,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::ejson;
use crate::sandbox::{self, WireFault, WireFaults};

/// The provider's name in the sandbox.
const ID: &str = "mongo";

/// By these the driver looks after its connections. A fault meant for a call would be spent on them.
const HOUSEKEEPING: &[&str] = &[
    "hello",
    "ismaster",
    "saslstart",
    "saslcontinue",
    "endsessions",
    "killsessions",
    "ping",
    "logout",
];

/// The simulated MongoDB server, for the sandbox to run. It holds a small shop to begin with.
pub fn simulator() -> Simulator {
    let server = Arc::new(Server::default());
    let seeded = Arc::clone(&server);
    Simulator::tcp(ID, server)
        .scheme("mongodb")
        .on_seed(move |seed| {
            let demo = seed == Seed::Demo;
            seeded.demo.store(demo, Ordering::Relaxed);
        })
}

/// The configuration that leads to a simulator at `base_url`.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let address = base_url.rsplit("://").next().unwrap_or(base_url);
    let address = address.trim_end_matches('/');
    // One server, known to be there: nothing is looked for beyond it.
    let uri = format!("mongodb://{address}/shop?directConnection=true");
    Map::from_iter([("uri".to_owned(), Value::String(uri))])
}

#[derive(Default)]
struct Server {
    /// Whether the shop is that of the demo company.
    demo: AtomicBool,
    running: Mutex<Option<sandbox::Simulator>>,
}

#[async_trait]
impl TcpSimulator for Server {
    async fn serve(
        &self,
        listener: TcpListener,
        faults: Arc<Switchboard>,
        shutdown: CancellationToken,
    ) {
        let board = Arc::new(Board(faults));
        let Ok(simulator) = sandbox::Simulator::start(listener, board, shutdown).await else {
            return;
        };
        self.fill(&simulator);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(simulator.clone());
        simulator.stopped().await;
    }

    async fn reset(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(simulator) = &*running {
            simulator.reset();
            self.fill(simulator);
        }
    }
}

impl Server {
    fn fill(&self, simulator: &sandbox::Simulator) {
        if self.demo.load(Ordering::Relaxed) {
            simulator.seed_demo();
        } else {
            simulator.seed_shop();
        }
    }
}

/// The switchboard as the wire simulator asks it.
///
/// A command is known to rules by its name, as `method` (`insert`) and as `path` (`/insert`).
struct Board(Arc<Switchboard>);

impl WireFaults for Board {
    fn next(&self, command: &str) -> Option<WireFault> {
        if is_housekeeping(command) && !self.is_named(command) {
            return None;
        }
        let fault = self.0.next(ID, command, &format!("/{command}"))?;
        Some(on_the_wire(&fault))
    }

    fn record(&self, database: &str, command: &Document) {
        let Some((name, subject)) = command.iter().next() else {
            return;
        };
        if is_housekeeping(name) {
            return;
        }
        let path = match subject.as_str() {
            Some(collection) => format!("/{database}/{collection}"),
            None => format!("/{database}"),
        };
        let body = Value::Object(ejson::from_document(command.clone()));
        let arrival = Arrival::new(ID, name.as_str(), path).body(body.to_string());
        self.0.record(arrival);
    }
}

impl Board {
    /// Whether a rule is about this very command.
    fn is_named(&self, command: &str) -> bool {
        self.0.active().iter().any(|fault| {
            let rule = &fault.rule;
            rule.provider == ID
                && rule
                    .method
                    .as_deref()
                    .is_some_and(|method| method.eq_ignore_ascii_case(command))
        })
    }
}

fn is_housekeeping(command: &str) -> bool {
    HOUSEKEEPING
        .iter()
        .any(|name| name.eq_ignore_ascii_case(command))
}

fn on_the_wire(fault: &Fault) -> WireFault {
    let delay = |default| fault.delay.unwrap_or(Duration::from_millis(default));
    match fault.kind {
        FaultKind::Status => error(fault.status.unwrap_or(500)),
        FaultKind::Latency => WireFault::Latency(delay(1000)),
        FaultKind::Reset => WireFault::Reset,
        FaultKind::ResetAfterWrite => WireFault::ResetAfterWrite,
        FaultKind::Hang => WireFault::Hang,
        FaultKind::Truncate => WireFault::Truncate,
        // What a gateway says in place of the server is garbage to this protocol.
        FaultKind::Garbage | FaultKind::Html => WireFault::Garbage,
        FaultKind::Huge => WireFault::Huge,
        FaultKind::SlowBody => WireFault::SlowBody(delay(50)),
    }
}

/// The error of a status: an HTTP one by its meaning, any other number as MongoDB's own code.
fn error(status: u16) -> WireFault {
    let (code, name) = match status {
        2 => (2, "BadValue"),
        13 | 403 => (13, "Unauthorized"),
        18 | 401 => (18, "AuthenticationFailed"),
        26 | 404 => (26, "NamespaceNotFound"),
        50 | 408 | 504 => (50, "MaxTimeMSExpired"),
        121 | 400 | 422 => (121, "DocumentValidationFailure"),
        462 | 429 => (462, "IngressRequestRateLimitExceeded"),
        91 | 502 | 503 => (91, "ShutdownInProgress"),
        189 => (189, "PrimarySteppedDown"),
        10107 => (10107, "NotWritablePrimary"),
        11000 | 409 => (11000, "DuplicateKey"),
        11600 => (11600, "InterruptedAtShutdown"),
        500..600 => (1, "InternalError"),
        other => (i32::from(other), "Injected"),
    };
    WireFault::Error {
        code,
        name: name.to_owned(),
        message: json!({"injected": status}).to_string(),
    }
}
