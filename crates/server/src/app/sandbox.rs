//! The simulators in the place of the providers.

use std::net::SocketAddr;

use business_tools_core::DEFAULT_ACCOUNT;
use business_tools_core::config::ProviderBlock;
use business_tools_sandbox::{Running, Sandbox, Seed};
use serde_json::{Map, Value};

use crate::providers::ALL;

/// Starts the simulators of every provider of this build on a loopback port.
pub(crate) async fn start(listen: SocketAddr, seed: Seed) -> Result<Running, String> {
    let simulators = ALL.iter().map(|row| (row.simulator)()).collect();
    Sandbox::new(simulators)
        .seed(seed)
        .start(listen)
        .await
        .map_err(|error| format!("the sandbox cannot start on {listen}: {error}"))
}

/// Says where the sandbox and its switchboard are.
pub(crate) fn tell(running: &Running) {
    crate::cli::say(&format!("sandbox: http://{}", running.http));
}

/// A provider's block with its simulator in place of the real thing.
///
/// Accounts that are configured keep their names and credentials; without any, one is made up.
pub(super) fn redirected(mut block: ProviderBlock, made_up: Map<String, Value>) -> ProviderBlock {
    if block.is_configured() {
        for fields in block.settings.accounts.values_mut() {
            for place in ["base_url", "uri"] {
                if let Some(value) = made_up.get(place) {
                    fields.insert(place.to_owned(), value.clone());
                }
            }
        }
        return block;
    }
    let mut fields = block.fields.clone();
    fields.extend(made_up);
    block.enabled = true;
    block
        .settings
        .accounts
        .insert(DEFAULT_ACCOUNT.to_owned(), fields);
    block
}
