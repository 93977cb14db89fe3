//! Reads the layers, one over the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::places::Places;
use super::provider::{KnownProvider, ProviderBlock};
use super::refer::{places, put_in};
use super::report::{Fault, Report};
use super::schema::{check, coerce, cover, dotted};
use super::seen::Seen;
use super::text::{hide_braces, interpolate};
use super::{CONFIG_FILE, Config, File, OTHERS, PREFIX, VARIABLES};
use crate::call::validate::nearest;
use crate::registry::Selection;
use crate::secret::seal::Keyring;
use crate::secret::wipe_value;
use crate::secrets::{self, Found, Local, Reference, Wrong};

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
    /// The lines of what was read.
    places: Places,
    /// Which reference a secret came from.
    origins: BTreeMap<String, String>,
}

/// A configuration whose secrets are still references.
struct Draft {
    tree: Value,
    schema: Value,
    environment: String,
    references: Vec<(Vec<String>, Reference)>,
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
        let mut layers = self.layers();
        let draft = layers.begin();
        let local = layers.local();
        let find = |(_, reference): &(_, Reference)| local.find(reference);
        let answers = draft.references.iter().map(find).collect();
        (layers.finish(draft, answers), layers.seen)
    }

    /// Like [`Loader::load_seen`], for configurations that refer to secrets in services too. The same `secrets` serve
    /// every load of a process: they keep the last good values.
    #[cfg(feature = "http")]
    pub async fn load_with(&self, secrets: &secrets::Secrets) -> (Result<Config, Report>, Seen) {
        let mut layers = self.layers();
        let draft = layers.begin();
        let wanted: Vec<Reference> = draft.references.iter().map(|(_, r)| r.clone()).collect();
        let answers = secrets.resolve(&layers.local(), &wanted).await;
        let loaded = layers.finish(draft, answers);
        if loaded.is_ok() {
            secrets.settle(&wanted).await;
        }
        (loaded, layers.seen)
    }

    /// The keys of `enc:` values, as the environment and the environment files give them; `None` when there are none.
    ///
    /// # Errors
    /// When they are set and cannot be read.
    pub fn keyring(&self) -> Result<Option<Keyring>, Report> {
        let mut layers = self.layers();
        layers.read_variables();
        layers.keyring()
    }

    /// The configuration file, whether there is one or not.
    pub fn config_path(&self) -> PathBuf {
        self.named_file()
            .unwrap_or_else(|| self.dir.clone().unwrap_or_default().join("config.yaml"))
    }

    fn in_process(&self, name: &str) -> bool {
        let value = self.process.get(name);
        value.is_some_and(|value| !value.is_empty())
    }

    /// The file that a flag or a variable names.
    fn named_file(&self) -> Option<PathBuf> {
        self.file.clone().or_else(|| {
            let name = self.process.get(CONFIG_FILE)?;
            (!name.is_empty()).then(|| PathBuf::from(name))
        })
    }

    fn layers(&self) -> Layers<'_> {
        let dir = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        Layers {
            loader: self,
            dir,
            variables: self.process.clone(),
            sources: BTreeMap::new(),
            report: Report::default(),
            warnings: Report::default(),
            seen: Seen::default(),
            places: Places::default(),
            origins: BTreeMap::new(),
        }
    }
}

