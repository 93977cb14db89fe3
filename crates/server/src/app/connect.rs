//! The plugins of a configuration, and whether its selection names what they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use business_tools_core::call::validate::nearest;
use business_tools_core::config::{Config, ProviderBlock, Report};
use business_tools_core::{Env, Selection, ToolPlugin};

use crate::providers::{ALL, Row};

/// The plugins, by provider.
pub(super) type Plugins = BTreeMap<&'static str, Arc<dyn ToolPlugin>>;

/// Connects every provider that is configured. What did not change since `before` is kept.
///
/// # Errors
/// Every fault at once; `before` is as good as ever then.
pub(super) fn connect(
    config: &Config,
    before: &Plugins,
    env: &Env,
    #[cfg(feature = "sandbox")] sandbox: Option<&business_tools_sandbox::Running>,
) -> Result<Plugins, Report> {
    let mut report = Report::default();
    let mut plugins = Plugins::new();
    for row in ALL {
        let id = row.info.id;
        let block = block(
            config,
            row,
            #[cfg(feature = "sandbox")]
            sandbox,
        );
        if !block.is_configured() {
            continue;
        }
        match (row.connect)(before.get(id).cloned(), &block.settings, env) {
            Ok(plugin) => {
                plugins.insert(id, plugin);
            }
            Err(error) => report.add(
                format!("providers.{id}"),
                error.message(),
                error.hint_text().unwrap_or(row.info.setup_hint),
            ),
        }
    }
    check_selection(&config.selection, &plugins, &mut report);
    if report.is_empty() {
        Ok(plugins)
    } else {
        Err(report)
    }
}

/// A provider's block, with its simulator in the place of the real thing if there are any.
pub(super) fn block(
    config: &Config,
    row: &Row,
    #[cfg(feature = "sandbox")] sandbox: Option<&business_tools_sandbox::Running>,
) -> ProviderBlock {
    let id = row.info.id;
    let block = config.providers.get(id).cloned().unwrap_or_default();
    #[cfg(feature = "sandbox")]
    if let Some(running) = sandbox {
        let made_up = (row.sandbox_config)(&running.base_url(id));
        return super::sandbox::redirected(block, made_up);
    }
    block
}

/// A name that selects nothing is a slip of the pen, and is said at once.
fn check_selection(selection: &Selection, plugins: &Plugins, report: &mut Report) {
    let ids: Vec<&str> = ALL.iter().map(|row| row.info.id).collect();
    let tools: Vec<&str> = plugins
        .values()
        .flat_map(|plugin| plugin.tools().iter().map(|tool| tool.spec.name))
        .collect();
    let mut check = |setting: &str, names: &[String], known: &[&str]| {
        for wrong in names.iter().filter(|name| !known.contains(&name.as_str())) {
            let remedy = nearest(wrong, known).map_or_else(
                || format!("there is: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let shown: String = wrong.chars().take(64).collect();
            report.add(setting, format!("`{shown}` is unknown"), remedy);
        }
    };
    let both: Vec<&str> = ids.iter().chain(&tools).copied().collect();
    check("toolsets", &selection.toolsets, &ids);
    // Without any provider configured there are no tools yet to check the names of.
    if !tools.is_empty() {
        check("tools", &selection.tools, &tools);
        check("exclude", &selection.exclude, &both);
    }
}
