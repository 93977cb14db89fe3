//! A small provider of things, whose transport does what a test says.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "support of tests, of which each binary uses a part"
)]

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use business_tools_core::call::audit::AuditSink;
use business_tools_core::egress::{Attempt, Pace, Request, Response};
use business_tools_core::{
    Cx, Egress, Env, EnvVar, Error, Fate, Faults, Info, Kind, Page, Plugin, Policy, Principal,
    Provider, ProviderSettings, Registry, Repeat, Result, Secret, Spec, Tool, ToolDef, Upstream,
    millis, secs, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the transport does with the next request.
pub enum Step {
    Give(Value),
    Fail(Error),
    After(Duration, Box<Step>),
    Hang,
    Panic,
    Pause(Duration),
}

/// What one test's provider does, and what it saw.
#[derive(Default)]
pub struct World {
    pub script: Mutex<VecDeque<Step>>,
    /// What is done when the script is at its end.
    pub rest: Mutex<Option<fn() -> Step>>,
    pub seen: Mutex<Vec<String>>,
    pub in_flight: AtomicUsize,
    pub most_in_flight: AtomicUsize,
    /// Requests whose future was dropped before its end.
    pub dropped: AtomicUsize,
}

static WORLDS: LazyLock<Mutex<HashMap<String, Arc<World>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(0);

impl World {
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub fn then(&self, step: Step) -> &Self {
        self.script.lock().unwrap().push_back(step);
        self
    }

    pub fn always(&self, step: fn() -> Step) -> &Self {
        *self.rest.lock().unwrap() = Some(step);
        self
    }

    /// Its transport behind an attempt plane of this policy.
    pub fn egress(self: &Arc<Self>, policy: Policy) -> Egress<Ask, Answered> {
        static INFO: Info = Acme::INFO;
        let world = Arc::clone(self);
        let transport =
            tower::service_fn(move |attempt: Attempt<Ask>| Arc::clone(&world).answer(attempt));
        Upstream::new(&INFO, policy, Env::alone()).around(transport)
    }

    async fn answer(self: Arc<Self>, attempt: Attempt<Ask>) -> Result<Answered> {
        struct Flying(Arc<World>, bool);
        impl Drop for Flying {
            fn drop(&mut self) {
                self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
                if !self.1 {
                    self.0.dropped.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let mut flying = Flying(Arc::clone(&self), false);
        let n = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(attempt.request.0.clone());
            seen.len()
        };
        let step = self.script.lock().unwrap().pop_front();
        let step = step.or_else(|| self.rest.lock().unwrap().map(|make| make()));
        let mut step = step.unwrap_or_else(|| Step::Give(json!({"id": attempt.request.0, "n": n})));
        let mut pause = None;
        let outcome = loop {
            step = match step {
                Step::Give(value) => break Ok(Answered { value, pause }),
                Step::Fail(error) => break Err(error),
                Step::Hang => std::future::pending().await,
                Step::Panic => panic!("the transport panicked"),
                Step::Pause(wait) => {
                    pause = Some(wait);
                    Step::Give(json!({"id": attempt.request.0, "n": n}))
                }
                Step::After(wait, then) => {
                    tokio::time::sleep(wait).await;
                    *then
                }
            };
        };
        flying.1 = true;
        outcome
    }
}

#[derive(Clone, Debug)]
pub struct Ask(pub String);

impl Request for Ask {
    fn preview(&self) -> Value {
        json!({"ask": self.0, "token": "***"})
    }
}

pub struct Answered {
    pub value: Value,
    pub pause: Option<Duration>,
}

impl Response for Answered {
    fn pace(&self) -> Pace {
        Pace { pause: self.pause }
    }
}

/// Configuration of a test provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcmeConfig {
    /// Which world it talks to.
    pub account_id: String,
    /// The secret.
    pub token: Secret,
    /// Another host.
    pub base_url: Option<String>,
    /// Where.
    pub region: Option<String>,
    /// How many.
    pub size: Option<u32>,
    /// Which.
    #[serde(default)]
    pub allowed: Vec<String>,
}

/// Things.
pub struct Acme {
    pub egress: Egress<Ask, Answered>,
}

pub const POLICY: Policy = Policy {
    deadline: secs(30),
    attempt_timeout: secs(10),
    ..Policy::DEFAULT
};

impl Provider for Acme {
    type Config = AcmeConfig;
    const INFO: Info = Info {
        id: "acme",
        title: "Acme",
        summary: "Things.",
        docs: "https://acme.example",
        policy: POLICY,
        env: &[
            EnvVar {
                name: "ACME_ACCOUNT",
                field: "account_id",
            },
            EnvVar {
                name: "ACME_KEY",
                field: "token",
            },
            EnvVar {
                name: "ACME_TOKEN",
                field: "token",
            },
            EnvVar {
                name: "ACME_REGION",
                field: "region",
            },
            EnvVar {
                name: "ACME_SIZE",
                field: "size",
            },
            EnvVar {
                name: "ACME_ALLOWED",
                field: "allowed",
            },
        ],
        credentials: &["account_id", "token"],
        auth_hint: "Check ACME_TOKEN",
        setup_hint: "Set ACME_ACCOUNT and ACME_TOKEN",
    };
    const TOOLS: &'static [ToolDef<Self>] = &[
        tool::<GetThing>(),
        tool::<ListThings>(),
        tool::<CreateThing>(),
        tool::<SetThing>(),
        tool::<DeleteThing>(),
        tool::<MoveThing>(),
        tool::<PaintThing>(),
        tool::<CopyThing>(),
        tool::<BreakThing>(),
    ];

    fn connect(config: AcmeConfig, upstream: Upstream) -> Result<Self> {
        let world = WORLDS
            .lock()
            .unwrap()
            .entry(config.account_id)
            .or_default()
            .clone();
        let transport =
            tower::service_fn(move |attempt: Attempt<Ask>| Arc::clone(&world).answer(attempt));
        Ok(Self {
            egress: upstream.around(transport),
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        self.egress.send(cx, Ask("health".into())).await.map(drop)
    }
}

/// Get one thing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetThing {
    /// Which.
    #[schemars(length(min = 1, max = 40))]
    pub id: String,
}

impl Tool for GetThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::read("acme_get_thing")
        .cached_as("things", 60)
        .scopes(&["things:read"]);

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        Ok(acme
            .egress
            .send(cx, Ask(format!("get {}", self.id)))
            .await?
            .value)
    }
}

