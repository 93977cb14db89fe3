//! Stdin and stdout, guarded: bounded lines in, whole lines out, and nothing that ends the session by accident.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::jsonrpc::{self, Inspected, Rejection};
use super::opening::Opening;

/// How much either pipe to the protocol library holds.
const PIPE: usize = 256 << 10;
/// How long `finish` waits for a client that no longer reads.
const FINISH: Duration = Duration::from_secs(2);
/// How long the library must have been silent at the end.
const QUIET: Duration = Duration::from_millis(300);

/// What one client may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest line, in bytes, without its end.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 4 << 20 }
    }
}

/// The two tasks between the process's streams and the protocol library.
#[derive(Debug)]
pub struct Guard {
    reading: JoinHandle<()>,
    writing: JoinHandle<()>,
    finishing: CancellationToken,
}

impl Guard {
    /// Writes out what the library wrote last, and ends. Never waits for a client that has stopped reading.
    pub async fn finish(mut self) {
        // Stdin may never end by itself.
        self.reading.abort();
        self.finishing.cancel();
        if tokio::time::timeout(FINISH, &mut self.writing)
            .await
            .is_err()
        {
            self.writing.abort();
        }
    }
}

/// Puts the guard between the process's streams and the protocol library, which gets the reader and the writer.
pub fn guard<R, W>(stdin: R, stdout: W, limits: Limits) -> (DuplexStream, DuplexStream, Guard)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (to_library, reader) = tokio::io::duplex(PIPE);
    let (writer, from_library) = tokio::io::duplex(PIPE);
    // Bounded: a client that sends garbage and reads no answers is not read any further.
    let (answers, queue) = mpsc::channel(64);
    let (finishing, written) = (CancellationToken::new(), CancellationToken::new());
    let unread = written.clone().drop_guard();
    let guard = Guard {
        reading: tokio::spawn(async move {
            tokio::select! {
                () = read(stdin, to_library, answers, limits) => {}
                // Without a reader of the answers there is no session: to the library it looks as if stdin ended.
                () = written.cancelled() => {}
            }
        }),
        writing: {
            let writing = write(stdout, from_library, queue, finishing.clone());
            tokio::spawn(async move {
                let _unread = unread;
                writing.await;
            })
        },
        finishing,
    };
    (reader, writer, guard)
}

/// A line, or what stands for it.
enum Line<'a> {
    Whole(&'a [u8]),
    TooLong,
}

async fn read<R>(
    mut stdin: R,
    to_library: DuplexStream,
    answers: mpsc::Sender<Vec<u8>>,
    limits: Limits,
) where
    R: AsyncRead + Send + Unpin,
{
    let mut gate = Gate {
        to_library,
        answers,
        limits,
        opening: Opening::default(),
    };
    let mut chunk = vec![0; 64 << 10];
    let mut line = Vec::new();
    let mut discarding = false;
    loop {
        let read = match stdin.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::warn!(%error, "stdin failed");
                break;
            }
        };
        let mut rest = &chunk[..read];
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            // One byte more than the limit is a carriage return that does not count.
            if !discarding && line.len() + part.len() > limits.line + 1 {
                discarding = true;
                line = Vec::new();
                // Answered at once: the end of such a line may never come.
                if gate.pass(Line::TooLong).await.is_err() {
                    return;
                }
            }
            if !discarding {
                line.extend_from_slice(part);
            }
            if end.is_some() {
                if !std::mem::take(&mut discarding) && gate.pass(Line::Whole(&line)).await.is_err()
                {
                    return;
                }
                line.clear();
                // One large message must not cost its memory for the whole session.
                line.shrink_to(256 << 10);
            }
        }
    }
    // A last line without its end is still a message.
    if !discarding {
        let _ = gate.pass(Line::Whole(&line)).await;
    }
}

/// The side is gone; nothing more can be passed on.
struct Gone;

struct Gate {
    to_library: DuplexStream,
    answers: mpsc::Sender<Vec<u8>>,
    limits: Limits,
    opening: Opening,
}

impl Gate {
    async fn pass(&mut self, line: Line<'_>) -> Result<(), Gone> {
        let limit = self.limits.line;
        let too_long = || {
            Rejection::invalid(
                None,
                format!("Invalid Request: a line may have {limit} bytes"),
            )
        };
        let bytes = match line {
            Line::TooLong => return self.answer(&too_long()).await,
            Line::Whole(bytes) => bytes.strip_suffix(b"\r").unwrap_or(bytes),
        };
        if bytes.len() > limit {
            return self.answer(&too_long()).await;
        }
        if bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        match jsonrpc::inspect(bytes) {
            Ok(message) => self.forward(&message).await,
            // A notification is never answered, not even a wrong one.
            Err(rejection)
                if rejection.code == jsonrpc::INVALID_PARAMS && rejection.id.is_none() =>
            {
                tracing::debug!(reason = rejection.message, "a notification was dropped");
                Ok(())
            }
            Err(rejection) => self.answer(&rejection).await,
        }
    }

    async fn forward(&mut self, message: &Inspected) -> Result<(), Gone> {
        if !self.opening.lets_pass(message) {
            tracing::debug!(
                method = message.method,
                "dropped: it came before the handshake"
            );
            return Ok(());
        }
        let mut frame = message.canonical();
        frame.push(b'\n');
        self.to_library.write_all(&frame).await.map_err(|_| Gone)
    }

    async fn answer(&mut self, rejection: &Rejection) -> Result<(), Gone> {
        let mut frame = rejection.to_json().to_string().into_bytes();
        frame.push(b'\n');
        self.answers.send(frame).await.map_err(|_| Gone)
    }
}

/// The one owner of stdout.
async fn write<W>(
    mut stdout: W,
    mut from_library: DuplexStream,
    mut queue: mpsc::Receiver<Vec<u8>>,
    finishing: CancellationToken,
) where
    W: AsyncWrite + Send + Unpin,
{
    let mut pending = Vec::new();
    let (mut library, mut guard) = (true, true);
    while library || guard {
        // What is left over has no newline: a long line is not looked through again with each piece of it.
        let seen = pending.len();
        let ready = tokio::select! {
            read = from_library.read_buf(&mut pending), if library => {
                library = matches!(read, Ok(count) if count > 0);
                whole_lines(&mut pending, seen)
            }
            answer = queue.recv(), if guard => {
                guard = answer.is_some();
                answer.unwrap_or_default()
            }
            // The library's writer may outlive the session in some task of its own.
            () = async { finishing.cancelled().await; tokio::time::sleep(QUIET).await } => break,
        };
        if ready.is_empty() {
            continue;
        }
        let written = async {
            stdout.write_all(&ready).await?;
            stdout.flush().await
        };
        if let Err(error) = written.await {
            // Dropping our ends tells the library that nobody listens.
            tracing::debug!(%error, "stdout is closed");
            return;
        }
    }
    let _ = stdout.flush().await;
}

/// Takes everything up to the last newline, of which there is none among the bytes seen before.
fn whole_lines(pending: &mut Vec<u8>, seen: usize) -> Vec<u8> {
    match pending[seen..].iter().rposition(|byte| *byte == b'\n') {
        Some(end) => {
            let rest = pending.split_off(seen + end + 1);
            std::mem::replace(pending, rest)
        }
        None => Vec::new(),
    }
}
