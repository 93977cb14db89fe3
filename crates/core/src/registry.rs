//! The registry: tools by name, replaced atomically, read without waiting.

use std::collections::BTreeMap;
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

type Plugins = BTreeMap<String, Arc<dyn ToolPlugin>>;

struct State {
    plugins: Plugins,
    tools: BTreeMap<&'static str, Entry>,
    selection: Arc<Selection>,
    /// The rules of the calls: they change with the configuration, the stores behind them do not.
    env: Env,
    stack: CallService,
}

impl State {
    fn new(plugins: Plugins, selection: Arc<Selection>, env: Env, stack: CallService) -> Self {
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
        Self {
            plugins,
            tools,
            selection,
            env,
            stack,
        }
    }

    fn listed(&self) -> impl Iterator<Item = &Entry> {
        let lists = |entry: &&Entry| self.selection.lists(entry.plugin.name(), entry.tool.spec);
        self.tools.values().filter(lists)
    }

    /// Whether a client that has the list of `other` has this one too.
    fn lists_as(&self, other: &Self) -> bool {
        self.listed()
            .map(|entry| &*entry.tool)
            .eq(other.listed().map(|entry| &*entry.tool))
    }
}

/// What a change of the registry means for those who use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "clients that have the list want to hear that it changed"]
pub struct Replaced {
    /// Whether the list of tools is another one now.
    pub list_changed: bool,
}

/// Every plugin of a process, and the stack around all of them. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    state: Arc<ArcSwap<State>>,
    /// Held by those who change it, never by those who read.
    changes: Arc<Mutex<()>>,
    env: Env,
}

impl Registry {
    /// An empty registry.
    pub fn new(env: Env) -> Self {
        let stack = call_stack(&env);
        let state = State::new(Plugins::new(), Arc::default(), env.clone(), stack);
        Self {
            state: Arc::new(ArcSwap::from_pointee(state)),
            changes: Arc::default(),
            env,
        }
    }

    /// The world it was made in: its metrics, stores and keys hold for good, its rules until they are replaced.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Adds a plugin, or replaces the one of its name. Calls in flight finish on the old one.
    ///
    /// # Errors
    /// `CONFLICT` when another plugin has a tool of the same name; nothing is changed then.
    pub fn add(&self, plugin: Arc<dyn ToolPlugin>) -> Result<()> {
        let _one_at_a_time = self.changing();
        let mut plugins = self.state.load().plugins.clone();
        plugins.insert(plugin.name().to_owned(), plugin);
        one_owner_each(&plugins)?;
        self.change(plugins, self.selection());
        Ok(())
    }

    /// Removes a plugin. Calls in flight finish on it.
    pub fn remove(&self, name: &str) -> bool {
        let _one_at_a_time = self.changing();
        let mut plugins = self.state.load().plugins.clone();
        let had = plugins.remove(name).is_some();
        self.change(plugins, self.selection());
        had
    }

    /// Sets what may be listed and called.
    pub fn select(&self, selection: Selection) {
        let _one_at_a_time = self.changing();
        let plugins = self.state.load().plugins.clone();
        self.change(plugins, Arc::new(selection));
    }

    /// Replaces every plugin, the selection and the rules of the calls in one step: no call meets a mixture, and
    /// those in flight finish on what they began with.
    ///
    /// `env` is [`Registry::env`] with other rules: result size, confirmation, audit.
    ///
    /// # Errors
    /// `CONFLICT` when two plugins have a name or a tool in common; nothing is changed then.
    pub fn replace(
        &self,
        plugins: impl IntoIterator<Item = Arc<dyn ToolPlugin>>,
        selection: Selection,
        env: Env,
    ) -> Result<Replaced> {
        let mut next = Plugins::new();
        for plugin in plugins {
            if let Some(twin) = next.insert(plugin.name().to_owned(), plugin) {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("There are two plugins `{}`", twin.name()),
                )
                .hint("Rename or remove one of them"));
            }
        }
        one_owner_each(&next)?;
        let _one_at_a_time = self.changing();
        let stack = call_stack(&env);
        let next = State::new(next, Arc::new(selection), env, stack);
        let list_changed = !next.lists_as(&self.state.load());
        self.state.store(Arc::new(next));
        Ok(Replaced { list_changed })
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by whoever holds the lock.
    fn change(&self, plugins: Plugins, selection: Arc<Selection>) {
        let old = self.state.load();
        let next = State::new(plugins, selection, old.env.clone(), old.stack.clone());
        self.state.store(Arc::new(next));
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
        let (plugin, tool, selection, stack) = {
            let state = self.state.load();
            let Some(Entry { plugin, tool }) = state.tools.get(tool).cloned() else {
                audit::unknown_tool(&state.env, tool, &cx);
                return Err(self.unknown(tool, narrowed.as_deref()));
            };
            let selection = Arc::clone(&state.selection);
            (plugin, tool, selection, state.stack.clone())
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

/// Tells the first tool that two plugins have, or one has twice.
fn one_owner_each(plugins: &Plugins) -> Result<()> {
    let mut owners = BTreeMap::new();
    for (name, plugin) in plugins {
        for tool in plugin.tools() {
            let tool = tool.spec.name;
            if let Some(owner) = owners.insert(tool, name) {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("The plugins `{owner}` and `{name}` both have a tool `{tool}`"),
                )
                .hint("Rename the tool or remove one of the plugins"));
            }
        }
    }
    Ok(())
}
