//! Reads the layers, one over the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::provider::{KnownProvider, ProviderBlock};
use super::report::{Fault, Report};
use super::schema::{check, coerce, dotted};
use super::seen::Seen;
use super::text::{hide_braces, interpolate, referred_file, resolve};
use super::{CONFIG_FILE, Config, File, OTHERS, PREFIX, VARIABLES, schema};
use crate::call::validate::nearest;
use crate::registry::Selection;

/// The variable that names the environment.
const ENVIRONMENT: &str = "ENVIRONMENT";

/// The largest file that is read, in bytes.
const MOST: u64 = 4 << 20;

/// Loads a [`Config`].
#[derive(Clone)]
pub struct Loader {
    process: BTreeMap<String, String>,
    file: Option<PathBuf>,
    dir: Option<PathBuf>,
    environment: Option<String>,
    known: Vec<KnownProvider>,
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("file", &self.file)
            .field("dir", &self.dir)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// The layers on their way to a configuration.
struct Layers<'a> {
    loader: &'a Loader,
    dir: PathBuf,
    /// Of the environment files and the process.
    variables: BTreeMap<String, String>,
    /// Which variable a setting came from.
    sources: BTreeMap<String, String>,
    report: Report,
    warnings: Report,
    seen: Seen,
}

impl Loader {
    /// A loader that sees this environment and no other.
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self {
            process: environment,
            file: None,
            dir: None,
            environment: None,
            known: Vec::new(),
        }
    }

    /// A loader that sees the environment of the process. Names and values that are not UTF-8 are left out.
    pub fn from_process() -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        Self::new(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
                .collect(),
        )
    }

    /// The configuration file, which must exist then. Without it `BUSINESS_TOOLS_CONFIG` names one, or
    /// `config.yaml` is read if there is one.
    pub fn file(mut self, path: Option<impl Into<PathBuf>>) -> Self {
        self.file = path.map(Into::into);
        self
    }

    /// Where `config.yaml` and the environment files are; the working directory if not said.
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dir = Some(path.into());
        self
    }

    /// The name of the environment, as a flag gives it: stronger than every other place.
    pub fn environment(mut self, name: Option<impl Into<String>>) -> Self {
        self.environment = name.map(Into::into);
        self
    }

    /// The providers of this build.
    pub fn providers(mut self, known: impl IntoIterator<Item = KnownProvider>) -> Self {
        self.known = known.into_iter().collect();
        self
    }

    /// Loads and checks everything.
    ///
    /// # Errors
    /// All faults at once. None of them quotes a value.
    pub fn load(&self) -> Result<Config, Report> {
        self.load_seen().0
    }

    /// Loads and checks everything, and tells which files that took: whoever sees them change loads again.
    pub fn load_seen(&self) -> (Result<Config, Report>, Seen) {
        let dir = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        let mut layers = Layers {
            loader: self,
            dir,
            variables: self.process.clone(),
            sources: BTreeMap::new(),
            report: Report::default(),
            warnings: Report::default(),
            seen: Seen::default(),
        };
        let loaded = layers.run();
        (loaded, layers.seen)
    }
}

