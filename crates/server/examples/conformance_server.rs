//! The server that the MCP conformance suite is run against.
//!
//! The same handler, registry, layers and HTTP side as the product, put together through their public
//! constructors, with the tools, prompts and resources the suite asks for. It is never shipped.

mod conformance;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use business_tools_core::health::HealthBoard;
use business_tools_core::{Env, Plugin, ProviderSettings, Registry};
use business_tools_mcp::http::{self, Http};
use business_tools_mcp::mcp::{self, Handler};
use conformance::{Extra, Fixtures};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let listen: SocketAddr = match (args.next().as_deref(), args.next(), args.next()) {
        (None, ..) => ([127, 0, 0, 1], 3198).into(),
        (Some("--listen"), Some(address), None) => address.parse().context("--listen")?,
        _ => bail!("usage: conformance_server [--listen ADDRESS:PORT]"),
    };

    let registry = Registry::new(Env::alone());
    let settings = ProviderSettings::single(serde_json::Map::new());
    registry.add(Arc::new(Plugin::<Fixtures>::connect(
        &settings,
        registry.env(),
    )?))?;
    let extra = Arc::new(Extra::new(registry.env().seal.clone()));
    let handler = Handler::new(
        registry,
        mcp::Options::default(),
        Arc::<Extra>::clone(&extra),
    );
    extra.belongs_to(handler.clone());

    // Sessions: without them a legacy client cannot be asked anything, and the suite asks.
    let options = http::Options {
        sessions: true,
        ..http::Options::default()
    };
    let listener = tokio::net::TcpListener::bind(listen).await?;
    writeln!(std::io::stderr(), "http://{}/mcp", listener.local_addr()?)?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    Http::new(handler, HealthBoard::default(), options)
        .serve(listener, stop)
        .await?;
    Ok(())
}

async fn stop_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stop.cancel();
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    stop.cancel();
}