/// List things.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListThings {
    /// How many things there are.
    #[schemars(range(min = 0, max = 100_000))]
    pub all: usize,
    /// How large each is.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub bytes: usize,
    /// How many on a page.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl Tool for ListThings {
    type Provider = Acme;
    type Output = Page<Value>;
    const SPEC: Spec = Spec::read("acme_list_things")
        .quota("lists")
        .untrusted(&["text"]);

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Page<Value>> {
        acme.egress.send(cx, Ask("list".into())).await?;
        let start: usize = self.cursor.map_or(0, |text| text.parse().unwrap());
        let end = (start + self.limit).min(self.all);
        let items = (start..end)
            .map(|n| json!({"n": n, "text": "x".repeat(self.bytes)}))
            .collect();
        Ok(Page::new(items, (end < self.all).then(|| end.to_string())).total(self.all as u64))
    }
}

/// Create a thing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateThing {
    /// Its name.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// Its colour.
    pub colour: Option<Colour>,
    /// Numbers.
    #[schemars(length(max = 3), inner(range(max = 9)))]
    pub sizes: Option<Vec<u32>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Red.
    Red,
    /// Green.
    Green,
}

impl Tool for CreateThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::write("acme_create_thing")
        .forgets(&["acme_get_thing"])
        .find_out("Look with acme_list_things");

    fn check(&self, faults: &mut Faults) {
        if self.name == "nobody" {
            faults.add("/name", "must be somebody");
        }
        if self.sizes.as_ref().is_some_and(Vec::is_empty) {
            faults.add("/sizes", "must not be empty");
        }
    }

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        Ok(acme
            .egress
            .send(cx, Ask(format!("create {}", self.name)))
            .await?
            .value)
    }
}

/// Set a thing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetThing {
    /// Which.
    pub id: String,
}

impl Tool for SetThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::write("acme_set_thing")
        .idempotent()
        .forgets(&["acme_get_thing"]);

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        Ok(acme
            .egress
            .send(cx, Ask(format!("set {}", self.id)))
            .await?
            .value)
    }
}

/// Delete a thing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteThing {
    /// Which.
    pub id: String,
}

impl Tool for DeleteThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::destructive("acme_delete_thing").find_out("Look with acme_get_thing");

    fn confirm(&self) -> Option<String> {
        Some(format!("Delete thing {}?", self.id))
    }

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        Ok(acme
            .egress
            .send(cx, Ask(format!("delete {}", self.id)))
            .await?
            .value)
    }
}

/// Move a thing: looks first, then writes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveThing {
    /// Which.
    pub id: String,
}

