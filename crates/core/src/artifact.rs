//! Bytes that a tool made and no answer should hold: kept for a while, or as a file, and linked to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cx::{Cx, Principal};
use crate::error::{Error, Result};

/// How long bytes in memory are kept.
const KEPT: Duration = Duration::from_hours(1);

/// The start of the URI of what is read through this server.
const SCHEME: &str = "bt://artifacts/";

/// Where to get what a tool made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResourceLink {
    /// Always `resource_link`: transports that know such links show it as one.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `file:///…` for a file of the caller's own machine, else `bt://artifacts/…`, to be read as a resource.
    pub uri: String,
    /// A file name.
    pub name: String,
    /// What it is, `image/png`.
    pub mime_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it is forgotten, RFC 3339; absent for a file, which stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl ResourceLink {
    /// What [`ResourceLink::kind`] is.
    pub const KIND: &'static str = "resource_link";
}

/// What was kept.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its file name.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// The place where artifacts are kept. Cheap to clone.
#[derive(Clone)]
pub struct Artifacts(Arc<Place>);

enum Place {
    Memory(Cache<String, Kept>),
    /// Files of the machine that the caller sits at.
    Desk(PathBuf),
    /// Files in a folder for each tenant, reached through this server or another that has the folder.
    Shared(PathBuf),
}

#[derive(Clone)]
struct Kept {
    tenant: Arc<str>,
    artifact: Artifact,
}

impl Artifacts {
    /// Keeps them in memory for an hour, `max_bytes` together: the least used go first.
    pub fn in_memory(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, kept: &Kept| u32::try_from(kept.artifact.bytes.len()).unwrap_or(u32::MAX))
            .time_to_live(KEPT)
            .build();
        Self(Arc::new(Place::Memory(cache)))
    }

    /// Writes each into a file of this folder, where it stays. For callers who sit at this machine.
    pub fn at_desk(folder: PathBuf) -> Self {
        Self(Arc::new(Place::Desk(folder)))
    }

    /// Writes each into a file below this folder, which several servers may share. Nothing is ever removed.
    pub fn in_shared_folder(folder: PathBuf) -> Self {
        Self(Arc::new(Place::Shared(folder)))
    }

    /// Keeps bytes for the tenant of this call, under a name like `name`.
    ///
    /// # Errors
    /// `INTERNAL` when the file cannot be written.
    pub async fn keep(
        &self,
        cx: &Cx,
        name: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<ResourceLink> {
        let name = tame(name);
        let size = bytes.len() as u64;
        let (uri, name, expires_at) = match &*self.0 {
            Place::Memory(cache) => {
                let uri = format!("{SCHEME}{}/{name}", new_id());
                let kept = Kept {
                    tenant: Arc::clone(&cx.principal().tenant),
                    artifact: Artifact {
                        name: name.clone(),
                        media_type: media_type.to_owned(),
                        bytes,
                    },
                };
                cache.insert(uri.clone(), kept).await;
                let until = jiff::Timestamp::now() + KEPT;
                let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                (uri, name, Some(until))
            }
            Place::Shared(folder) => {
                let id = new_id();
                let folder = folder.join(tenant_folder(cx.principal()));
                create(&folder, &format!("{id}-{name}"), &bytes)
                    .await
                    .map_err(Error::internal)?;
                (format!("{SCHEME}{id}/{name}"), name, None)
            }
            Place::Desk(folder) => {
                let path = write(folder, &name, &bytes)
                    .await
                    .map_err(Error::internal)?;
                let uri = url::Url::from_file_path(&path)
                    .map_err(|()| Error::internal("the folder of artifacts is no absolute path"))?;
                let name = path
                    .file_name()
                    .map_or(name, |name| name.to_string_lossy().into_owned());
                (uri.into(), name, None)
            }
        };
        Ok(ResourceLink {
            kind: ResourceLink::KIND,
            uri,
            name,
            mime_type: media_type.to_owned(),
            size,
            expires_at,
        })
    }

    /// What was kept under a URI, for whoever is of the same tenant.
    pub async fn get(&self, uri: &str, principal: &Principal) -> Option<Artifact> {
        if let Place::Memory(cache) = &*self.0 {
            return kept(cache, uri, principal).await;
        }
        let (path, name) = self.file(uri, principal).await?;
        Some(Artifact {
            media_type: crate::files::media_type(&name).to_str().ok()?.to_owned(),
            bytes: tokio::fs::read(&path).await.ok()?.into(),
            name,
        })
    }

    /// Whether something is kept under a URI, for whoever is of the same tenant.
    pub async fn has(&self, uri: &str, principal: &Principal) -> bool {
        match &*self.0 {
            Place::Memory(cache) => kept(cache, uri, principal).await.is_some(),
            _ => self.file(uri, principal).await.is_some(),
        }
    }

    /// The file behind a URI, and its name as the link gave it: the file itself, and nothing that it leads to.
    async fn file(&self, uri: &str, principal: &Principal) -> Option<(PathBuf, String)> {
        let (path, name) = match &*self.0 {
            Place::Memory(_) => return None,
            Place::Shared(folder) => {
                let (id, name) = uri.strip_prefix(SCHEME)?.split_once('/')?;
                if tame(id) != id || tame(name) != name {
                    return None;
                }
                let folder = folder.join(tenant_folder(principal));
                (folder.join(format!("{id}-{name}")), name.to_owned())
            }
            Place::Desk(folder) => {
                let path = url::Url::parse(uri).ok()?.to_file_path().ok()?;
                let folder = tokio::fs::canonicalize(folder).await.ok()?;
                let name = path.file_name()?.to_str()?.to_owned();
                if path.parent() != Some(&folder) || tame(&name) != name {
                    return None;
                }
                (path, name)
            }
        };
        let found = tokio::fs::symlink_metadata(&path).await.ok()?;
        found.is_file().then_some((path, name))
    }
}