impl Layers<'_> {
    /// Where references that need no network lead.
    fn local(&self) -> Local<'_> {
        Local {
            variables: &self.variables,
            dir: &self.dir,
        }
    }

    /// The file, and the environment that it and the variables name.
    fn read_variables(&mut self) -> (Value, String) {
        let tree = self.read_yaml();
        let local = self.read_env_file(".env.local");
        let environment = self.environment(&tree, &local);
        let mut variables = self.read_env_file(&format!(".env.{environment}"));
        for stronger in [local, self.loader.process.clone()] {
            // An empty one counts as not set, and hides nothing.
            variables.extend(stronger.into_iter().filter(|(_, value)| !value.is_empty()));
        }
        self.variables = variables;
        let keys = self.variables.get(secrets::KEY_FILE);
        if let Some(file) = keys.filter(|file| !file.is_empty()) {
            self.seen.look(&self.dir.join(file));
        }
        (tree, environment)
    }

    fn begin(&mut self) -> Draft {
        let (mut tree, environment) = self.read_variables();
        if let Value::Object(members) = &mut tree {
            self.drop_foreign_blocks(members);
        }
        self.fill_in(&mut tree, &mut Vec::new());
        let mut schema = Value::Null;
        cover(&mut schema, &tree, &self.loader.known);
        coerce(&mut tree, &schema);
        self.apply_variables(&mut tree);
        cover(&mut schema, &tree, &self.loader.known);
        let mut draft = Draft {
            tree,
            schema,
            environment,
            references: Vec::new(),
        };
        draft.references = self.references(&draft);
        draft
    }

    fn finish(
        &mut self,
        mut draft: Draft,
        answers: Vec<Result<Found, Wrong>>,
    ) -> Result<Config, Report> {
        self.put_in(&mut draft, answers);
        let Draft {
            mut tree,
            schema,
            environment,
            ..
        } = draft;
        coerce(&mut tree, &schema);
        leave_out_empty(&mut tree);
        let sources = &self.sources;
        check(&tree, &schema, &mut self.report, |path| {
            sources.get(&path).cloned().unwrap_or(path)
        });

        let file = self.decode(&tree);
        let mut providers = self.providers(&tree);
        for block in providers.values_mut() {
            let own = std::mem::take(&mut block.settings.overrides.connections);
            block.settings.overrides.connections = own.or(&file.connections);
        }
        self.check_names(&file);
        file.server.auth.check(&mut self.report);
        file.telemetry.otlp.check(&mut self.report);
        wipe_value(&mut tree);
        self.locate();
        if !self.report.is_empty() {
            return Err(std::mem::take(&mut self.report));
        }
        let state = file.state.placed(&environment, &self.variables);
        Ok(Config {
            environment,
            keys: self.keyring(),
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
            telemetry: file.telemetry,
            cache: file.cache,
            connections: file.connections,
            results: file.results,
            content: file.content,
            data_dir: super::content::data_dir(&self.variables),
            health: file.health,
            secrets: file.secrets,
            origins: self.origins(),
            reload: file.reload,
            allow_unsafe: file.allow_unsafe,
            warnings: self.warnings.faults().to_vec(),
        })
    }

    fn keyring(&self) -> Result<Option<Keyring>, Report> {
        let mut report = self.report.clone();
        let keys = self.local().keyring().unwrap_or_else(|wrong| {
            report.add("enc:", wrong.what, wrong.remedy);
            None
        });
        if report.is_empty() {
            Ok(keys)
        } else {
            Err(report)
        }
    }

    /// Tells the file and the line of every fault that has them.
    fn locate(&mut self) {
        let of = |path: &str| {
            // A variable of the process is stronger than one of a file.
            let in_process = self.loader.in_process(path);
            let variable = || self.places.of_variable(path).filter(|_| !in_process);
            self.places.of_setting(path).or_else(variable)
        };
        self.report.locate(of);
        self.warnings.locate(of);
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
        let needed = self.loader.named_file().is_some();
        let path = self.loader.config_path();
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
        let yaml = hide_braces(&text);
        let mut tree = match serde_saphyr::from_str::<Value>(&yaml) {
            Ok(tree) => {
                self.places.settings(&path, &yaml);
                tree
            }
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
        self.places.variables(name, &text);
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok((key, value)) => {
                    if let Some(fault) = unknown_variable(&key) {
                        self.report.add(key.clone(), fault.what, fault.remedy);
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
            let name = known.base_url_variable();
            if let Some(text) = value(&name)
                && known.has_base_url()
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

    /// Every reference that can be read; what is wrong with the others is told.
    fn references(&mut self, draft: &Draft) -> Vec<(Vec<String>, Reference)> {
        let mut references = Vec::new();
        for place in places(&draft.tree, &draft.schema, &self.loader.known) {
            match place.reference {
                Ok(reference) => {
                    self.look_at(&reference);
                    self.remember(&place.path, &reference);
                    references.push((place.path, reference));
                }
                Err(wrong) => {
                    let name = self.name(&place.path);
                    self.report.add(name, wrong.what, wrong.remedy);
                }
            }
        }
        references
    }

    /// Whoever sees the file of a secret change loads again.
    fn look_at(&mut self, reference: &Reference) {
        if let Reference::File(file) = reference
            && !file.is_empty()
        {
            self.seen.look(&self.dir.join(file));
        }
    }

    /// Keeps where a secret is, for whoever asks where a value came from.
    fn remember(&mut self, path: &[String], reference: &Reference) {
        let path = dotted(path);
        let origin = match self.sources.get(&path) {
            Some(variable) => format!("{variable}: {reference}"),
            None => reference.to_string(),
        };
        self.origins.insert(path, origin);
    }

    /// Puts secrets in the place of the references to them.
    fn put_in(&mut self, draft: &mut Draft, answers: Vec<Result<Found, Wrong>>) {
        let references = std::mem::take(&mut draft.references);
        for ((path, _), answer) in references.iter().zip(answers) {
            match answer {
                Ok(Found { secret, warning }) => {
                    put_in(&mut draft.tree, path, secret.expose());
                    if let Some(odd) = warning {
                        let name = self.name(path);
                        self.warnings.add(name, odd.what, odd.remedy);
                    }
                }
                // Kept as it is, so that it does not count as missing too.
                Err(wrong) => {
                    let name = self.name(path);
                    self.report.add(name, wrong.what, wrong.remedy);
                }
            }
        }
    }

    /// Where every value came from that is not the built-in one.
    fn origins(&mut self) -> BTreeMap<String, String> {
        let mut origins: BTreeMap<String, String> = self
            .places
            .leaves()
            .map(|(path, place)| (path.to_owned(), place.to_string()))
            .collect();
        for (path, name) in &self.sources {
            let in_process = self.loader.in_process(name);
            let place = self.places.of_variable(name).filter(|_| !in_process);
            let origin = place.map_or_else(|| name.clone(), |place| format!("{name} ({place})"));
            origins.insert(path.clone(), origin);
        }
        origins.append(&mut self.origins);
        origins
    }

    /// The variable that a setting came from, or its path.
    fn name(&self, path: &[String]) -> String {
        let path = dotted(path);
        self.sources.get(&path).cloned().unwrap_or(path)
    }

    /// The typed settings. What the schema found wrong already is left out, so that the rest is checked too.
    fn decode(&mut self, tree: &Value) -> File {
        let mut file = tree.clone();
        let Value::Object(members) = &mut file else {
            return File::default();
        };
        members.remove("providers");
        // Each round leaves out one setting that no schema could judge, and finds the next.
        for _ in 0..members_of(&file) {
            self.prune(&mut file, &mut Vec::new());
            let error = match serde_path_to_error::deserialize::<_, File>(&file) {
                Ok(file) => return file,
                Err(error) => error,
            };
            let path = error.path().to_string();
            // What lacks a setting whose own fault was told lacks nothing more.
            if self.report.touches(&path) && leave_out(&mut file, &path) {
                continue;
            }
            let path = self.sources.get(&path).cloned().unwrap_or(path);
            let what = crate::error::without_values(&error.into_inner().to_string());
            self.report.add(path, what, "");
        }
        File::default()
    }

    /// Leaves out what is wrong already.
    fn prune(&self, value: &mut Value, path: &mut Vec<String>) {
        let Value::Object(members) = value else {
            return;
        };
        members.retain(|name, member| {
            path.push(name.clone());
            let here = dotted(path);
            let wrong = |here: &str| self.report.names(here);
            let keep = !wrong(&here) && !self.sources.get(&here).is_some_and(|name| wrong(name));
            // A list is right or wrong as a whole.
            let keep = keep && !(member.is_array() && self.report.touches(&here));
            if keep {
                self.prune(member, path);
            }
            path.pop();
            keep
        });
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
                || self.report.touches(&known.base_url_variable());
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
        place: None,
    })
}

/// Takes the member at `path` out, if there is one.
fn leave_out(tree: &mut Value, path: &str) -> bool {
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parts = above.split('.').filter(|part| !part.is_empty());
    let place = parts.try_fold(tree, |tree, part| tree.get_mut(part));
    let members = place.and_then(Value::as_object_mut);
    members.is_some_and(|members| members.remove(name).is_some())
}

/// How many settings there are, groups included, and one more.
fn members_of(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(members_of).sum::<usize>(),
        _ => 1,
    }
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

/// An empty credential is none: `${NAME:-}` of a variable that is not set.
fn leave_out_empty(tree: &mut Value) {
    let empty = |value: &Value| value.as_str() == Some("");
    let blocks = tree.get_mut("providers").and_then(Value::as_object_mut);
    for block in blocks.into_iter().flat_map(Map::values_mut) {
        let own = block.get_mut("credentials").and_then(Value::as_object_mut);
        if let Some(credentials) = own {
            credentials.retain(|_, value| !empty(value));
        }
        let accounts = block.get_mut("accounts").and_then(Value::as_object_mut);
        for account in accounts.into_iter().flat_map(Map::values_mut) {
            if let Some(credentials) = account.as_object_mut() {
                credentials.retain(|_, value| !empty(value));
            }
        }
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
