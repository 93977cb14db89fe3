//! Runs one throw-away server of the engine.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::bootstrap;
use crate::service::{self, Service};
use crate::{env, sh};

/// A running server with an empty database; dropping it stops it and removes its data.
pub(crate) struct Engine {
    url: String,
    _service: Service,
}

impl Engine {
    /// Fetches the engine if need be, makes a fresh cluster and starts it on a free loopback port.
    pub(crate) fn start() -> Result<Self> {
        let root = bootstrap::ensure()?;
        let bin = bootstrap::programs(&root)?;
        let port = service::free_port()?;
        let inside = PathBuf::from(format!("/var/tmp/run-{}-{port}", std::process::id()));
        let outside = root.join(inside.strip_prefix("/")?);
        let owner = fs::metadata(root.join("var/lib/postgresql"))?;
        fs::create_dir(&outside)?;
        chown(&outside, Some(owner.uid()), Some(owner.gid()))?;

        let data = inside.join("data");
        sh::output(
            in_root(&root, &bin.join("initdb"))
                .arg("-D")
                .arg(&data)
                .args([
                    "-U",
                    "postgres",
                    "-A",
                    "trust",
                    "--no-sync",
                    "--locale=C.UTF-8",
                ]),
        )?;
        let file = outside.join("data/postgresql.conf");
        let mut config = fs::read_to_string(&file)?;
        config.push_str(&settings(port));
        fs::write(&file, config)?;

        let log = env::cache()?.join(format!("documentdb/server-{port}.log"));
        let output = File::create(&log)?;
        let service = Service::start(
            in_root(&root, &bin.join("postgres")).arg("-D").arg(&data),
            "INT",
            Some(&outside),
            output.try_clone()?,
            output,
        )?;
        let ready = extend(&root, &bin, port);
        let said = fs::read_to_string(&log).unwrap_or_default();
        if let Err(fault) = fs::remove_file(&log) {
            eprintln!("{} stays: {fault}", log.display());
        }
        ready.with_context(|| format!("the engine did not come up; it said:\n{said}"))?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Ok(Self {
            url,
            _service: service,
        })
    }

    /// For `TEST_DOCUMENTDB_URL`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Waits for the server and creates the extension.
fn extend(root: &Path, bin: &Path, port: u16) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    let sql = |statement: &str| {
        sh::output(
            in_root(root, &bin.join("psql"))
                .args([
                    "-h",
                    "127.0.0.1",
                    "-U",
                    "postgres",
                    "-qAt",
                    "-p",
                    &port.to_string(),
                ])
                .args(["-c", statement]),
        )
    };
    while let Err(fault) = sql("SELECT 1") {
        if Instant::now() > end {
            bail!("it does not answer: {fault}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    sql("CREATE EXTENSION documentdb CASCADE").map(drop)
}

/// A program in the root folder, as the user that PostgreSQL insists on.
fn in_root(root: &Path, program: &Path) -> Command {
    let mut command = Command::new("chroot");
    command
        .arg("--userspec=postgres:postgres")
        .arg(root)
        .arg(program);
    command
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/var/lib/postgresql")
        .current_dir("/");
    command
}

/// No mounts are needed inside the root folder with these; a crash may lose everything.
fn settings(port: u16) -> String {
    format!(
        "
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
dynamic_shared_memory_type = mmap
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
documentdb.enableSchemaValidation = on
documentdb.indexBuildsScheduledOnBgWorker = false
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = off
"
    )
}
