//! The provider: one MongoDB deployment, as one user sees it.

use std::time::Duration;

use bson::doc;
use business_tools_core::{
    Cx, EnvVar, Error, Faults, Info, Kind, Provider, Result, ToolDef, Upstream,
};

use crate::client::Client;
use crate::config::MongoConfig;
use crate::guard::{self, Fence};
use crate::{policy, tools};

/// A MongoDB deployment, as one user sees it.
pub struct Mongo {
    pub(crate) client: Client,
    pub(crate) fence: Fence,
    pub(crate) limits: Limits,
    default_database: Option<String>,
    has_user: bool,
}

/// What one call reads at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Documents.
    pub(crate) documents: u32,
    /// Bytes of BSON.
    pub(crate) bytes: usize,
    /// Whether reads of whole collections are refused.
    pub(crate) index_check: bool,
}

/// A collection that may be used.
#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    pub(crate) database: String,
    pub(crate) collection: String,
}

impl Provider for Mongo {
    type Config = MongoConfig;

    const INFO: Info = Info {
        id: "mongo",
        title: "MongoDB",
        summary: "Query and change documents, inspect collections, schemas and indexes.",
        docs: "https://www.mongodb.com/docs/manual/",
        policy: policy::POLICY,
        // `MONGO_BASE_URL` is core's, as for every provider with a `base_url`.
        env: &[
            EnvVar {
                name: "MDB_MCP_CONNECTION_STRING",
                field: "uri",
            },
            EnvVar {
                name: "MONGODB_URI",
                field: "uri",
            },
        ],
        credentials: &["uri"],
        auth_hint: crate::AUTH_HINT,
        setup_hint: "Set MONGODB_URI to a string such as mongodb://user:password@host/database",
    };

    const TOOLS: &'static [ToolDef<Self>] = tools::TOOLS;

    fn check(config: &MongoConfig) -> Result<()> {
        config.connection().map(drop)
    }

    fn connect(config: MongoConfig, upstream: Upstream) -> Result<Self> {
        let connection = config.connection()?;
        let default_database = connection.default_database.clone();
        let has_user = connection
            .credential
            .as_ref()
            .is_some_and(|credential| credential.username.is_some());
        let max_time = Duration::from_millis(config.max_time_ms);
        let client = Client::new(connection, &config.app_name, max_time, &upstream)?;
        let limits = Limits {
            documents: config.max_documents,
            bytes: config.max_bytes,
            index_check: config.index_check,
        };
        let fence = Fence::new(config.databases, config.collections, config.allow_system);
        Ok(Self {
            client,
            fence,
            limits,
            default_database,
            has_user,
        })
    }

    async fn health(&self, cx: &Cx) -> Result<()> {
        let status = doc! {"connectionStatus": 1, "showPrivileges": false};
        let status = self.client.look(cx, "admin", status).await?;
        let users = status
            .get_document("authInfo")
            .and_then(|info| info.get_array("authenticatedUsers"));
        if self.has_user && users.is_ok_and(Vec::is_empty) {
            return Err(Error::new(
                Kind::AuthFailed,
                "The MongoDB server did not take the user of the connection string",
            )
            .hint(crate::AUTH_HINT));
        }
        Ok(())
    }
}

impl Mongo {
    /// The database that an argument names, or the connection string's own, if it may be used.
    pub(crate) fn database(&self, named: Option<&str>, faults: &mut Faults) -> String {
        let Some(database) = named.or(self.default_database.as_deref()) else {
            faults.add(
                "/database",
                "is required, since the connection string names no database",
            );
            return String::new();
        };
        guard::database_name(database, "/database", faults);
        self.fence.database(database, "/database", faults);
        database.to_owned()
    }

    /// The collection that the arguments name, if it may be read.
    pub(crate) fn readable(
        &self,
        database: Option<&str>,
        collection: &str,
        faults: &mut Faults,
    ) -> Namespace {
        let database = self.database(database, faults);
        guard::collection_name(&database, collection, "/collection", faults);
        self.fence
            .collection(&database, collection, "/collection", faults);
        Namespace {
            database,
            collection: collection.to_owned(),
        }
    }

    /// The collection that the arguments name, if it may be changed: no setting opens the system's own.
    pub(crate) fn writable(
        &self,
        database: Option<&str>,
        collection: &str,
        faults: &mut Faults,
    ) -> Namespace {
        let namespace = self.readable(database, collection, faults);
        guard::no_system(&namespace.database, collection, faults);
        namespace
    }
}
