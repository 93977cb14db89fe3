//! The link to Redis: one connection that is looked after, and that is known to be away while it is.
//!
//! A task of its own connects, says that this replica lives and looks whether Redis answers. Callers never wait for a
//! connection, except for the very first one: while Redis is away they are told so at once.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::{ErrorKind, FromRedisValue, PushInfo, PushKind, RedisError, Script, ServerErrorKind};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::settings::RedisSettings;
use super::wire::{Refused, Wire};
use crate::state::{Figures, Notice, Trouble};

/// The link, and the task that looks after it until this is dropped.
pub(super) struct Link {
    shared: Arc<Shared>,
    stop: DropGuard,
}

struct Shared {
    settings: RedisSettings,
    instance: String,
    standing: watch::Sender<Standing>,
    /// Somebody had no answer, or a bad one.
    doubt: Notify,
    /// Trouble with an answer: full, no permission.
    refused: Mutex<Option<Trouble>>,
    replicas: AtomicU32,
    failures: AtomicU64,
    notices: broadcast::Sender<Notice>,
}

#[derive(Clone)]
enum Standing {
    Starting,
    Up(Wire),
    Down(Trouble),
}

/// How often a replica says that it lives, and for how long that is believed.
const HEARTBEAT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6));
/// How soon a connection is tried again: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long the very first connection is waited for.
const FIRST: Duration = Duration::from_secs(2);

static ALIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/heartbeat.lua")));

impl Link {
    /// Begins to connect.
    pub(super) fn start(settings: RedisSettings) -> Self {
        let replicas = settings.replicas.max(1);
        let shared = Arc::new(Shared {
            settings,
            instance: uuid::Uuid::new_v4().simple().to_string(),
            standing: watch::Sender::new(Standing::Starting),
            doubt: Notify::new(),
            refused: Mutex::default(),
            replicas: AtomicU32::new(replicas),
            failures: AtomicU64::new(0),
            notices: broadcast::Sender::new(4096),
        });
        let stop = CancellationToken::new();
        let ended = stop.clone().cancelled_owned();
        let keeper = Arc::clone(&shared);
        tokio::spawn(async move {
            tokio::select! {
                () = keeper.keep() => {}
                () = ended => {}
            }
        });
        Self {
            shared,
            stop: stop.drop_guard(),
        }
    }

    /// Whether there is a connection.
    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.shared.standing.borrow(), Standing::Up(_))
    }

    /// Gives the connection up for good.
    pub(super) fn close(&self) {
        self.stop.token().cancel();
        let closed = Trouble::Away("the server is stopping".to_owned());
        self.shared.standing.send_replace(Standing::Down(closed));
    }

    /// This process among those that use the store.
    pub(super) fn instance(&self) -> &str {
        &self.shared.instance
    }

    /// How many replicas there are, as far as is known.
    pub(super) fn replicas(&self) -> u32 {
        self.shared.replicas.load(Ordering::Relaxed).max(1)
    }

    /// What is counted.
    pub(super) fn figures(&self) -> Figures {
        Figures {
            failures: self.shared.failures.load(Ordering::Relaxed),
            replicas: self.replicas(),
        }
    }

    /// A key of ours.
    pub(super) fn key(&self, rest: &str) -> String {
        format!("{}:{rest}", self.shared.settings.prefix)
    }

    /// The key of the replicas that live.
    pub(super) fn replicas_key(&self) -> String {
        self.shared.replicas_key()
    }

    /// What is wrong right now.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match &*self.shared.standing.borrow() {
            Standing::Down(trouble) => return Some(trouble.clone()),
            Standing::Starting => {
                return Some(connecting());
            }
            Standing::Up(_) => {}
        }
        let refused = self.shared.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the very first connection was made, or was not.
    pub(super) async fn settle(&self) {
        drop(self.shared.settled().await);
    }

    /// What the other replicas tell.
    pub(super) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Tells the other replicas, if there is a way to.
    pub(super) async fn notify(&self, notice: &Notice) -> Result<(), Trouble> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(self.shared.channel());
        command.arg(notice.write(&self.shared.instance));
        self.query::<i64>(command).await.map(drop)
    }

    /// Runs a script.
    pub(super) async fn eval<T: FromRedisValue>(
        &self,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<T, Trouble> {
        let wire = self.shared.wire().await?;
        let mut run = script.prepare_invoke();
        for key in keys {
            run.key(key);
        }
        for arg in args {
            run.arg(*arg);
        }
        self.shared.run(wire, Asked::Script(run)).await
    }

    /// Runs a command.
    pub(super) async fn query<T: FromRedisValue>(&self, command: redis::Cmd) -> Result<T, Trouble> {
        let wire = self.shared.wire().await?;
        self.shared.run(wire, Asked::Command(command)).await
    }
}

