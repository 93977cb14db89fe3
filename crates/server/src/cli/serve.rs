//! `serve`: MCP, REST, health and metrics on one port.

use std::net::SocketAddr;
use std::sync::Arc;

use business_tools_core::config::Circumstances;
use clap::Args;
use tokio::net::TcpListener;

use super::{Common, Done, Failure, say};
use crate::app::{App, Seat, Surface, http_options, mcp_options};
use crate::http::Http;
use crate::mcp::Handler;
use crate::mcp::prompts::Product;
use crate::signals;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    common: Common,
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Listen on a public address although nobody is asked who they are
    #[arg(long)]
    allow_unauthenticated_public: bool,
}

pub(super) async fn run(flags: &Flags) -> Done {
    let app = Arc::new(App::start(&flags.common, Seat::Network).await?);
    let config = app.config();
    app.registry.env().state.open_now();
    let address = flags.listen.unwrap_or_else(|| app.listen());
    let public = !address.ip().is_loopback();
    if public && config.server.auth.keys.is_empty() {
        if !flags.allow_unauthenticated_public && !config.server.allow_unauthenticated {
            return Err(Failure::Usage(format!(
                "{address} can be reached from other machines, and this server asks nobody who they are. \
                 Set BUSINESS_TOOLS_API_KEY or `server.auth.keys`, or listen on 127.0.0.1; behind a proxy that \
                 authenticates, add --allow-unauthenticated-public"
            )));
        }
        let report = config.unsafe_settings(Circumstances {
            sandbox: flags.common.sandboxed(),
            unauthenticated: true,
        });
        if !report.is_empty() {
            return Err(report.into());
        }
    }
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Usage(format!("cannot listen on {address}: {error}")))?;
    let address = listener.local_addr()?;
    let handler = Handler::new(
        app.registry.clone(),
        mcp_options(&config),
        Arc::new(Product),
    );
    let stop = signals::stop();
    let checks = app.keep_checking(stop.clone());
    let http = Http::new(handler.clone(), app.health.clone(), http_options(&config));
    let surface = Surface {
        handler,
        http: Some(http.clone()),
        needs_keys: public && !flags.allow_unauthenticated_public,
    };
    let changes = tokio::spawn(app.clone().keep_configured(surface, stop.clone()));
    say(&format!(
        "listening on http://{address} (MCP at /mcp, REST at /v1/tools, pages at /docs)"
    ));
    let served = http.serve(listener, stop).await;
    checks.abort();
    changes.abort();
    app.stop().await;
    Ok(served?)
}
