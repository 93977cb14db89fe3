//! The configuration of one MongoDB account.

use business_tools_core::{Error, Kind, Result, Secret};
use mongodb::options::{ConnectionString, HostInfo};
use schemars::JsonSchema;
use serde::Deserialize;

/// The options that weaken TLS or lead the traffic elsewhere. They do not belong in a string that is
/// copied around; none of them is needed for a sound set-up.
const REFUSED_OPTIONS: &[&str] = &[
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlsinsecure",
    "sslallowinvalidcertificates",
    "proxyhost",
    "proxyport",
    "proxyusername",
    "proxypassword",
];

/// Connection, fences and limits of one MongoDB account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MongoConfig {
    /// The connection string, `mongodb://user:password@host/database` or `mongodb+srv://…`.
    #[serde(default)]
    pub uri: Option<Secret>,
    /// Other hosts than those of `uri`: `host:port`, several with commas, or a whole connection string.
    #[serde(default)]
    pub base_url: Option<Secret>,
    /// The databases that may be used; empty means all. `*` stands for any characters.
    #[serde(default)]
    pub databases: Vec<String>,
    /// The collections that may be used, as `database.collection`; empty means all. `*` stands for
    /// any characters.
    #[serde(default)]
    pub collections: Vec<String>,
    /// The most documents that one call reads.
    #[serde(default = "default_max_documents")]
    pub max_documents: u32,
    /// The most bytes of documents that one call reads.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: usize,
    /// The longest that the server works on one command, in milliseconds.
    #[serde(default = "default_max_time_ms")]
    pub max_time_ms: u64,
    /// Whether queries that would read a whole collection are refused.
    #[serde(default)]
    pub index_check: bool,
    /// Whether the databases `admin`, `config` and `local` and the `system.` collections may be read.
    #[serde(default)]
    pub allow_system: bool,
    /// The name under which the server's log and profiler show these connections.
    #[serde(default = "default_app_name")]
    pub app_name: String,
}

const fn default_max_documents() -> u32 {
    100
}

const fn default_max_bytes() -> usize {
    1 << 20
}

const fn default_max_time_ms() -> u64 {
    30_000
}

fn default_app_name() -> String {
    "business-tools".to_owned()
}

impl MongoConfig {
    /// A configuration of one connection string, everything else as it is by default.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: Some(Secret::new(uri)),
            base_url: None,
            databases: Vec::new(),
            collections: Vec::new(),
            max_documents: default_max_documents(),
            max_bytes: default_max_bytes(),
            max_time_ms: default_max_time_ms(),
            index_check: false,
            allow_system: false,
            app_name: default_app_name(),
        }
    }

    /// Checks everything that can be checked without a connection, and reads the connection string.
    pub(crate) fn connection(&self) -> Result<ConnectionString> {
        if self.max_documents == 0 || self.max_bytes == 0 || self.max_time_ms == 0 {
            return Err(wrong(
                "`max_documents`, `max_bytes` and `max_time_ms` must be above zero",
                "Leave them out for 100 documents, 1 MiB and 30 seconds",
            ));
        }
        if let Some(n) = self
            .collections
            .iter()
            .position(|entry| !entry.contains('.'))
        {
            return Err(wrong(
                format!(
                    "`collections` holds an entry that names no database, number {}",
                    n + 1
                ),
                "Write `database.collection`, or `database.*` for all of a database",
            ));
        }
        // A variable that is set to nothing is not set.
        let text = |secret: &'_ Option<Secret>| -> Option<String> {
            let text = secret.as_ref()?.expose().trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (uri, base) = (text(&self.uri), text(&self.base_url));
        match (uri, base) {
            (Some(uri), None) => parse("uri", &uri),
            (None, Some(base)) => parse("base_url", &with_scheme(&base)),
            (Some(uri), Some(base)) => Ok(redirect(
                parse("uri", &uri)?,
                parse("base_url", &with_scheme(&base))?,
            )),
            (None, None) => Err(wrong(
                "`uri` is missing",
                "Set MONGODB_URI to a string such as mongodb://user:password@host/database",
            )),
        }
    }
}

/// An error about the configuration. It names settings and never quotes the connection string.
fn wrong(message: impl Into<String>, hint: &'static str) -> Error {
    Error::new(Kind::NotConfigured, message.into()).hint(hint)
}

fn with_scheme(base: &str) -> String {
    if base.contains("://") {
        base.to_owned()
    } else {
        format!("mongodb://{base}")
    }
}

/// The account of `uri` at the hosts of `base`.
fn redirect(mut uri: ConnectionString, base: ConnectionString) -> ConnectionString {
    if base.credential.is_some() {
        return base;
    }
    uri.host_info = base.host_info;
    // What described the old hosts says nothing about the new ones.
    uri.tls = base.tls;
    uri.replica_set = base.replica_set;
    uri.load_balanced = base.load_balanced;
    uri.direct_connection = base.direct_connection;
    uri.srv_max_hosts = base.srv_max_hosts;
    uri.srv_service_name = base.srv_service_name;
    if base.default_database.is_some() {
        uri.default_database = base.default_database;
    }
    uri
}