fn connecting() -> Trouble {
    Trouble::Away("Redis is being connected to".to_owned())
}

enum Asked {
    Script(redis::ScriptInvocation<'static>),
    Command(redis::Cmd),
}

impl Shared {
    fn channel(&self) -> String {
        format!("{}:notices", self.settings.prefix)
    }

    fn replicas_key(&self) -> String {
        format!("{}:replicas", self.settings.prefix)
    }

    /// How it stands once the very first connection was made, or was not.
    async fn settled(&self) -> Standing {
        let mut standing = self.standing.subscribe();
        let settled = |now: &Standing| !matches!(now, Standing::Starting);
        match tokio::time::timeout(FIRST, standing.wait_for(settled)).await {
            Ok(Ok(now)) => now.clone(),
            _ => Standing::Starting,
        }
    }

    /// The connection, if there is one.
    async fn wire(&self) -> Result<Wire, Trouble> {
        let trouble = match self.settled().await {
            Standing::Up(wire) => return Ok(wire),
            Standing::Down(trouble) => trouble,
            Standing::Starting => connecting(),
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        Err(trouble)
    }

    async fn run<T: FromRedisValue>(&self, mut wire: Wire, asked: Asked) -> Result<T, Trouble> {
        let answer = async {
            match asked {
                Asked::Script(script) => script.invoke_async(&mut wire).await,
                Asked::Command(command) => command.query_async(&mut wire).await,
            }
        };
        // The library has the same time-out for each round trip; a cluster may need several.
        let limit = self.settings.timeout * 2;
        let fault = match tokio::time::timeout(limit, answer).await {
            // Whether what was refused is taken again, the heartbeat finds out: it writes.
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => judge(&error),
            Err(_) => Fault::late(self.settings.timeout),
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        if fault.doubt {
            self.standing.send_if_modified(|now| {
                let up = matches!(now, Standing::Up(_));
                if up {
                    *now = Standing::Down(fault.trouble.clone());
                }
                up
            });
            self.doubt.notify_one();
        } else {
            self.note(Some(fault.trouble.clone()));
        }
        Err(fault.trouble)
    }

    /// What the last answer says.
    fn note(&self, trouble: Option<Trouble>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if *refused != trouble {
            if let Some(trouble) = &trouble {
                tracing::error!(error = %trouble, "Redis refuses");
            } else {
                tracing::info!("Redis takes again what it refused");
            }
            *refused = trouble;
        }
    }

    fn down(&self, trouble: Trouble) {
        let mut told = false;
        self.standing.send_modify(|now| {
            told = matches!(now, Standing::Down(old) if *old == trouble);
            *now = Standing::Down(trouble.clone());
        });
        if !told {
            tracing::warn!(error = %trouble, "Redis is away: this replica goes on alone");
        }
    }

    /// Connects, again and again.
    async fn keep(&self) {
        let mut pause = AGAIN.0;
        loop {
            let (pushes, messages) = mpsc::unbounded_channel();
            let trouble = match Wire::connect(&self.settings, pushes).await {
                Ok(wire) => {
                    let began = tokio::time::Instant::now();
                    let trouble = self.watch_over(wire, messages).await;
                    if began.elapsed() > AGAIN.1 {
                        pause = AGAIN.0;
                    }
                    trouble
                }
                Err(Refused::Settings(what)) => Trouble::Failed(what),
                Err(Refused::Late) => Trouble::Away("Redis cannot be reached in time".to_owned()),
                Err(Refused::Redis(error)) => judge(&error).trouble,
            };
            self.down(trouble);
            // Jitter, so that the replicas do not all come back at the same moment.
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
            pause = (pause * 2).min(AGAIN.1);
        }
    }

    /// Uses a connection until it fails, and says why.
    async fn watch_over(
        &self,
        mut wire: Wire,
        mut messages: mpsc::UnboundedReceiver<PushInfo>,
    ) -> Trouble {
        let began = tokio::time::Instant::now();
        if let Err(fault) = self.in_time(wire.subscribe(&self.channel())).await
            && fault.doubt
        {
            return fault.trouble;
        }
        loop {
            // Before anybody uses it, and again whenever somebody doubts it.
            let young = began.elapsed() < HEARTBEAT.1;
            if let Err(fault) = self.alive(&mut wire, young).await {
                if fault.doubt {
                    return fault.trouble;
                }
                self.note(Some(fault.trouble));
            }
            self.up(&wire);
            let beat = tokio::time::sleep(HEARTBEAT.0);
            tokio::pin!(beat);
            loop {
                tokio::select! {
                    biased;
                    () = self.doubt.notified() => break,
                    push = messages.recv() => match push {
                        Some(push) if push.kind == PushKind::Disconnection => {
                            // A cluster tells of single nodes and mends itself.
                            if matches!(wire, Wire::One(_)) {
                                return Trouble::Away("Redis closed the connection".to_owned());
                            }
                            self.missed();
                        }
                        Some(push) => self.heard(&push),
                        None => return Trouble::Away("Redis closed the connection".to_owned()),
                    },
                    () = &mut beat => break,
                }
            }
        }
    }

    fn up(&self, wire: &Wire) {
        let was_up = matches!(&*self.standing.borrow(), Standing::Up(_));
        if !was_up {
            self.standing.send_replace(Standing::Up(wire.clone()));
            tracing::info!("Redis is there");
            self.missed();
        }
    }

    /// Others may have told something while nobody listened here.
    fn missed(&self) {
        // Without listeners there is nobody who missed anything.
        drop(self.notices.send(Notice::Missed));
    }

    fn heard(&self, push: &PushInfo) {
        if push.kind != PushKind::Message {
            return;
        }
        let payload = push.data.get(1);
        let Some(redis::Value::BulkString(bytes)) = payload else {
            return;
        };
        if let Some(notice) = Notice::read(bytes, &self.instance) {
            drop(self.notices.send(notice));
        }
    }

    async fn alive(&self, wire: &mut Wire, young: bool) -> Result<(), Fault> {
        let mut beat = ALIVE.prepare_invoke();
        let believed = u64::try_from(HEARTBEAT.1.as_micros()).unwrap_or(u64::MAX);
        beat.key(self.replicas_key())
            .arg(&self.instance)
            .arg(believed);
        let replicas: u32 = self.in_time(beat.invoke_async(wire)).await?;
        if young {
            // A Redis that lost its data has not heard of everybody yet.
            self.replicas.fetch_max(replicas, Ordering::Relaxed);
        } else {
            self.replicas.store(replicas, Ordering::Relaxed);
        }
        self.note(None);
        Ok(())
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(self.settings.timeout * 2, work).await {
            Ok(done) => done.map_err(|error| judge(&error)),
            Err(_) => Err(Fault::late(self.settings.timeout)),
        }
    }
}

/// What went wrong, and whether it casts doubt on the connection.
struct Fault {
    trouble: Trouble,
    doubt: bool,
}

impl Fault {
    fn late(limit: Duration) -> Self {
        Self {
            trouble: Trouble::Away(format!(
                "Redis did not answer within {} ms",
                limit.as_millis()
            )),
            doubt: true,
        }
    }
}

/// The library's errors in our words: theirs may quote keys and addresses.
fn judge(error: &RedisError) -> Fault {
    let away = |why: &str| Fault {
        trouble: Trouble::Away(why.to_owned()),
        doubt: true,
    };
    let answered = |trouble| Fault {
        trouble,
        doubt: false,
    };
    match (error.kind(), error.code()) {
        _ if error.is_timeout() => away("Redis did not answer in time"),
        _ if error.is_connection_refusal() => away("Redis refuses connections"),
        (ErrorKind::Io, _) => away("Redis cannot be reached"),
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => {
            away("Redis refuses the password: check `state.redis`")
        }
        (ErrorKind::RESP3NotSupported, _) => away("Redis is older than 6.2"),
        (_, Some("OOM")) => answered(Trouble::Full(
            "Redis has no memory left: raise its `maxmemory`".to_owned(),
        )),
        (_, Some("MISCONF")) => {
            answered(Trouble::Full("Redis cannot write to its disk".to_owned()))
        }
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) => answered(Trouble::Failed(
            "Redis does not let this user do that: see docs/state.md for its rights".to_owned(),
        )),
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => away("Redis was made a replica"),
        (ErrorKind::Server(ServerErrorKind::BusyLoading), _) => away("Redis is loading its data"),
        (
            ErrorKind::Server(ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown)
            | ErrorKind::ClusterConnectionNotFound,
            _,
        ) => away("a part of Redis is down"),
        (
            ErrorKind::MasterNameNotFoundBySentinel | ErrorKind::NoValidReplicasFoundBySentinel,
            _,
        ) => away("the sentinels know no such master: check `state.redis.master`"),
        (ErrorKind::InvalidClientConfig, _) => answered(Trouble::Failed(
            "the settings of `state.redis` do not fit together".to_owned(),
        )),
        (kind, code) => answered(Trouble::Failed(match code {
            Some(code) => format!("Redis answered {code}"),
            None => format!("Redis gave an answer that is not understood ({kind:?})"),
        })),
    }
}