async fn kept(cache: &Cache<String, Kept>, uri: &str, principal: &Principal) -> Option<Artifact> {
    let kept = cache.get(uri).await?;
    (kept.tenant == principal.tenant).then_some(kept.artifact)
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The name of a tenant's folder: the tenant's own, or its hash where that is no fit name.
fn tenant_folder(principal: &Principal) -> String {
    use sha2::{Digest as _, Sha256};
    let tenant = &*principal.tenant;
    if tame(tenant) == tenant && tenant.len() < 40 {
        return tenant.to_owned();
    }
    let hash = Sha256::digest(tenant.as_bytes());
    hash.iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Writes a new file of just this name.
async fn create(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    use tokio::io::AsyncWriteExt as _;
    tokio::fs::create_dir_all(folder).await?;
    let path = folder.join(name);
    let mut file = tokio::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .await?;
    file.write_all(bytes).await?;
    file.flush().await?;
    Ok(path)
}

/// Writes a file whose name tells when, and that was not there before.
async fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    tokio::fs::create_dir_all(folder).await?;
    let folder = tokio::fs::canonicalize(folder).await?;
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    for n in 0..1000_u16 {
        let suffix = if n == 0 {
            String::new()
        } else {
            format!("-{n}")
        };
        let name = format!("{stem}-{now}{suffix}.{extension}");
        match create(&folder, &name, bytes).await {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

/// A name that is safe in a path and in a URI.
fn tame(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
            _ => '-',
        })
        .take(80)
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "artifact" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tenant: &str) -> Cx {
        Cx::builder(Principal {
            tenant: tenant.into(),
            ..Principal::local()
        })
        .build()
    }

    #[tokio::test]
    async fn what_is_kept_in_memory_is_there_for_its_tenant_alone() {
        let artifacts = Artifacts::in_memory(1 << 20);
        let cx = of("a");
        let link = artifacts
            .keep(
                &cx,
                "a picture.png",
                "image/png",
                Bytes::from_static(b"PNG"),
            )
            .await
            .unwrap();
        assert!(link.uri.starts_with("bt://artifacts/"), "{link:?}");
        assert_eq!((link.name.as_str(), link.size), ("a-picture.png", 3));
        assert!(link.expires_at.is_some());
        let kept = artifacts.get(&link.uri, cx.principal()).await.unwrap();
        assert_eq!(kept.bytes.as_ref(), b"PNG");
        assert_eq!(kept.media_type, "image/png");
        assert!(
            artifacts
                .get(&link.uri, of("b").principal())
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn files_get_names_of_their_own_and_nothing_else_of_the_disk_is_given() {
        let folder = std::env::temp_dir().join(format!("bt-artifacts-{}", std::process::id()));
        let artifacts = Artifacts::at_desk(folder.clone());
        let cx = of("a");
        let mut uris = Vec::new();
        for _ in 0..3 {
            let link = artifacts
                .keep(
                    &cx,
                    "../x/speech.mp3",
                    "audio/mpeg",
                    Bytes::from_static(b"ID3"),
                )
                .await
                .unwrap();
            assert!(link.uri.starts_with("file:///"), "{link:?}");
            assert!(link.expires_at.is_none());
            let kept = artifacts.get(&link.uri, cx.principal()).await.unwrap();
            assert_eq!(kept.media_type, "audio/mpeg");
            uris.push(link.uri);
        }
        uris.dedup();
        assert_eq!(uris.len(), 3);
        let outside = folder.with_extension("txt");
        std::fs::write(&outside, b"CANARY").unwrap();
        for path in [
            outside.clone(),
            folder.join("..").join(outside.file_name().unwrap()),
        ] {
            let uri = format!("file://{}", path.display());
            assert!(artifacts.get(&uri, cx.principal()).await.is_none(), "{uri}");
        }
        #[cfg(unix)]
        {
            let link = folder.join("link.txt");
            std::os::unix::fs::symlink(&outside, &link).unwrap();
            let uri = format!("file://{}", link.display());
            assert!(artifacts.get(&uri, cx.principal()).await.is_none());
        }
        std::fs::remove_file(outside).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_shared_folder_serves_every_server_that_has_it_and_keeps_tenants_apart() {
        let folder = std::env::temp_dir().join(format!("bt-shared-{}", std::process::id()));
        let (one, two) = (
            Artifacts::in_shared_folder(folder.clone()),
            Artifacts::in_shared_folder(folder.clone()),
        );
        for tenant in ["a", "../b", &"c".repeat(100)] {
            let cx = of(tenant);
            let bytes = Bytes::from_static(b"PNG");
            let link = one.keep(&cx, "p.png", "image/png", bytes).await.unwrap();
            let kept = two.get(&link.uri, cx.principal()).await.unwrap();
            assert_eq!((kept.name.as_str(), kept.bytes.len()), ("p.png", 3));
            assert!(two.get(&link.uri, of("other").principal()).await.is_none());
        }
        for uri in [
            "bt://artifacts/../a",
            "bt://artifacts/x",
            "file:///etc/passwd",
        ] {
            assert!(two.get(uri, of("a").principal()).await.is_none(), "{uri}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