/// Reads a connection string. The driver's own messages quote parts of it, so ours stand in their place.
fn parse(field: &str, text: &str) -> Result<ConnectionString> {
    if text.chars().any(char::is_control) {
        return Err(wrong(
            format!("`{field}` holds control characters"),
            "Check the connection string for line breaks and stray characters",
        ));
    }
    let Some(rest) = text
        .strip_prefix("mongodb://")
        .or_else(|| text.strip_prefix("mongodb+srv://"))
    else {
        return Err(wrong(
            format!("`{field}` is not a MongoDB connection string"),
            "It begins with mongodb:// or mongodb+srv://",
        ));
    };
    if let Some(option) = refused_option(rest) {
        return Err(wrong(
            format!("`{field}` sets the option `{option}`, which is refused"),
            "Use a certificate that the system trusts, or `tlsCAFile` for one of your own",
        ));
    }
    let invalid = || {
        wrong(
            format!("`{field}` is not a valid connection string"),
            "Percent-encode the special characters of user and password, and check hosts and options",
        )
    };
    let connection = ConnectionString::parse(text).map_err(|_| invalid())?;
    let has_host = match &connection.host_info {
        HostInfo::HostIdentifiers(hosts) => !hosts.is_empty(),
        HostInfo::DnsRecord(name) => !name.is_empty(),
        _ => false,
    };
    if has_host {
        Ok(connection)
    } else {
        Err(invalid())
    }
}

fn refused_option(rest: &str) -> Option<&'static str> {
    let (_, options) = rest.split_once('?')?;
    options.split('&').find_map(|pair| {
        let name = pair.split('=').next()?.to_ascii_lowercase();
        REFUSED_OPTIONS.iter().copied().find(|no| *no == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_base(uri: &str, base: &str) -> Result<ConnectionString> {
        MongoConfig {
            base_url: Some(Secret::new(base)),
            ..MongoConfig::new(uri)
        }
        .connection()
    }

    #[test]
    fn a_bad_connection_string_is_told_without_quoting_it() {
        for uri in [
            "",
            "postgres://me:c4nary@host/db",
            "mongodb://",
            "mongodb://me:c4nary@",
            "mongodb://me:c4nary@host:notaport/db",
            "mongodb://me:c4n/ary@host/db",
            "mongodb://me:c4nary@ho\nst/db",
            "mongodb+srv://me:c4nary@host:27017/db",
            "mongodb://me:c4nary@host/db?tlsInsecure=true",
            "mongodb://me:c4nary@host/db?tlsAllowInvalidCertificates=true",
        ] {
            let error = MongoConfig::new(uri).connection().err();
            let error = error.unwrap_or_else(|| panic!("{uri} was taken"));
            assert_eq!(error.kind(), Kind::NotConfigured, "{uri}");
            let shown = format!("{error:?} {error} {:?}", error.cause());
            assert!(!shown.contains("c4n"), "{shown}");
        }
    }

    #[test]
    fn the_configuration_never_shows_the_connection_string() {
        let config = MongoConfig {
            base_url: Some(Secret::new("mongodb://me:c4nary2@host")),
            ..MongoConfig::new("mongodb://me:c4nary@host/db")
        };
        assert!(!format!("{config:?}").contains("c4nary"));
    }

    #[test]
    fn base_url_replaces_the_hosts_and_keeps_the_account() {
        for base in ["127.0.0.1:4444", "mongodb://127.0.0.1:4444"] {
            let uri = "mongodb+srv://me:secret@cluster.example.net/shop?replicaSet=rs0";
            let connection = with_base(uri, base).unwrap();
            assert_eq!(
                connection.host_info,
                HostInfo::HostIdentifiers(vec!["127.0.0.1:4444".parse().unwrap()])
            );
            let credential = connection.credential.unwrap();
            assert_eq!(credential.username.as_deref(), Some("me"));
            assert_eq!(connection.default_database.as_deref(), Some("shop"));
            assert_eq!(connection.tls, None);
            assert_eq!(connection.replica_set, None);
        }
    }

    #[test]
    fn base_url_with_an_account_of_its_own_stands_alone() {
        let connection = with_base("mongodb://me:x@a/shop", "mongodb://you:y@b:1/other").unwrap();
        assert_eq!(connection.default_database.as_deref(), Some("other"));
        assert_eq!(
            connection.credential.unwrap().username.as_deref(),
            Some("you")
        );
    }

    #[test]
    fn limits_of_zero_and_collections_without_a_database_are_refused() {
        let mut config = MongoConfig::new("mongodb://localhost");
        config.max_time_ms = 0;
        assert!(config.connection().is_err());
        let mut config = MongoConfig::new("mongodb://localhost");
        config.collections = vec!["orders".into()];
        assert!(config.connection().is_err());
    }
}
