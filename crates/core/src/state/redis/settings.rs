//! Where Redis is and how to reach it.

use std::path::PathBuf;
use std::time::Duration;

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    TlsCertificates,
};

use crate::secret::Secret;

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// The server, a node of the cluster or a sentinel, as a URL: `rediss://user:password@host:6379/0`.
    pub url: Secret,
    /// Further nodes or sentinels.
    pub nodes: Vec<Secret>,
    /// What stands there.
    pub topology: Topology,
    /// The user of the access list, stronger than that of the URL.
    pub username: Option<String>,
    /// The password, stronger than that of the URL.
    pub password: Option<Secret>,
    /// A file with the certificates that are trusted in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// What every key begins with.
    pub prefix: String,
    /// How long an answer may take before Redis counts as away.
    pub timeout: Duration,
    /// How many replicas there are, until they are counted; for the share that each has while Redis is away.
    pub replicas: u32,
}

/// What stands at the URL.
#[derive(Debug, Clone)]
pub enum Topology {
    /// One server, or a name that always leads to the right one.
    Standalone,
    /// Sentinels that know the master of this name.
    Sentinel {
        /// The name.
        master: String,
        /// The user that the sentinels themselves want.
        username: Option<String>,
        /// The password that the sentinels themselves want.
        password: Option<Secret>,
    },
    /// A cluster.
    Cluster,
}

impl RedisSettings {
    /// A server at a URL, with everything else as usual.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            nodes: Vec::new(),
            topology: Topology::Standalone,
            username: None,
            password: None,
            ca_file: None,
            prefix: "bt".to_owned(),
            timeout: Duration::from_millis(250),
            replicas: 1,
        }
    }

    /// Every address, the first one with what the URL says about user, password and database.
    pub(super) fn addresses(&self) -> Result<(ConnectionInfo, Vec<ConnectionAddr>), String> {
        let parse = |url: &Secret| {
            // The library's own words may quote the URL, and with it the password.
            let info = url.expose().into_connection_info();
            info.map_err(|_| {
                "is not of the form redis://user:password@host:6379/0 or rediss://…".to_owned()
            })
        };
        let first = parse(&self.url).map_err(|what| format!("state.redis.url {what}"))?;
        let mut all = vec![first.addr().clone()];
        for (n, url) in self.nodes.iter().enumerate() {
            let node = parse(url).map_err(|what| format!("state.redis.nodes.{n} {what}"))?;
            all.push(node.addr().clone());
        }
        let given = first.redis_settings();
        let mut login = RedisConnectionInfo::default()
            // The form in which a connection carries answers and messages at once.
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("business-tools", env!("CARGO_PKG_VERSION"))
            .set_db(given.db());
        let username = self.username.as_deref().or(given.username());
        let password = self.password.as_ref().map(Secret::expose);
        if let Some(username) = username {
            login = login.set_username(username);
        }
        if let Some(password) = password.or(given.password()) {
            login = login.set_password(password);
        }
        Ok((first.set_redis_settings(login), all))
    }

    /// The certificates that are trusted in place of the system's.
    pub(super) fn certificates(&self) -> Result<Option<TlsCertificates>, String> {
        let Some(path) = &self.ca_file else {
            return Ok(None);
        };
        let pem = std::fs::read(path)
            .map_err(|fault| format!("state.redis.ca_file {}: {fault}", path.display()))?;
        Ok(Some(TlsCertificates {
            client_tls: None,
            root_cert: Some(pem),
        }))
    }

    /// Whether connections are encrypted.
    pub(super) fn is_encrypted(address: &ConnectionAddr) -> bool {
        matches!(address, ConnectionAddr::TcpTls { .. })
    }
}
