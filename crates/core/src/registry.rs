//! The registry: tools by name, replaced atomically, read without waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tower::ServiceExt;

use crate::call::{Call, CallService, Options, Outcome, call_stack};
use crate::cx::Cx;
use crate::error::{Error, Kind, Result};
use crate::plugin::{ToolInfo, ToolPlugin};
use crate::{Env, Spec};

/// What may be listed and called. Exclusions and read-only always win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Providers; empty means all.
    pub toolsets: Vec<String>,
    /// Single tools, beside those of the toolsets; empty means none in particular.
    pub tools: Vec<String>,
    /// Tools and providers that are left out.
    pub exclude: Vec<String>,
    /// Only tools that read.
    pub read_only: bool,
}

impl Selection {
    /// Whether toolsets, tools and exclusions select a tool.
    pub fn selects(&self, plugin: &str, spec: &Spec) -> bool {
        let named = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
        let all = self.toolsets.is_empty() && self.tools.is_empty();
        let chosen = all || named(&self.toolsets, plugin) || named(&self.tools, spec.name);
        chosen && !named(&self.exclude, plugin) && !named(&self.exclude, spec.name)
    }

    /// Whether a tool is listed.
    pub fn lists(&self, plugin: &str, spec: &Spec) -> bool {
        self.selects(plugin, spec) && !(self.read_only && spec.writes())
    }
}

/// A tool with the plugin that has it.
#[derive(Clone)]
pub struct Entry {
    /// The plugin.
    pub plugin: Arc<dyn ToolPlugin>,
    /// The tool.
    pub tool: Arc<ToolInfo>,
}

#[derive(Default)]
struct State {
    plugins: BTreeMap<String, Arc<dyn ToolPlugin>>,
    tools: BTreeMap<&'static str, Entry>,
    selection: Arc<Selection>,
}

/// Every plugin of a process, and the stack around all of them. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    state: Arc<ArcSwap<State>>,
    stack: CallService,
    env: Env,
}

impl Registry {
    /// An empty registry.
    pub fn new(env: Env) -> Self {
        Self {
            state: Arc::default(),
            stack: call_stack(&env),
            env,
        }
    }

    /// The world it lives in.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Adds a plugin, or replaces the one of its name. Calls in flight finish on the old one.
    ///
    /// # Errors
    /// `CONFLICT` when another plugin has a tool of the same name; nothing is changed then.
    pub fn add(&self, plugin: Arc<dyn ToolPlugin>) -> Result<()> {
        let name = plugin.name().to_owned();
        let taken = self.state.load().tools.values().find_map(|entry| {
            let clash = entry.plugin.name() != name
                && plugin
                    .tools()
                    .iter()
                    .any(|tool| tool.spec.name == entry.tool.spec.name);
            clash.then(|| (entry.tool.spec.name, entry.plugin.name().to_owned()))
        });
        if let Some((tool, owner)) = taken {
            return Err(Error::new(
                Kind::Conflict,
                format!("The plugin `{owner}` has a tool `{tool}` already"),
            )
            .hint("Rename the tool or remove one of the plugins"));
        }
        self.change(|plugins, _| {
            plugins.insert(name.clone(), Arc::clone(&plugin));
        });
        Ok(())
    }

    /// Removes a plugin. Calls in flight finish on it.
    pub fn remove(&self, name: &str) -> bool {
        let had = self.state.load().plugins.contains_key(name);
        self.change(|plugins, _| {
            plugins.remove(name);
        });
        had
    }

    /// Sets what may be listed and called.
    pub fn select(&self, selection: Selection) {
        let selection = Arc::new(selection);
        self.change(|_, now| *now = Arc::clone(&selection));
    }

    fn change(
        &self,
        edit: impl Fn(&mut BTreeMap<String, Arc<dyn ToolPlugin>>, &mut Arc<Selection>),
    ) {
        self.state.rcu(|old| {
            let mut plugins = old.plugins.clone();
            let mut selection = Arc::clone(&old.selection);
            edit(&mut plugins, &mut selection);
            let tools = plugins
                .values()
                .flat_map(|plugin| {
                    plugin.tools().iter().map(|tool| {
                        let entry = Entry {
                            plugin: Arc::clone(plugin),
                            tool: Arc::clone(tool),
                        };
                        (tool.spec.name, entry)
                    })
                })
                .collect();
            Arc::new(State {
                plugins,
                tools,
                selection,
            })
        });
    }

    /// The plugins, by name.
    pub fn plugins(&self) -> Vec<Arc<dyn ToolPlugin>> {
        self.state.load().plugins.values().cloned().collect()
    }

    /// What may be listed and called.
    pub fn selection(&self) -> Arc<Selection> {
        Arc::clone(&self.state.load().selection)
    }

    /// The tools that a caller sees, sorted by name.
    pub fn tools(&self, narrowed: Option<&Selection>) -> Vec<Entry> {
        let state = self.state.load();
        let seen = |entry: &&Entry| {
            let lists = |s: &Selection| s.lists(entry.plugin.name(), entry.tool.spec);
            lists(&state.selection) && narrowed.is_none_or(lists)
        };
        state.tools.values().filter(seen).cloned().collect()
    }

    /// A tool by name, selected or not.
    pub fn get(&self, name: &str) -> Option<Entry> {
        self.state.load().tools.get(name).cloned()
    }

    /// Calls a tool, through every layer.
    ///
    /// A write goes on to its end even when this future is dropped; a read ends with it.
    ///
    /// # Errors
    /// Those of the layers and of the provider; `TOOL_NOT_FOUND` for an unknown name.
    pub async fn call(&self, tool: &str, args: Map<String, Value>, cx: Cx) -> Outcome {
        self.call_narrowed(tool, args, cx, None).await
    }

    /// Calls a tool within a narrower selection than the registry's own.
    ///
    /// # Errors
    /// As [`Registry::call`].
    pub async fn call_narrowed(
        &self,
        tool: &str,
        args: Map<String, Value>,
        cx: Cx,
        narrowed: Option<Arc<Selection>>,
    ) -> Outcome {
        let (entry, selection) = {
            let state = self.state.load();
            (state.tools.get(tool).cloned(), Arc::clone(&state.selection))
        };
        let Some(Entry { plugin, tool }) = entry else {
            return Err(self.unknown(tool));
        };
        let call = Call {
            plugin,
            tool,
            args,
            cx,
            selection,
            narrowed,
            options: Options::default(),
        };
        let stack = self.stack.clone();
        if call.spec().writes() {
            // On a task of its own: what has gone out is finished and recorded, whoever hangs up.
            tokio::spawn(stack.oneshot(call))
                .await
                .unwrap_or_else(|join| Err(Error::internal(join)))
        } else {
            stack.oneshot(call).await
        }
    }

    fn unknown(&self, tool: &str) -> Error {
        let state = self.state.load();
        let known: Vec<&str> = state.tools.keys().copied().collect();
        let shown: String = tool.chars().take(64).collect();
        let hint = match crate::call::validate::nearest(tool, &known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "List the tools to see what there is".to_owned(),
        };
        Error::new(Kind::ToolNotFound, format!("There is no tool `{shown}`")).hint(hint)
    }
}
