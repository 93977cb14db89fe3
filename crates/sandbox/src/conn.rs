//! A connection that a fault can break.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// The exchange ends here, without (the rest of) an answer. hyper drops the connection for it.
#[derive(Debug)]
pub(crate) struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox cut the connection")
    }
}

impl Error for Aborted {}

/// What the requests of a connection may do to it.
#[derive(Debug, Default)]
pub(crate) struct Control {
    reset: AtomicBool,
    watched: AtomicBool,
    flushed: Notify,
}

impl Control {
    /// Make the end of the connection a TCP reset.
    pub(crate) fn reset(&self) -> Aborted {
        self.reset.store(true, Ordering::Release);
        Aborted
    }

    /// Wait until all that was answered so far is with the kernel.
    pub(crate) async fn flushed(&self) {
        self.watched.store(true, Ordering::Release);
        // The flush may have come before the watch; then nothing is left to wait for but this.
        let _ = tokio::time::timeout(Duration::from_millis(250), self.flushed.notified()).await;
    }
}

/// A TCP stream under [`Control`].
#[derive(Debug)]
pub(crate) struct Controlled {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Controlled {
    pub(crate) fn new(stream: TcpStream, control: Arc<Control>) -> Self {
        Self { stream, control }
    }
}

impl Drop for Controlled {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Acquire) {
            // Closing with a linger of zero sends RST in place of FIN and drops what is unsent.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Controlled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Controlled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the stream when its own buffer is empty.
        if self.control.watched.load(Ordering::Acquire) {
            self.control.flushed.notify_one();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
