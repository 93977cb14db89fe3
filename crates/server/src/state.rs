//! Where the process keeps what outlives a call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use business_tools_core::config::{StateBlock, StoreKind};
use business_tools_core::secret::seal::Keyring;
use business_tools_core::state::State;
use business_tools_core::state::file::{CannotOpen, FileStore, key_beside};

use crate::cli::Failure;

/// The state that the settings name. What nobody asked for is opened when it is needed, and given up for memory if
/// it cannot be: what somebody asked for is a fault then.
pub(crate) fn open(
    block: &StateBlock,
    keys: Option<Keyring>,
    sandboxed: bool,
) -> Result<State, Failure> {
    let path = block.path.clone().or_else(|| block.usual_path.clone());
    match (block.chosen(), path) {
        (Some(StoreKind::Memory), _) => Ok(State::memory()),
        (Some(StoreKind::Redis), _) => in_redis(block, keys),
        (Some(StoreKind::File), Some(path)) => in_file(&path, keys).map_err(|fault| {
            Failure::Usage(format!(
                "the state file cannot be used: {fault}; set `state.path`, or `state.store: memory` to keep nothing"
            ))
        }),
        (Some(StoreKind::File), None) => Err(Failure::Usage(
            "the state file has no usual place here: there is no HOME; set `state.path`".to_owned(),
        )),
        // What simulators did is gone with them, and so is what is known of it.
        (None, _) if sandboxed => Ok(State::memory()),
        (None, Some(path)) => Ok(State::lazy(move || {
            in_file(&path, keys).unwrap_or_else(|fault| forgetful(&fault.to_string()))
        })),
        (None, None) => Ok(State::lazy(|| forgetful("there is no HOME"))),
    }
}

#[cfg(feature = "redis")]
fn in_redis(block: &StateBlock, keys: Option<Keyring>) -> Result<State, Failure> {
    use business_tools_core::state::redis::RedisStore;
    let keys = keys.ok_or_else(|| {
        Failure::Usage(
            "state in Redis is encrypted with a key that all replicas share: set BUSINESS_TOOLS_KEY, \
             made once by `business-tools-mcp secrets keygen`"
                .to_owned(),
        )
    })?;
    let settings = block.redis.settings().map_err(Failure::Usage)?;
    let store = RedisStore::start(settings).map_err(Failure::Usage)?;
    Ok(State::sealed(Arc::new(store), keys))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_: &StateBlock, _: Option<Keyring>) -> Result<State, Failure> {
    Err(Failure::Usage(
        "this build has no Redis: install it with `--features redis`, or take `state.redis` out"
            .to_owned(),
    ))
}

fn in_file(path: &Path, keys: Option<Keyring>) -> Result<State, CannotOpen> {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let own = key_beside(&path, keys.is_none())?;
    let keys = match (keys, own) {
        (Some(keys), Some(own)) => Some(keys.with_older(&own)),
        (keys, own) => keys.or(own),
    };
    let store = Arc::new(FileStore::open(&path)?);
    // There is one: it was made if need be.
    Ok(keys.map_or_else(State::memory, |keys| State::sealed(store, keys)))
}

fn forgetful(why: &str) -> State {
    tracing::warn!(
        why,
        "nothing is kept beyond this process: set `state.path` to a file that can be written"
    );
    State::memory()
}
