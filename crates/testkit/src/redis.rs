//! A real Redis of a test's own, to be filled, starved, stopped and started again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the server, tells its process id, and ends it when its own input ends: with the test, however that ends.
const KEEPER: &str = r#"
"$@" >/dev/null 2>&1 </dev/null &
echo $!
read -r _
kill -s KILL $! 2>/dev/null
wait $! 2>/dev/null
"#;

/// Nothing is written to the disk. A sentinel, which is started with a file, knows no such settings.
const FORGETFUL: &[&str] = &["--save", "", "--appendonly", "no"];

/// A running server with nothing in it. Dropping it ends it.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    args: Vec<String>,
    folder: PathBuf,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    keeper: Child,
    pid: String,
}

/// The server's program: the one that `cargo xtask test` names, or one that is installed.
///
/// # Panics
/// When there is none, with what to do about it.
pub fn program() -> PathBuf {
    let named = std::env::var_os("TEST_REDIS_SERVER").map(PathBuf::from);
    let installed = || {
        let path = std::env::var_os("PATH")?;
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        ["redis-server", "valkey-server"]
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
            .find(|file| file.is_file())
    };
    let fetched = || {
        let cache = std::env::var_os("BUSINESS_TOOLS_CACHE").map(PathBuf::from);
        let usual =
            || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/business-tools-mcp"));
        let file = cache.or_else(usual)?.join("redis/redis-server");
        file.is_file().then_some(file)
    };
    let found = named.or_else(installed).or_else(fetched);
    assert!(
        found.is_some(),
        "this test needs a Redis: `cargo xtask redis` finds or installs one, and TEST_REDIS_SERVER names another"
    );
    found.unwrap_or_default()
}

/// A loopback port that nobody listens on right now.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
    listener.local_addr().expect("its address").port()
}

impl RedisServer {
    /// Starts a server with further arguments, such as `["--requirepass", "x"]`.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(args: &[&str]) -> Self {
        let mut server = Self::absent(args);
        server.restart();
        server
    }

    /// The place of a server that does not run yet.
    pub fn absent(args: &[&str]) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("test-redis-{}-{port}", std::process::id()));
        Self {
            port,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            folder,
            running: None,
        }
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, at the same place and as empty as ever.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.stop();
        std::fs::create_dir_all(&self.folder).expect("a folder for the server");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program())
            .args(&self.args[..self.sentinel_file()])
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .arg("--dir")
            .arg(&self.folder)
            .args(&self.args[self.sentinel_file()..])
            .args(if self.sentinel_file() == 0 {
                FORGETFUL
            } else {
                &[]
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut pid = String::new();
        let stdout = keeper.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut pid)
            .expect("a process id");
        self.running = Some(Running {
            keeper,
            pid: pid.trim().to_owned(),
        });
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < end,
                "the Redis of this test did not come up"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A configuration file has to come first.
    fn sentinel_file(&self) -> usize {
        usize::from(self.args.first().is_some_and(|arg| !arg.starts_with("--")))
    }

    /// Ends it at once, as a crash does.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.keeper.stdin.take());
            drop(running.keeper.wait());
        }
    }

    /// Lets it stand still: it takes connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(running) = &self.running {
            let done = Command::new("kill")
                .args(["-s", signal, &running.pid])
                .status();
            assert!(done.is_ok_and(|status| status.success()), "it is gone");
        }
    }

    /// What it answers to a command, as it comes over the wire.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn ask(&self, command: &[&str]) -> String {
        let mut wire = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let words = command
            .iter()
            .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let words: String = words.collect();
        let text = format!("*{}\r\n{words}", command.len());
        wire.write_all(text.as_bytes()).expect("it reads");
        // Not every kind of server ends a conversation when asked to, so silence is the end of its answer.
        let quiet = Some(Duration::from_millis(100));
        wire.set_read_timeout(quiet).expect("a time-out");
        let end = Instant::now() + Duration::from_secs(10);
        let (mut answer, mut bytes) = (Vec::new(), [0; 4096]);
        while Instant::now() < end {
            match wire.read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => answer.extend(&bytes[..n]),
                Err(_) if answer.is_empty() => {}
                Err(_) => break,
            }
        }
        String::from_utf8_lossy(&answer).trim_end().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A master, its replica and the sentinel that watches them, under the name `ours`.
#[derive(Debug)]
pub struct Sentinels {
    /// The master at first.
    pub master: RedisServer,
    /// Its replica at first.
    pub replica: RedisServer,
    sentinel: RedisServer,
}

impl Sentinels {
    /// Starts them, and waits until they know each other.
    ///
    /// # Panics
    /// When they do not find together.
    pub fn start() -> Self {
        let master = RedisServer::start(&[]);
        let port = master.port.to_string();
        let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &port]);
        let follows = || {
            replica
                .ask(&["INFO", "replication"])
                .contains("link_status:up")
        };
        wait_for("the replica follows", follows);
        let mut sentinel = RedisServer::absent(&[]);
        std::fs::create_dir_all(&sentinel.folder).expect("a folder for the sentinel");
        let file = sentinel.folder.join("sentinel.conf");
        let watch = format!(
            "sentinel monitor ours 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds ours 500\n\
             sentinel failover-timeout ours 3000\n"
        );
        std::fs::write(&file, watch).expect("a file for the sentinel");
        sentinel.args = vec![file.display().to_string(), "--sentinel".to_owned()];
        sentinel.restart();
        let port = replica.port.to_string();
        let knows = || {
            sentinel
                .ask(&["SENTINEL", "REPLICAS", "ours"])
                .contains(&port)
        };
        wait_for("the sentinel knows the replica", knows);
        Self {
            master,
            replica,
            sentinel,
        }
    }

    /// Where the sentinel is.
    pub fn url(&self) -> String {
        self.sentinel.url()
    }

    /// Ends the master, and waits until its replica is one.
    ///
    /// # Panics
    /// When the sentinel does not make it one.
    pub fn fail_over(&mut self) {
        self.master.stop();
        wait_for("another one is master", || {
            self.replica.ask(&["ROLE"]).contains("master")
        });
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < end, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
