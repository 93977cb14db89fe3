//! Provider blocks: what is common to all, what a provider adds, and the accounts that come out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::report::Report;
use crate::plugin::{DEFAULT_ACCOUNT, Info, Provider, ProviderSettings};
use crate::policy::{Overrides, Span};

/// What the loader knows about a provider of this build.
#[derive(Clone)]
#[non_exhaustive]
pub struct KnownProvider {
    /// `twilio`.
    pub id: &'static str,
    /// Environment names, credentials and hints.
    pub info: &'static Info,
    schema: fn() -> Value,
    made: OnceLock<Value>,
    classes: Vec<&'static str>,
    decode: fn(Value) -> Result<(), Undecoded>,
}

impl KnownProvider {
    /// What there is to know about `P`.
    pub fn of<P: Provider>() -> Self {
        let mut classes: Vec<&str> = P::TOOLS
            .iter()
            // A tool that is never cached has no time to set.
            .filter(|def| !def.spec.cache_class.is_empty())
            .flat_map(|def| [def.spec.cache_class, def.spec.name])
            .collect();
        classes.sort_unstable();
        classes.dedup();
        Self {
            id: P::INFO.id,
            info: const { &P::INFO },
            schema: || crate::schema::of::<P::Config>().to_value(),
            made: OnceLock::new(),
            classes,
            decode: decode::<P>,
        }
    }

    /// Whether an account cannot be without a field.
    pub fn requires(&self, field: &str) -> bool {
        let required = self.schema()["required"].as_array();
        required.is_some_and(|all| all.iter().any(|name| name == field))
    }

    /// The schema of an account. Made when it is first asked for: most builds know more providers than are used.
    fn schema(&self) -> &Value {
        self.made.get_or_init(self.schema)
    }

    fn has_field(&self, field: &str) -> bool {
        self.schema()["properties"].get(field).is_some()
    }

    fn is_credential(&self, field: &str) -> bool {
        self.info.credentials.contains(&field)
    }

    /// Whether a field may hold a reference to a secret.
    pub(super) fn is_secret(&self, field: &str) -> bool {
        self.is_credential(field) || self.schema()["properties"][field]["writeOnly"] == true
    }

    /// `TWILIO_BASE_URL`.
    pub(super) fn base_url_variable(&self) -> String {
        format!("{}_BASE_URL", self.id.to_ascii_uppercase())
    }

    pub(super) fn has_base_url(&self) -> bool {
        self.has_field("base_url")
    }

    /// Where a variable's value belongs, below the provider's block.
    pub(super) fn place(&self, field: &str) -> Vec<String> {
        if self.is_credential(field) {
            vec!["credentials".to_owned(), field.to_owned()]
        } else {
            vec![field.to_owned()]
        }
    }

