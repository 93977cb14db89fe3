//! `stdio`: one client, stdin to stdout. Nothing but protocol messages goes to stdout.

use std::sync::Arc;

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;

use super::{Common, Done, Failure};
use crate::app::{App, Seat, Surface, mcp_options};
use crate::edge;
use crate::mcp::Handler;
use crate::mcp::prompts::Product;
use crate::signals;

pub(super) async fn run(flags: &Common) -> Done {
    let app = Arc::new(App::start(flags, Seat::Desk).await?);
    let handler = Handler::new(
        app.registry.clone(),
        mcp_options(&app.config()),
        Arc::new(Product),
    );
    let stop = signals::stop();
    let surface = Surface {
        handler: handler.clone(),
        http: None,
        needs_keys: false,
    };
    let changes = tokio::spawn(app.clone().keep_configured(surface, stop.clone()));
    let (reader, writer, guard) = edge::stdio::guard(
        tokio::io::stdin(),
        tokio::io::stdout(),
        edge::stdio::Limits::default(),
    );
    let served = async {
        let running = match handler.clone().serve((reader, writer)).await {
            Ok(running) => running,
            // Hosts probe a server by starting it and closing stdin again.
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(Failure::from(error)),
        };
        let cancel = running.cancellation_token();
        let waiting = running.waiting();
        tokio::pin!(waiting);
        tokio::select! {
            _ = &mut waiting => {}
            () = stop.cancelled() => {
                // What is running is answered; what is not is refused by the end of the process.
                handler.drain();
                let _ = tokio::time::timeout(app.grace(), handler.idle()).await;
                cancel.cancel();
                let _ = waiting.await;
            }
        }
        Ok(())
    };
    let done = tokio::select! {
        done = served => done,
        // Told to stop before the first message: there is nothing to answer.
        () = async { stop.cancelled().await; tokio::time::sleep(app.grace()).await } => Ok(()),
    };
    handler.drain();
    let _ = tokio::time::timeout(app.grace(), handler.idle()).await;
    guard.finish().await;
    changes.abort();
    app.stop().await;
    done
}
