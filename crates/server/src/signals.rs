//! The signals that end the process, and the one that loads its configuration again.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled by SIGTERM or SIGINT. SIGHUP never kills the process.
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
    // Taken even where nothing is loaded again, because nobody who takes it dies of it.
    let _hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// SIGHUP, again and again.
#[cfg(unix)]
pub(crate) struct HangUps(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl HangUps {
    pub(crate) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::warn!(%error, "SIGHUP cannot be heard");
        }
        Self(signal.ok())
    }

    pub(crate) async fn next(&mut self) {
        let heard = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if heard.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(crate) struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
