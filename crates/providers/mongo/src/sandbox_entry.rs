//! The simulator as the sandbox runs it.

use std::sync::Arc;

use business_tools_sandbox::{
    CancellationToken, Simulator, Switchboard, TcpSimulator, async_trait,
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// The simulated MongoDB server, for the sandbox to run.
pub fn simulator() -> Simulator {
    Simulator::tcp("mongo", Arc::new(Server)).scheme("mongodb")
}

/// The configuration that leads to a simulator at `base_url`.
pub fn sandbox_config(base_url: &str) -> Map<String, Value> {
    let address = base_url.rsplit("://").next().unwrap_or(base_url);
    let address = address.trim_end_matches('/');
    // One server, known to be there: nothing is looked for beyond it.
    let uri = format!("mongodb://sandbox:sandbox@{address}/sandbox?directConnection=true");
    match json!({ "uri": uri }) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

struct Server;

#[async_trait]
impl TcpSimulator for Server {
    async fn serve(
        &self,
        listener: TcpListener,
        _faults: Arc<Switchboard>,
        shutdown: CancellationToken,
    ) {
        shutdown.cancelled().await;
        drop(listener);
    }
}
