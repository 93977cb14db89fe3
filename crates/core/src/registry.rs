//! The registry: tools by name, replaced atomically, read without waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use tower::ServiceExt;
use tracing::Instrument;

use crate::call::{Call, CallService, Options, Outcome, audit, call_stack};
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
    /// Held by those who change it, never by those who read.
    changes: Arc<Mutex<()>>,
    stack: CallService,
    env: Env,
}

impl Registry {
    /// An empty registry.
    pub fn new(env: Env) -> Self {
        Self {
            state: Arc::default(),
            changes: Arc::default(),
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
        let _one_at_a_time = self.changing();
        let name = plugin.name().to_owned();
        let state = self.state.load();
        let mut own = BTreeSet::new();
        for tool in plugin.tools() {
            let tool = tool.spec.name;
            let owner = state.tools.get(tool).map(|entry| entry.plugin.name());
            let owner = owner.filter(|owner| *owner != name);
            let twice = !own.insert(tool);
            if let Some(owner) = owner.or(twice.then_some(name.as_str())) {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("The plugin `{owner}` has a tool `{tool}` already"),
                )
                .hint("Rename the tool or remove one of the plugins"));
            }
        }
        self.change(|plugins, _| {
            plugins.insert(name.clone(), Arc::clone(&plugin));
        });
        Ok(())
    }

    /// Removes a plugin. Calls in flight finish on it.
    pub fn remove(&self, name: &str) -> bool {
        let _one_at_a_time = self.changing();
        let had = self.state.load().plugins.contains_key(name);
        self.change(|plugins, _| {
            plugins.remove(name);
        });
        had
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what may be listed and called.
    pub fn select(&self, selection: Selection) {
        let _one_at_a_time = self.changing();
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
    /// When this future is dropped, a read ends with it; a write that has gone out goes on to its end and is
    /// recorded, and one that waits for a person, a token or another try is given up.
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
            audit::unknown_tool(&self.env, tool, &cx);
            return Err(self.unknown(tool, narrowed.as_deref()));
        };
        // Whoever drops this call stops what has not gone out yet.
        let gone = cx.cancel().child_token();
        let guard = gone.clone().drop_guard();
        let call = Call {
            plugin,
            tool,
            args,
            cx: cx.with_cancel(gone),
            selection,
            narrowed,
            options: Options::default(),
        };
        let stack = self.stack.clone();
        let outcome = if call.spec().writes() {
            // On a task of its own: what has gone out is finished and recorded, whoever hangs up.
            tokio::spawn(stack.oneshot(call).in_current_span())
                .await
                .unwrap_or_else(|join| Err(Error::internal(join)))
        } else {
            stack.oneshot(call).await
        };
        guard.disarm();
        outcome
    }

    fn unknown(&self, tool: &str, narrowed: Option<&Selection>) -> Error {
        // What the caller may not see is not named either.
        let seen = self.tools(narrowed);
        let known: Vec<&str> = seen.iter().map(|entry| entry.tool.spec.name).collect();
        let shown: String = tool.chars().take(64).collect();
        let hint = match crate::call::validate::nearest(tool, &known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "List the tools to see what there is".to_owned(),
        };
        Error::new(Kind::ToolNotFound, format!("There is no tool `{shown}`")).hint(hint)
    }
}