impl Tool for MoveThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::write("acme_move_thing");

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        let look = Ask(format!("look {}", self.id));
        let found = acme.egress.send_as(cx, Repeat::Safe, look).await?.value;
        let from = found["id"].as_str().unwrap_or("nowhere").to_owned();
        Ok(acme
            .egress
            .send(cx, Ask(format!("move {} from {from}", self.id)))
            .await?
            .value)
    }
}

/// Paint a thing, which costs paint and does no other harm when it is done twice.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaintThing {
    /// Which.
    pub id: String,
}

impl Tool for PaintThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::write("acme_paint_thing").repeatable();

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        Ok(acme
            .egress
            .send(cx, Ask(format!("paint {}", self.id)))
            .await?
            .value)
    }
}

/// Copy a thing: writes twice.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyThing {
    /// Which.
    pub id: String,
}

impl Tool for CopyThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::write("acme_copy_thing").dedup(1);

    async fn run(self, acme: &Acme, cx: &Cx) -> Result<Value> {
        acme.egress
            .send(cx, Ask(format!("copy 1 {}", self.id)))
            .await?;
        Ok(acme
            .egress
            .send(cx, Ask(format!("copy 2 {}", self.id)))
            .await?
            .value)
    }
}

/// Do what no tool should.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakThing {
    /// How.
    pub how: String,
}

impl Tool for BreakThing {
    type Provider = Acme;
    type Output = Value;
    const SPEC: Spec = Spec::read("acme_break_thing");

    async fn run(self, _: &Acme, _: &Cx) -> Result<Value> {
        match self.how.as_str() {
            "panic" => panic!("this tool panics with a secret: CANARY-IN-PANIC"),
            "hang" => std::future::pending().await,
            "huge" => Ok(json!({"text": "x".repeat(1 << 20)})),
            "scalar" => Ok(json!(7)),
            "refuse" => Err(Error::new(Kind::NotFound, "There is no such thing")),
            _ => Ok(json!({"fine": true})),
        }
    }
}

/// Keeps audit lines.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<Value>>);

impl AuditSink for Kept {
    fn record(&self, line: &Value) {
        self.0.lock().unwrap().push(line.clone());
    }
}

/// A registry with the provider, its world, and what the audit kept.
pub struct Bench {
    pub registry: Registry,
    pub world: Arc<World>,
    pub audit: Arc<Kept>,
    pub id: String,
}

pub fn fields(id: &str) -> Map<String, Value> {
    let fields = json!({"account_id": id, "token": "CANARY-TOKEN"});
    fields.as_object().unwrap().clone()
}

pub fn new_world() -> (String, Arc<World>) {
    let id = format!("world-{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let world = Arc::<World>::default();
    WORLDS
        .lock()
        .unwrap()
        .insert(id.clone(), Arc::clone(&world));
    (id, world)
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_, _| ())
    }

    pub fn with(set: impl FnOnce(&mut Env, &mut ProviderSettings)) -> Self {
        let (id, world) = new_world();
        let audit = Arc::<Kept>::default();
        let mut env = Env::alone().audit(audit.clone());
        let mut settings = ProviderSettings::single(fields(&id));
        set(&mut env, &mut settings);
        let registry = Registry::new(env);
        let plugin = Plugin::<Acme>::connect(&settings, registry.env()).unwrap();
        registry.add(Arc::new(plugin)).unwrap();
        Self {
            registry,
            world,
            audit,
            id,
        }
    }

    pub async fn call(&self, tool: &str, args: Value) -> Result<Value> {
        self.call_as(tool, args, Cx::local()).await
    }

    pub async fn call_as(&self, tool: &str, args: Value, cx: Cx) -> Result<Value> {
        let args = args.as_object().unwrap().clone();
        self.registry
            .call(tool, args, cx)
            .await
            .map(|reply| reply.value)
    }

    pub fn audit(&self) -> Vec<Value> {
        self.audit.0.lock().unwrap().clone()
    }
}

pub fn tenant(name: &str) -> Principal {
    Principal {
        tenant: name.into(),
        ..Principal::local()
    }
}

pub fn down() -> Error {
    Error::new(Kind::Unavailable, "Acme is down").fate(Fate::Unknown)
}

pub fn unreachable_host() -> Error {
    Error::new(Kind::Unavailable, "Acme cannot be reached").fate(Fate::NotSent)
}

pub fn too_many(wait: Option<Duration>) -> Error {
    Error::new(Kind::RateLimited, "Too many")
        .fate(Fate::Refused)
        .retry_after(wait)
}

pub const fn ms(n: u64) -> Duration {
    millis(n)
}
