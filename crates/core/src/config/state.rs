//! `state`: where the server keeps what outlives a call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::policy::{Span, millis};
use crate::secret::Secret;

/// `state`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StateBlock {
    /// Where outcomes of writes, windows of limits and tokens are kept. When it is not set: in Redis if there is
    /// one, else in a file, or in memory if none can be written.
    pub store: Option<StoreKind>,
    /// The file; without it one of the environment's name in the user's folder for state.
    #[schemars(with = "Option<String>")]
    pub path: Option<PathBuf>,
    /// The Redis that many replicas share.
    pub redis: RedisBlock,
    /// Where the file is when `path` does not say; worked out from the environment.
    #[serde(skip)]
    #[schemars(skip)]
    pub usual_path: Option<PathBuf>,
}

/// `state.store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// In the process, gone with it.
    Memory,
    /// In one file that survives the process.
    File,
    /// In Redis, shared by many replicas.
    Redis,
}

/// `state.redis`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedisBlock {
    /// The server, a node of the cluster or a sentinel: `rediss://user:password@host:6379/0`.
    pub url: Option<Masked>,
    /// Further nodes of the cluster, or further sentinels.
    pub nodes: Vec<Masked>,
    /// What stands at the URL.
    pub topology: TopologyKind,
    /// The name under which the sentinels know the master.
    pub master: Option<String>,
    /// The user of the access list, in place of that of the URL.
    pub username: Option<String>,
    /// The password, in place of that of the URL.
    pub password: Option<Masked>,
    /// The user that the sentinels themselves want.
    pub sentinel_username: Option<String>,
    /// The password that the sentinels themselves want.
    pub sentinel_password: Option<Masked>,
    /// A file of certificates (PEM) that are trusted in place of the system's.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<PathBuf>,
    /// What every key begins with; the name of the environment is added.
    #[schemars(regex(pattern = r"^[A-Za-z0-9:_.-]{1,64}$"))]
    pub prefix: String,
    /// How long an answer may take before Redis counts as away.
    pub timeout: Span,
    /// How many replicas there are, until they have been counted: each has its share of the limits while Redis is
    /// away.
    #[schemars(range(min = 1, max = 10_000))]
    pub replicas: u32,
    /// The name of the environment, which every key begins with too.
    #[serde(skip)]
    #[schemars(skip)]
    pub environment: String,
}

/// A secret that is shown as `***` where the configuration is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Masked(pub Secret);

impl PartialEq for Masked {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Masked {}

impl Serialize for Masked {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
    }
}

impl Default for RedisBlock {
    fn default() -> Self {
        Self {
            url: None,
            nodes: Vec::new(),
            topology: TopologyKind::default(),
            master: None,
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            ca_file: None,
            prefix: "business-tools".to_owned(),
            timeout: Span(millis(250)),
            replicas: 1,
            environment: String::new(),
        }
    }
}

/// `state.redis.topology`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopologyKind {
    /// One server, or a name that always leads to the right one.
    #[default]
    Standalone,
    /// Sentinels that know the master.
    Sentinel,
    /// A cluster.
    Cluster,
}

impl StateBlock {
    /// Works out the usual path: one file for each environment of a user.
    pub(super) fn placed(
        mut self,
        environment: &str,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let folder = |name: &str| {
            let path = PathBuf::from(variables.get(name)?);
            path.is_absolute().then_some(path)
        };
        let ours = |folder: PathBuf| folder.join("business-tools-mcp");
        // A folder that systemd made for this service, then the user's own.
        let found = folder("STATE_DIRECTORY")
            .or_else(|| folder("XDG_STATE_HOME").map(ours))
            .or_else(|| folder("LOCALAPPDATA").map(ours))
            .or_else(|| folder("HOME").map(|home| ours(home.join(".local/state"))));
        self.usual_path = found.map(|folder| folder.join(format!("{environment}.db")));
        environment.clone_into(&mut self.redis.environment);
        self
    }

    /// The store, where the settings leave no choice.
    pub fn chosen(&self) -> Option<StoreKind> {
        let implied = || {
            let redis = self.redis.url.is_some().then_some(StoreKind::Redis);
            redis.or_else(|| self.path.is_some().then_some(StoreKind::File))
        };
        self.store.or_else(implied)
    }
}

#[cfg(feature = "redis")]
impl RedisBlock {
    /// How to reach Redis.
    ///
    /// # Errors
    /// When a setting is missing, and which.
    pub fn settings(&self) -> Result<crate::state::redis::RedisSettings, String> {
        use crate::state::redis::{RedisSettings, Topology};
        let url = self.url.as_ref().ok_or(
            "state.redis.url is missing; set it, or BUSINESS_TOOLS_REDIS_URL or REDIS_URL",
        )?;
        let topology = match self.topology {
            TopologyKind::Standalone => Topology::Standalone,
            TopologyKind::Cluster => Topology::Cluster,
            TopologyKind::Sentinel => Topology::Sentinel {
                master: self
                    .master
                    .clone()
                    .ok_or("state.redis.master is missing: the name by which the sentinels know the master")?,
                username: self.sentinel_username.clone(),
                password: self.sentinel_password.as_ref().map(|it| it.0.clone()),
            },
        };
        Ok(RedisSettings {
            url: url.0.clone(),
            nodes: self.nodes.iter().map(|node| node.0.clone()).collect(),
            topology,
            username: self.username.clone(),
            password: self.password.as_ref().map(|it| it.0.clone()),
            ca_file: self.ca_file.clone(),
            prefix: format!("{}:{}", self.prefix, self.environment),
            timeout: self.timeout.0.max(std::time::Duration::from_millis(10)),
            replicas: self.replicas,
        })
    }
}
