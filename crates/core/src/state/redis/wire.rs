//! One connection, to whatever stands there.

use std::time::Duration;

use redis::aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, PushInfo, RedisFuture,
    RedisResult, TlsMode, Value,
};

use super::settings::{RedisSettings, Topology};

/// A connection that many callers use at once.
#[derive(Clone)]
pub(super) enum Wire {
    One(MultiplexedConnection),
    Cluster(Box<ClusterConnection>),
}

/// How long it may take to get a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Takes the messages of a connection.
pub(super) type Pushes = tokio::sync::mpsc::UnboundedSender<PushInfo>;

impl Wire {
    pub(super) async fn connect(settings: &RedisSettings, pushes: Pushes) -> Result<Self, Refused> {
        let connecting = async {
            let (info, addresses) = settings.addresses().map_err(Refused::Settings)?;
            let certificates = settings.certificates().map_err(Refused::Settings)?;
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT))
                .set_response_timeout(Some(settings.timeout))
                .set_push_sender(Guarded(pushes.clone()));
            let login = info.redis_settings().clone();
            let encrypted = RedisSettings::is_encrypted(info.addr());
            match &settings.topology {
                Topology::Standalone => {
                    let client = match certificates {
                        Some(certificates) => Client::build_with_tls(info, certificates)?,
                        None => Client::open(info)?,
                    };
                    let one = client.get_multiplexed_async_connection_with_config(&config);
                    Ok(Self::One(one.await?))
                }
                Topology::Sentinel {
                    master,
                    username,
                    password,
                } => {
                    let kind = SentinelServerType::Master;
                    let mut builder = SentinelClientBuilder::new(addresses, master, kind)?
                        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
                        .set_client_to_redis_db(login.db());
                    if let Some(username) = login.username() {
                        builder = builder.set_client_to_redis_username(username);
                    }
                    if let Some(password) = login.password() {
                        builder = builder.set_client_to_redis_password(password);
                    }
                    if let Some(username) = username {
                        builder = builder.set_client_to_sentinel_username(username);
                    }
                    if let Some(password) = password {
                        builder = builder.set_client_to_sentinel_password(password.expose());
                    }
                    if encrypted {
                        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
                    }
                    if let Some(certificates) = certificates.filter(|_| encrypted) {
                        builder = builder
                            .set_client_to_sentinel_certificates(certificates.clone())
                            .set_client_to_redis_certificates(certificates);
                    }
                    let client = builder.build()?.async_get_client().await?;
                    let one = client.get_multiplexed_async_connection_with_config(&config);
                    Ok(Self::One(one.await?))
                }
                Topology::Cluster => {
                    let nodes = addresses
                        .into_iter()
                        .map(|address| info.clone().set_addr(address));
                    let mut builder = ClusterClientBuilder::new(nodes)
                        .use_protocol(ProtocolVersion::RESP3)
                        .connection_timeout(CONNECT)
                        .response_timeout(settings.timeout)
                        // One of its nodes failing over is waited for a little, not for long.
                        .retries(2)
                        .max_retry_wait(50)
                        .push_sender(Guarded(pushes.clone()));
                    if encrypted {
                        builder = builder.tls(TlsMode::Secure);
                    }
                    if let Some(certificates) = certificates {
                        builder = builder.certs(certificates);
                    }
                    let cluster = builder.build()?.get_async_connection().await?;
                    Ok(Self::Cluster(Box::new(cluster)))
                }
            }
        };
        let late = |_| Refused::Late;
        tokio::time::timeout(CONNECT, connecting)
            .await
            .map_err(late)?
    }

    pub(super) async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(one) => one.subscribe(channel).await,
            Self::Cluster(cluster) => cluster.subscribe(channel).await,
        }
    }
}

/// Why there is no connection.
pub(super) enum Refused {
    /// The settings cannot work.
    Settings(String),
    /// It took too long.
    Late,
    /// Redis or the network said no.
    Redis(redis::RedisError),
}

impl From<redis::RedisError> for Refused {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

struct Guarded(Pushes);

impl AsyncPushSender for Guarded {
    fn send(&self, info: PushInfo) -> Result<(), redis::aio::SendError> {
        // Nobody listens any more: the connection is about to be dropped too.
        drop(self.0.send(info));
        Ok(())
    }
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(one) => one.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(one) => one.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(one) => one.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
