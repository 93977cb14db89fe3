//! A plain round-robin: each connection goes to the next server that takes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// The address that clients know.
pub struct Front {
    pub base: String,
    /// A client that makes a connection for each request, so that each goes to the next server.
    pub http: reqwest::Client,
    taken: Arc<Vec<AtomicUsize>>,
    _serving: AbortOnDropHandle<()>,
}

impl Front {
    pub async fn start<'a>(servers: impl Iterator<Item = &'a str>) -> Self {
        let address = |base: &str| base.trim_start_matches("http://").parse().unwrap();
        let servers: Arc<Vec<SocketAddr>> = Arc::new(servers.map(address).collect());
        let taken: Arc<Vec<_>> = Arc::new(servers.iter().map(|_| AtomicUsize::new(0)).collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let counts = Arc::clone(&taken);
        let serving = async move {
            let mut next = 0;
            while let Ok((mut client, _)) = listener.accept().await {
                let (servers, counts, first) = (Arc::clone(&servers), Arc::clone(&counts), next);
                next += 1;
                tokio::spawn(async move {
                    for turn in 0..servers.len() {
                        let n = (first + turn) % servers.len();
                        if let Ok(mut server) = TcpStream::connect(servers[n]).await {
                            counts[n].fetch_add(1, Ordering::Relaxed);
                            drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                            return;
                        }
                    }
                });
            }
        };
        #[allow(clippy::disallowed_methods, reason = "a test is a client of its own")]
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            base,
            http,
            taken,
            _serving: AbortOnDropHandle::new(tokio::spawn(serving)),
        }
    }

    /// How many connections each server took.
    pub fn taken(&self) -> Vec<usize> {
        let all = self.taken.iter();
        all.map(|count| count.load(Ordering::Relaxed)).collect()
    }

    pub async fn rest(&self, tool: &str, args: &Value) -> (u16, Value) {
        let url = format!("{}/v1/tools/{tool}", self.base);
        let answer = self.http.post(url).json(args).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A transport for clients of either generation.
    pub fn transport(&self) -> StreamableHttpClientTransport<reqwest::Client> {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", self.base));
        StreamableHttpClientTransport::with_client(self.http.clone(), config)
    }
}
