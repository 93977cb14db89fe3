//! Every provider of this build, one row each, in listing order.

use std::any::Any;
use std::sync::Arc;

use business_tools_core::config::KnownProvider;
use business_tools_core::{Env, Info, Plugin, Provider, ProviderSettings, Result, ToolPlugin};
#[cfg(feature = "sandbox")]
use serde_json::{Map, Value};

/// A plugin, or why it cannot be one.
pub type Connected = Result<Arc<dyn ToolPlugin>>;

/// A provider as the server knows it.
pub struct Row {
    /// Who it is.
    pub info: &'static Info,
    /// The number of its tools.
    pub tools: usize,
    /// What the configuration needs to know of it.
    pub known: fn() -> KnownProvider,
    /// Connects its accounts; those of the plugin before that did not change are kept.
    pub connect: fn(Option<Arc<dyn ToolPlugin>>, &ProviderSettings, &Env) -> Connected,
    /// Its simulator.
    #[cfg(feature = "sandbox")]
    pub simulator: fn() -> business_tools_sandbox::Simulator,
    /// The configuration that leads to the simulator, given its base URL.
    #[cfg(feature = "sandbox")]
    pub sandbox_config: fn(&str) -> Map<String, Value>,
    /// A call of each of its tools that the simulator answers.
    #[cfg(feature = "sandbox")]
    pub examples: fn() -> business_tools_sandbox::Examples,
}

#[cfg_attr(
    not(any(
        feature = "openai",
        feature = "hubspot",
        feature = "twilio",
        feature = "mongo"
    )),
    expect(unused_macros, reason = "a build without providers")
)]
macro_rules! row {
    ($provider:ident :: $name:ident) => {
        Row {
            info: &<$provider::$name as Provider>::INFO,
            tools: <$provider::$name as Provider>::TOOLS.len(),
            known: KnownProvider::of::<$provider::$name>,
            connect: connect::<$provider::$name>,
            #[cfg(feature = "sandbox")]
            simulator: $provider::simulator,
            #[cfg(feature = "sandbox")]
            sandbox_config: $provider::sandbox_config,
            #[cfg(feature = "sandbox")]
            examples: $provider::examples,
        }
    };
}

/// Every provider of this build.
pub const ALL: &[Row] = &[
    #[cfg(feature = "hubspot")]
    row!(hubspot::HubSpot),
    #[cfg(feature = "mongo")]
    row!(mongo::Mongo),
    #[cfg(feature = "openai")]
    row!(openai::OpenAi),
    #[cfg(feature = "twilio")]
    row!(twilio::Twilio),
];

#[cfg_attr(
    not(any(
        feature = "openai",
        feature = "hubspot",
        feature = "twilio",
        feature = "mongo"
    )),
    expect(dead_code, reason = "a build without providers")
)]
fn connect<P: Provider>(
    before: Option<Arc<dyn ToolPlugin>>,
    settings: &ProviderSettings,
    env: &Env,
) -> Connected {
    let before: Option<Arc<dyn Any + Send + Sync>> = before.map(|before| before as _);
    match before.and_then(|before| before.downcast::<Plugin<P>>().ok()) {
        Some(before) => Ok(Plugin::reconnect(&before, settings, env)?),
        None => Ok(Arc::new(Plugin::<P>::connect(settings, env)?)),
    }
}