    pub(super) fn block_schema(&self) -> Value {
        let all = self.schema()["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let (credentials, fields): (Map<_, _>, Map<_, _>) = all
            .iter()
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .partition(|(name, _)| self.is_credential(name));
        let mut properties = json!({
            "enabled": {"type": "boolean", "description": "false leaves the provider out, whatever else is set."},
        });
        let mut common = crate::schema::of::<Overrides>().to_value()["properties"].take();
        let mut span = common.pointer("/timeouts/properties/call").cloned();
        if let Some(span) = &mut span {
            span["description"] = "How long results are served from the cache; 0 never.".into();
        }
        let ttl: Map<String, Value> = self
            .classes
            .iter()
            .map(|class| ((*class).to_owned(), span.clone().unwrap_or_default()))
            .collect();
        if let (Some(properties), Some(common)) =
            (properties.as_object_mut(), common.as_object_mut())
        {
            properties.extend(fields);
            properties.insert(
                "credentials".to_owned(),
                json!({"type": "object", "description": "Of the account `default`.",
                       "additionalProperties": false, "properties": credentials}),
            );
            properties.insert(
                "accounts".to_owned(),
                json!({"type": "object", "description": "Further accounts, by name.",
                       "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
                       "additionalProperties": {"type": "object", "additionalProperties": false,
                                                "properties": all}}),
            );
            properties.append(common);
            properties.insert(
                "cache".to_owned(),
                json!({"type": "object", "additionalProperties": false,
                       "properties": {"ttl": {"type": "object", "additionalProperties": false,
                           "description": "How long cached reads are served, by class or tool.",
                           "properties": ttl}}}),
            );
        }
        json!({
            "type": "object",
            "description": self.info.summary,
            "additionalProperties": false,
            "properties": properties,
        })
    }

    /// The accounts of a block that fits its schema.
    pub(super) fn settle(&self, block: &Value, report: &mut Report) -> ProviderBlock {
        let path = format!("providers.{}", self.id);
        let member = |name: &str| {
            block
                .get(name)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let mut fields: Map<String, Value> = block.as_object().cloned().unwrap_or_default();
        fields.retain(|name, _| self.has_field(name) && !self.is_credential(name));
        let default = member("credentials");
        let mut accounts: BTreeMap<String, Map<String, Value>> = member("accounts")
            .into_iter()
            .filter_map(|(name, value)| match value {
                Value::Object(own) => Some((name, own)),
                _ => None,
            })
            .collect();
        let enabled = block["enabled"].as_bool();
        let needs_none = self.info.credentials.is_empty() && enabled == Some(true);
        if !default.is_empty() || needs_none {
            if accounts.contains_key(DEFAULT_ACCOUNT) {
                report.add(
                    format!("{path}.accounts.{DEFAULT_ACCOUNT}"),
                    "is set twice",
                    "`credentials` and the customary variables are this account; keep one of the two",
                );
            }
            accounts.insert(DEFAULT_ACCOUNT.to_owned(), default);
        }
        let overrides = Overrides::deserialize(&pick(block, COMMON)).unwrap_or_default();
        let cache_ttl = member("cache")
            .get("ttl")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(class, span)| Some((class.clone(), Span::deserialize(span).ok()?.0)))
            .collect();
        for (name, own) in &mut accounts {
            let mut all = fields.clone();
            all.append(own);
            *own = all;
            let place = match name.as_str() {
                DEFAULT_ACCOUNT => format!("{path}.credentials"),
                name => format!("{path}.accounts.{name}"),
            };
            self.complete(own, &path, &place, report);
        }
        ProviderBlock {
            enabled: enabled.unwrap_or(true),
            fields,
            settings: ProviderSettings {
                overrides,
                cache_ttl,
                accounts,
            },
        }
    }

    /// Tells what an account lacks, or what the provider itself says about it.
    fn complete(&self, own: &Map<String, Value>, path: &str, place: &str, report: &mut Report) {
        let mut missing = false;
        for field in self.schema()["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if own.contains_key(field) {
                continue;
            }
            missing = true;
            let at = if self.is_credential(field) {
                place
            } else {
                path
            };
            let names: Vec<&str> = self
                .info
                .env
                .iter()
                .filter(|var| var.field == field && at.ends_with(".credentials"))
                .map(|var| var.name)
                .collect();
            let remedy = match names.as_slice() {
                [] => "set it there".to_owned(),
                names => format!("set it there or as {}", names.join(" or ")),
            };
            report.add(format!("{at}.{field}"), "is missing", remedy);
        }
        if missing {
            return;
        }
        if let Err(Undecoded {
            field,
            what,
            remedy,
        }) = (self.decode)(Value::Object(own.clone()))
        {
            let at = match field.split(['.', '[']).next() {
                Some(name) if !name.is_empty() && !self.is_credential(name) => path,
                _ => place,
            };
            let at = match field.as_str() {
                "" | "." => at.to_owned(),
                field => format!("{at}.{field}"),
            };
            report.add(at, what, remedy);
        }
    }
}

impl fmt::Debug for KnownProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownProvider")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why settings are not an account's.
struct Undecoded {
    /// Empty for the settings as a whole.
    field: String,
    what: String,
    remedy: String,
}

fn decode<P: Provider>(fields: Value) -> Result<(), Undecoded> {
    let config = serde_path_to_error::deserialize::<_, P::Config>(fields).map_err(|error| {
        let field = error.path().to_string();
        let what = crate::error::without_values(&error.into_inner().to_string());
        let remedy = P::INFO.setup_hint.to_owned();
        Undecoded {
            field,
            what,
            remedy,
        }
    })?;
    P::check(&config).map_err(|error| Undecoded {
        field: String::new(),
        what: error.message().to_owned(),
        remedy: error.hint_text().unwrap_or(P::INFO.setup_hint).to_owned(),
    })
}

/// The members of a block that all providers share.
const COMMON: &[&str] = &[
    "rate_limits",
    "retry",
    "circuit_breaker",
    "timeouts",
    "connections",
    "trace_propagation",
];

fn pick(block: &Value, names: &[&str]) -> Value {
    let mut picked = Map::new();
    for name in names {
        if let Some(value) = block.get(*name) {
            picked.insert((*name).to_owned(), value.clone());
        }
    }
    Value::Object(picked)
}

/// One provider's block, with what the environment adds.
#[derive(Clone, Default)]
pub struct ProviderBlock {
    /// Whether the provider may be used at all.
    pub enabled: bool,
    /// The settings that all its accounts share, credentials left out.
    pub fields: Map<String, Value>,
    /// What its plugin is connected with.
    pub settings: ProviderSettings,
}

impl Drop for ProviderBlock {
    /// Its values may be secrets, and a block that a new configuration replaced leaves none behind.
    fn drop(&mut self) {
        let accounts = self.settings.accounts.values_mut();
        for fields in accounts.chain([&mut self.fields]) {
            fields.values_mut().for_each(crate::secret::wipe_value);
        }
    }
}

impl ProviderBlock {
    /// Whether the provider is to be connected: enabled, and with credentials of some account.
    pub fn is_configured(&self) -> bool {
        self.enabled && !self.settings.accounts.is_empty()
    }
}

impl fmt::Debug for ProviderBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderBlock")
            .field("enabled", &self.enabled)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .field("settings", &self.settings)
            .finish()
    }
}
