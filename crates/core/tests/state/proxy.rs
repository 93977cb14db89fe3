//! A TCP proxy that can be slow, or severed.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes on what it gets, answers as late as it is told.
pub struct Proxy {
    port: u16,
    delay: Arc<AtomicU64>,
    severed: watch::Sender<bool>,
}

impl Proxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let delay = Arc::new(AtomicU64::new(0));
        let wait = Arc::clone(&delay);
        let severed = watch::Sender::new(false);
        let cut = severed.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let wait = Arc::clone(&wait);
                let mut cut = cut.clone();
                let relay = async move {
                    let far = TcpStream::connect(("127.0.0.1", to)).await?;
                    let (mut near_in, mut near_out) = near.into_split();
                    let (mut far_in, mut far_out) = far.into_split();
                    let ask =
                        tokio::spawn(
                            async move { tokio::io::copy(&mut near_in, &mut far_out).await },
                        );
                    let _ask = tokio_util::task::AbortOnDropHandle::new(ask);
                    let mut bytes = vec![0; 1 << 16];
                    loop {
                        let n = far_in.read(&mut bytes).await?;
                        if n == 0 {
                            break;
                        }
                        let wait = Duration::from_millis(wait.load(Ordering::Relaxed));
                        tokio::time::sleep(wait).await;
                        near_out.write_all(&bytes[..n]).await?;
                    }
                    Ok::<_, std::io::Error>(())
                };
                tokio::spawn(async move {
                    tokio::select! {
                        _ = relay => {}
                        _ = cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self {
            port,
            delay,
            severed,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection, and each new one, until it is told otherwise.
    pub fn sever(&self, severed: bool) {
        self.severed.send_replace(severed);
    }

    pub fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.delay.store(millis, Ordering::Relaxed);
    }
}