impl Layers<'_> {
    fn run(&mut self) -> Result<Config, Report> {
        let mut tree = self.read_yaml();
        let local = self.read_env_file(".env.local");
        let environment = self.environment(&tree, &local);
        let mut variables = self.read_env_file(&format!(".env.{environment}"));
        variables.extend(local);
        variables.extend(self.loader.process.clone());
        self.variables = variables;

        if let Value::Object(members) = &mut tree {
            self.drop_foreign_blocks(members);
        }
        self.fill_in(&mut tree, &mut Vec::new());
        let schema = schema(&self.loader.known);
        coerce(&mut tree, &schema);
        self.apply_variables(&mut tree);
        self.follow_references(&mut tree);

        coerce(&mut tree, &schema);
        let sources = &self.sources;
        check(&tree, &schema, &mut self.report, |path| {
            sources.get(&path).cloned().unwrap_or(path)
        });

        let file = self.decode(&tree);
        let providers = self.providers(&tree);
        self.check_names(&file);
        if !self.report.is_empty() {
            return Err(std::mem::take(&mut self.report));
        }
        let state = file.state.placed(&environment, &self.variables);
        Ok(Config {
            environment,
            state,
            providers,
            server: file.server,
            selection: Selection {
                toolsets: file.toolsets,
                tools: file.tools,
                exclude: file.exclude,
                read_only: file.read_only,
            },
            catalog: file.catalog,
            confirm: file.confirm,
            audit: file.audit,
            log: file.log,
            metrics: file.metrics,
            cache: file.cache,
            results: file.results,
            content: file.content,
            data_dir: super::content::data_dir(&self.variables),
            health: file.health,
            warnings: self.warnings.faults().to_vec(),
        })
    }

    /// A file's text; `None` when there is none and none is needed.
    fn read(&mut self, path: &Path, needed: bool) -> Option<String> {
        let name = path.display().to_string();
        self.seen.look(path);
        let text = std::fs::metadata(path).and_then(|meta| {
            if meta.len() > MOST {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            std::fs::read_to_string(path)
        });
        match text {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !needed => None,
            Err(error) => {
                self.report.add(
                    name,
                    format!("cannot be read ({})", error.kind()),
                    "name a readable file of UTF-8 text",
                );
                None
            }
        }
    }

    fn read_yaml(&mut self) -> Value {
        let named = self.loader.file.clone().or_else(|| {
            let name = self.loader.process.get(CONFIG_FILE)?;
            (!name.is_empty()).then(|| PathBuf::from(name))
        });
        let needed = named.is_some();
        let path = named.unwrap_or_else(|| self.dir.join("config.yaml"));
        if self.loader.dir.is_none()
            && let Some(parent) = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
        {
            parent.clone_into(&mut self.dir);
        }
        let empty = Value::Object(Map::new());
        let Some(text) = self.read(&path, needed) else {
            return empty;
        };
        let mut tree = match serde_saphyr::from_str::<Value>(&hide_braces(&text)) {
            Ok(tree) => tree,
            Err(error) => {
                // The library's own words may quote the line, and with it a secret.
                let mut at = path.display().to_string();
                if let Some(place) = error.location() {
                    at = format!("{at} line {}, column {}", place.line(), place.column());
                }
                self.report.add(
                    at,
                    "is not YAML that can be read",
                    "look for tabs, indentation, an unclosed quote or a key that stands there twice",
                );
                return empty;
            }
        };
        drop_nulls(&mut tree);
        match tree {
            Value::Object(_) => tree,
            Value::Null => empty,
            _ => {
                let at = path.display().to_string();
                self.report
                    .add(at, "holds no settings", "write `name: value` lines");
                empty
            }
        }
    }

    fn read_env_file(&mut self, name: &str) -> BTreeMap<String, String> {
        let path = self.dir.join(name);
        let mut variables = BTreeMap::new();
        let Some(text) = self.read(&path, false) else {
            return variables;
        };
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok((key, value)) => {
                    if let Some(fault) = unknown_variable(&key) {
                        self.report
                            .add(format!("{name}: {key}"), fault.what, fault.remedy);
                    }
                    variables.insert(key, value);
                }
                Err(error) => {
                    let line = match &error {
                        dotenvy::Error::LineParse(bad, _) => text
                            .lines()
                            .position(|line| !bad.is_empty() && bad.starts_with(line.trim()))
                            .map(|n| n + 1),
                        _ => None,
                    };
                    let at = line.map_or_else(|| name.to_owned(), |n| format!("{name} line {n}"));
                    self.report.add(
                        at,
                        "is not a line NAME=value",
                        "put values with spaces, quotes or # between single quotes",
                    );
                    break;
                }
            }
        }
        variables
    }

    /// The flag, the process, `.env.local`, the file, or `development`.
    fn environment(&mut self, tree: &Value, local: &BTreeMap<String, String>) -> String {
        let variable = |from: &BTreeMap<String, String>| {
            from.get(ENVIRONMENT)
                .filter(|name| !name.is_empty())
                .cloned()
        };
        let known: BTreeMap<String, String> = local
            .iter()
            .chain(&self.loader.process)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let from_file = || {
            let text = tree.get("environment")?.as_str()?;
            // What is wrong with it is told when the whole tree is filled in.
            interpolate(text, &known)
                .ok()
                .filter(|name| !name.is_empty())
        };
        let (name, at) = self
            .loader
            .environment
            .clone()
            .map(|name| (name, "--environment"))
            .or_else(|| Some((variable(&known)?, ENVIRONMENT)))
            .or_else(|| Some((from_file()?, "environment")))
            .unwrap_or_else(|| ("development".to_owned(), "environment"));
        let good = name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'));
        if good {
            return name;
        }
        self.report.add(
            at,
            "is not the name of an environment",
            "write development, staging, production, or a name of a-z, 0-9, _ and -",
        );
        "development".to_owned()
    }

    /// A block of a provider that this build lacks may stay when it is switched off; what is switched off
    /// needs no variables either.
    fn drop_foreign_blocks(&mut self, members: &mut Map<String, Value>) {
        let Some(Value::Object(blocks)) = members.get_mut("providers") else {
            return;
        };
        let known: BTreeSet<&str> = self.loader.known.iter().map(|known| known.id).collect();
        blocks.retain(|id, block| known.contains(id.as_str()) || block["enabled"] != false);
    }

    /// Fills in `${…}` everywhere. What cannot be filled in is left out, and its fault is told.
    fn fill_in(&mut self, value: &mut Value, path: &mut Vec<String>) {
        match value {
            Value::String(text) => match interpolate(text, &self.variables) {
                Ok(filled) => *text = filled,
                Err((what, remedy)) => {
                    self.report.add(dotted(path), what, remedy);
                    *value = Value::Null;
                }
            },
            Value::Array(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    path.push(n.to_string());
                    self.fill_in(item, path);
                    path.pop();
                }
                items.retain(|item| !item.is_null());
            }
            Value::Object(members) => {
                let off = path.len() == 2
                    && path[0] == "providers"
                    && members.get("enabled") == Some(&Value::Bool(false));
                if off {
                    // The values of what is switched off do not matter, its shape still does.
                    clear(value);
                    return;
                }
                for (key, member) in members.iter_mut() {
                    path.push(key.clone());
                    self.fill_in(member, path);
                    path.pop();
                }
                members.retain(|_, member| !member.is_null());
            }
            _ => {}
        }
    }

    /// The variables that are settings, over what the file says.
    fn apply_variables(&mut self, tree: &mut Value) {
        let value = |name: &str| {
            let value = self.variables.get(name).filter(|value| !value.is_empty());
            value.cloned()
        };
        let mut set = Vec::new();
        for variable in VARIABLES {
            if let Some(text) = value(variable.name) {
                let path: Vec<String> = variable.setting.split('.').map(str::to_owned).collect();
                set.push((variable.name.to_owned(), path, text));
            }
        }
        for known in &self.loader.known {
            let block = tree.get("providers").and_then(|all| all.get(known.id));
            if block.is_some_and(|block| block["enabled"] == false) {
                continue;
            }
            let in_block = |rest: Vec<String>| {
                [vec!["providers".to_owned(), known.id.to_owned()], rest].concat()
            };
            for variable in known.info.env {
                if let Some(text) = value(variable.name) {
                    let path = in_block(known.place(variable.field));
                    set.push((variable.name.to_owned(), path, text));
                }
            }
            if let Some(name) = known.base_url_variable()
                && let Some(text) = value(&name)
            {
                set.push((name, in_block(vec!["base_url".to_owned()]), text));
                let accounts = tree.pointer_mut(&format!("/providers/{}/accounts", known.id));
                if let Some(Value::Object(accounts)) = accounts {
                    for own in accounts.values_mut().filter_map(Value::as_object_mut) {
                        own.remove("base_url");
                    }
                }
            }
        }
        for (name, path, text) in set {
            self.sources.insert(dotted(&path), name);
            put(tree, &path, text.into());
        }
        for name in self.loader.process.keys() {
            // Not a fault: an orchestrator adds variables named after its services.
            if let Some(fault) = unknown_variable(name) {
                self.warnings.add(name, fault.what, fault.remedy);
            }
        }
    }

    /// Puts the secrets in the place of the references to them.
    fn follow_references(&mut self, tree: &mut Value) {
        for known in &self.loader.known {
            let Some(Value::Object(block)) = tree.pointer_mut(&format!("/providers/{}", known.id))
            else {
                continue;
            };
            if block.get("enabled") == Some(&Value::Bool(false)) {
                continue;
            }
            let path = format!("providers.{}", known.id);
            let mut groups: Vec<(String, &mut Map<String, Value>)> = Vec::new();
            for (name, member) in block.iter_mut() {
                match (name.as_str(), member) {
                    ("credentials", Value::Object(own)) => {
                        groups.push((format!("{path}.credentials"), own));
                    }
                    ("accounts", Value::Object(accounts)) => {
                        for (account, own) in accounts {
                            if let Value::Object(own) = own {
                                groups.push((format!("{path}.accounts.{account}"), own));
                            }
                        }
                    }
                    _ => {}
                }
            }
            for (at, own) in groups {
                self.report_references(known, &at, own);
            }
            let Some(Value::Object(block)) = tree.pointer_mut(&format!("/providers/{}", known.id))
            else {
                continue;
            };
            self.report_references(known, &path, block);
        }
    }

    fn report_references(&mut self, known: &KnownProvider, at: &str, own: &mut Map<String, Value>) {
        for (field, value) in own.iter_mut() {
            let Value::String(text) = value else { continue };
            if !known.is_secret(field) {
                continue;
            }
            if let Some(file) = referred_file(text, &self.dir) {
                self.seen.look(&file);
            }
            match resolve(text, &self.variables, &self.dir) {
                Ok(secret) => *text = secret,
                Err((what, remedy)) => {
                    let path = format!("{at}.{field}");
                    let path = self.sources.get(&path).cloned().unwrap_or(path);
                    // Kept as it is, so that it does not count as missing too.
                    self.report.add(path, what, remedy);
                }
            }
        }
    }

    /// The typed settings. What the schema found wrong already is left out, so that the rest is checked too.
    fn decode(&mut self, tree: &Value) -> File {
        let mut file = tree.clone();
        let Value::Object(members) = &mut file else {
            return File::default();
        };
        members.remove("providers");
        members.retain(|name, _| !self.report.touches(name));
        let sources = &self.sources;
        for (setting, variable) in sources {
            if self.report.touches(variable)
                && let Some(first) = setting.split('.').next()
            {
                members.remove(first);
            }
        }
        match serde_path_to_error::deserialize::<_, File>(file) {
            Ok(file) => file,
            Err(error) => {
                let path = error.path().to_string();
                let path = self.sources.get(&path).cloned().unwrap_or(path);
                let what = crate::error::without_values(&error.into_inner().to_string());
                self.report.add(path, what, "");
                File::default()
            }
        }
    }

    fn providers(&mut self, tree: &Value) -> BTreeMap<String, ProviderBlock> {
        let mut providers = BTreeMap::new();
        for known in &self.loader.known {
            let Some(block) = tree.get("providers").and_then(|all| all.get(known.id)) else {
                continue;
            };
            let path = format!("providers.{}", known.id);
            let variables = known
                .info
                .env
                .iter()
                .any(|var| self.report.touches(var.name))
                || known
                    .base_url_variable()
                    .is_some_and(|name| self.report.touches(&name));
            if self.report.touches(&path) || variables {
                continue;
            }
            if block["enabled"] == false {
                providers.insert(known.id.to_owned(), ProviderBlock::default());
                continue;
            }
            let settled = known.settle(block, &mut self.report);
            if block["enabled"] == true && !settled.is_configured() {
                self.warnings.add(
                    path,
                    "is enabled and has no credentials, so it is left out",
                    known.info.setup_hint,
                );
            }
            providers.insert(known.id.to_owned(), settled);
        }
        providers
    }

    fn check_names(&mut self, file: &File) {
        let ids: Vec<&str> = self.loader.known.iter().map(|known| known.id).collect();
        if !ids.is_empty() {
            for name in file
                .toolsets
                .iter()
                .filter(|name| !ids.contains(&name.as_str()))
            {
                let shown: String = name.chars().take(64).collect();
                let remedy = nearest(name, &ids).map_or_else(
                    || format!("this build has {}", ids.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let path = self
                    .sources
                    .get("toolsets")
                    .map_or("toolsets", String::as_str)
                    .to_owned();
                self.report
                    .add(path, format!("there is no toolset `{shown}`"), remedy);
            }
        }
        for origin in &file.server.allowed_origins {
            let good = url::Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.origin().ascii_serialization() == origin.trim_end_matches('/')
            });
            if !good {
                self.report.add(
                    "server.allowed_origins",
                    "has an entry that is not an origin",
                    "write scheme, host and port alone, such as https://app.example.com",
                );
            }
        }
        for host in &file.server.allowed_hosts {
            if host.is_empty() || host.contains(['/', ' ', '@']) {
                self.report.add(
                    "server.allowed_hosts",
                    "has an entry that is not a host",
                    "write a host name, with a port if it has one, such as tools.example.com",
                );
            }
        }
    }
}

/// Why a variable of the project's prefix is none that it knows.
fn unknown_variable(name: &str) -> Option<Fault> {
    if !name.starts_with(PREFIX) || OTHERS.contains(&name) {
        return None;
    }
    let known: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    if known.contains(&name) {
        return None;
    }
    let remedy =
        nearest(name, &known).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    Some(Fault {
        path: name.to_owned(),
        what: "is not a setting".to_owned(),
        remedy,
    })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(drop_nulls);
            members.retain(|_, member| !member.is_null());
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Leaves the shape and no text that would have to be filled in.
fn clear(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => *value = Value::Null,
        Value::Object(members) => {
            members.values_mut().for_each(clear);
            members.retain(|_, member| !member.is_null());
        }
        Value::Array(items) => {
            items.iter_mut().for_each(clear);
            items.retain(|item| !item.is_null());
        }
        _ => {}
    }
}

fn put(tree: &mut Value, path: &[String], value: Value) {
    let Some((last, groups)) = path.split_last() else {
        return;
    };
    let mut place = tree;
    for group in groups {
        let Value::Object(members) = place else {
            return;
        };
        place = members
            .entry(group.clone())
            .or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(members) = place {
        members.insert(last.clone(), value);
    }
}
