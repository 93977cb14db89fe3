//! Redis as a cluster, behind sentinels, and encrypted.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use business_tools_core::millis;
use business_tools_core::secret::Secret;
use business_tools_core::state::Store;
use business_tools_core::state::redis::{RedisSettings, RedisStore, Topology};

use super::server::{RedisServer, Sentinels, free_port};
use super::suite::Kind;

/// A Redis of some shape, used by one test among others.
pub struct Shape {
    settings: RedisSettings,
}

impl Kind for Shape {
    fn join(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::start(self.settings.clone()).unwrap())
    }
}

fn apart(settings: RedisSettings) -> Shape {
    Shape {
        settings: RedisSettings {
            prefix: format!("test-{}", uuid::Uuid::new_v4().simple()),
            timeout: millis(1000),
            ..settings
        },
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "waited too long: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Three masters, shared by the tests of the suite.
pub fn cluster() -> Shape {
    static NODES: LazyLock<Vec<RedisServer>> = LazyLock::new(|| {
        let bus: Vec<String> = (0..3).map(|_| free_port().to_string()).collect();
        let start =
            |bus: &String| RedisServer::start(&["--cluster-enabled", "yes", "--cluster-port", bus]);
        let nodes: Vec<RedisServer> = bus.iter().map(start).collect();
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (n, (from, to)) in slots.into_iter().enumerate() {
            let epoch = (n + 1).to_string();
            nodes[n].ask(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            assert_eq!(nodes[n].ask(&["CLUSTER", "ADDSLOTSRANGE", from, to]), "+OK");
            let port = nodes[n].port().to_string();
            nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus[n]]);
        }
        for node in &nodes {
            wait_for("the cluster is one", || {
                let info = node.ask(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            });
        }
        nodes
    });
    apart(RedisSettings {
        topology: Topology::Cluster,
        nodes: NODES[1..]
            .iter()
            .map(|node| Secret::new(node.url()))
            .collect(),
        ..RedisSettings::at(NODES[0].url())
    })
}

/// Where the sentinels are.
pub fn of(sentinels: &Sentinels) -> RedisSettings {
    RedisSettings {
        topology: Topology::Sentinel {
            master: "ours".to_owned(),
            username: None,
            password: None,
        },
        ..RedisSettings::at(sentinels.url())
    }
}

pub fn sentinel() -> Shape {
    static ALL: LazyLock<Sentinels> = LazyLock::new(Sentinels::start);
    apart(of(&ALL))
}

/// A server that speaks TLS alone, with a certificate that only we trust.
pub fn encrypted() -> Shape {
    static SERVER: LazyLock<(RedisServer, PathBuf)> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("redis-tls-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let (cert, key, config) = (at("cert.pem"), at("key.pem"), at("config"));
        // Not an authority, or it would be no server's certificate.
        let plain = "[req]\ndistinguished_name=name\nx509_extensions=plain\n[name]\n[plain]\n\
                     basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost\n";
        std::fs::write(&config, plain).unwrap();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args([
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-config",
                &config,
            ])
            .args(["-keyout", &key, "-out", &cert])
            .output();
        assert!(
            made.is_ok_and(|made| made.status.success()),
            "this test makes a certificate with the program openssl"
        );
        let port = free_port();
        let server = RedisServer::start(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-auth-clients",
            "no",
        ]);
        std::fs::write(folder.join("port"), port.to_string()).unwrap();
        (server, folder)
    });
    let folder = &SERVER.1;
    let port = std::fs::read_to_string(folder.join("port")).unwrap();
    apart(RedisSettings {
        ca_file: Some(folder.join("cert.pem")),
        ..RedisSettings::at(format!("rediss://localhost:{port}"))
    })
}
