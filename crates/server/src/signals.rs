//! The signals that end the process, and the one that must not.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled by SIGTERM or SIGINT. SIGHUP is taken and never kills the process.
pub(crate) fn stop() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        if let Err(error) = wait().await {
            tracing::error!(%error, "signals cannot be heard");
            std::future::pending::<()>().await;
        }
        told.cancel();
    });
    stop
}

#[cfg(unix)]
async fn wait() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => tracing::info!("SIGHUP was taken; nothing is reloaded in this version"),
        }
    }
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
