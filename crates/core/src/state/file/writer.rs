//! The thread that owns the connection, and what it is asked to do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{schema, windows};
use crate::state::{LocalWindows, Trouble};

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Writer {
    // Taken by the end of the store, which is how the thread learns of it.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Mutex<Option<Trouble>>>,
    failures: Arc<AtomicU64>,
}

enum Job {
    Work(Box<dyn Work>),
    /// Something was spent that is to be kept in a moment.
    Spent,
}

/// Something to do in a transaction that others may share. It is done again if that transaction fails.
trait Work: Send {
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn tell(self: Box<Self>, how: Result<(), Trouble>);
}

struct Typed<T, F> {
    work: F,
    result: Option<T>,
    tell: oneshot::Sender<Result<T, Trouble>>,
}

impl<T, F> Work for Typed<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.work)(connection)?);
        Ok(())
    }

    fn tell(self: Box<Self>, how: Result<(), Trouble>) {
        let result = self.result;
        let missing = || Trouble::Failed("the store lost a result".to_owned());
        let told = how.and_then(|()| result.ok_or_else(missing));
        // Whoever asked may have gone away.
        drop(self.tell.send(told));
    }
}

/// Works that share one transaction at most.
const TOGETHER: usize = 128;
/// How long what was spent may wait for being kept.
const SOON: Duration = Duration::from_secs(1);
/// How often what is over is dropped, when there is something to do at all.
const SWEEP: Duration = Duration::from_mins(10);

impl Writer {
    pub(super) fn start(connection: Connection, windows: Arc<LocalWindows>) -> io::Result<Self> {
        let (jobs, todo) = channel();
        let trouble = Arc::<Mutex<Option<Trouble>>>::default();
        let failures = Arc::<AtomicU64>::default();
        let mut desk = Desk {
            connection,
            windows,
            trouble: Arc::clone(&trouble),
            failures: Arc::clone(&failures),
            swept: Instant::now(),
        };
        let thread = thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || desk.work_off(&todo))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            trouble,
            failures,
        })
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Does something in a transaction, and gives its result once that is on the disk.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let gone = || Trouble::Failed("the thread of the state file has ended".to_owned());
        let (tell, told) = oneshot::channel();
        let work = Typed {
            work,
            result: None,
            tell,
        };
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Job::Work(Box::new(work))).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// Has what was spent kept in a moment.
    pub(super) fn spent(&self) {
        if let Some(jobs) = &self.jobs {
            // Without the thread there is nobody to keep it.
            drop(jobs.send(Job::Spent));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Desk {
    connection: Connection,
    windows: Arc<LocalWindows>,
    trouble: Arc<Mutex<Option<Trouble>>>,
    failures: Arc<AtomicU64>,
    swept: Instant,
}

impl Desk {
    fn work_off(&mut self, todo: &Receiver<Job>) {
        let mut flush_at: Option<Instant> = None;
        loop {
            // An idle process sleeps.
            let next = match flush_at {
                None => todo.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => todo.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            let mut batch = Vec::new();
            match next {
                Ok(Job::Work(work)) => batch.push(work),
                Ok(Job::Spent) => flush_at = flush_at.or_else(|| Some(Instant::now() + SOON)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.keep_spent();
                    return;
                }
            }
            while batch.len() < TOGETHER {
                match todo.try_recv() {
                    Ok(Job::Work(work)) => batch.push(work),
                    Ok(Job::Spent) => flush_at = flush_at.or_else(|| Some(Instant::now() + SOON)),
                    Err(_) => break,
                }
            }
            if !batch.is_empty() {
                self.together(batch);
            }
            if flush_at.is_some_and(|at| at <= Instant::now()) {
                flush_at = None;
                self.keep_spent();
            }
            if self.swept.elapsed() >= SWEEP {
                self.swept = Instant::now();
                let swept = schema::sweep(&self.connection);
                self.note(&swept);
            }
        }
    }

    /// Does all in one transaction, or each in its own if one of them fails.
    fn together(&mut self, mut batch: Vec<Box<dyn Work>>) {
        if batch.len() > 1 && self.transact(&mut batch).is_ok() {
            for work in batch {
                work.tell(Ok(()));
            }
            return;
        }
        for work in batch {
            let mut alone = [work];
            let done = self.transact(&mut alone);
            self.note(&done);
            let [work] = alone;
            work.tell(done.map_err(|fault| trouble(&fault)));
        }
    }

    fn transact(&mut self, batch: &mut [Box<dyn Work>]) -> rusqlite::Result<()> {
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let change = self.connection.transaction_with_behavior(behavior)?;
        for work in batch {
            work.run(&change)?;
        }
        change.commit()
    }

    fn keep_spent(&mut self) {
        let spent = self.windows.drain();
        if !spent.is_empty() {
            let kept = windows::keep(&mut self.connection, &spent);
            self.note(&kept);
        }
    }

    /// What the last work says about the file.
    fn note<T>(&self, done: &rusqlite::Result<T>) {
        let mut now = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let found = done.as_ref().err().map(trouble);
        if found.is_some() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(found) = found.as_ref().filter(|_| *now != found) {
            tracing::error!(error = %found, "the state file cannot be written");
        }
        *now = found;
    }
}

fn trouble(fault: &rusqlite::Error) -> Trouble {
    let why = fault.to_string();
    match fault.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Trouble::Full(why),
        _ => Trouble::Failed(why),
    }
}
