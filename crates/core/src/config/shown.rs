//! The configuration as people may see it, and what differs between two of them. Secrets are masked in both.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::provider::KnownProvider;
use super::{Config, ProviderBlock};
use crate::policy::Span;
use crate::registry::Selection;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// One setting that another configuration has otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `providers.twilio.retry.max_attempts`.
    pub path: String,
    /// What it was; null when it was not there.
    pub from: Value,
    /// What it is; null when it is not there.
    pub to: Value,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Value::Null, to) => write!(f, "{} is {to} now", self.path),
            (_, Value::Null) => write!(f, "{} is gone", self.path),
            (from, to) if from == to => write!(f, "{} is another one now", self.path),
            (from, to) => write!(f, "{} was {from} and is {to} now", self.path),
        }
    }
}

impl Config {
    /// The configuration in force as one tree. A field of a provider is shown only when it is known to be no secret.
    pub fn shown(&self, known: &[KnownProvider]) -> Value {
        let providers: Map<String, Value> = self
            .providers
            .iter()
            .filter_map(|(id, block)| {
                let known = known.iter().find(|known| known.id == id)?;
                Some((id.clone(), shown_block(block, known)))
            })
            .collect();
        let Selection {
            toolsets,
            tools,
            exclude,
            read_only,
        } = &self.selection;
        json!({
            "environment": self.environment,
            "providers": providers,
            "toolsets": toolsets,
            "tools": tools,
            "exclude": exclude,
            "read_only": read_only,
            "catalog": self.catalog,
            "confirm": self.confirm,
            "server": self.server,
            "audit": self.audit,
            "log": self.log,
            "metrics": self.metrics,
            "telemetry": self.telemetry,
            "cache": self.cache,
            "connections": self.connections,
            "results": self.results,
            "content": self.content,
            "health": self.health,
            "state": self.state,
            "secrets": self.secrets,
            "reload": self.reload,
            "allow_unsafe": self.allow_unsafe,
        })
    }

    /// What `new` has otherwise, sorted by path.
    pub fn changes(&self, new: &Self, known: &[KnownProvider]) -> Vec<Change> {
        let (mut from, mut to) = (BTreeMap::new(), BTreeMap::new());
        flatten(&self.shown(known), String::new(), &mut from);
        flatten(&new.shown(known), String::new(), &mut to);
        let mut paths: Vec<_> = from.keys().chain(to.keys()).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        paths
            .into_iter()
            .filter_map(|path| {
                let value = |side: &BTreeMap<String, Value>| {
                    side.get(&path).cloned().unwrap_or(Value::Null)
                };
                let (from, to) = (value(&from), value(&to));
                let differs = from != to || (from == MASK && !self.same_secret(new, &path));
                differs.then_some(Change { path, from, to })
            })
            .collect()
    }

    /// Whether what is masked is the same.
    fn same_secret(&self, new: &Self, path: &str) -> bool {
        let key = path.strip_prefix("server.auth.keys.");
        if let Some(name) = key.and_then(|key| key.strip_suffix(".key")) {
            let of = |config: &Self| Some(config.server.auth.keys.get(name)?.key.clone());
            return of(self) == of(new);
        }
        self.secret(path) == new.secret(path)
    }

    /// The text behind a mask, for comparing.
    fn secret(&self, path: &str) -> Option<&Value> {
        let (provider, rest) = path.strip_prefix("providers.")?.split_once(".accounts.")?;
        let (account, field) = rest.split_once('.')?;
        let accounts = &self.providers.get(provider)?.settings.accounts;
        accounts.get(account)?.get(field)
    }
}

fn shown_block(block: &ProviderBlock, known: &KnownProvider) -> Value {
    let settings = &block.settings;
    let accounts: Map<String, Value> = settings
        .accounts
        .iter()
        .map(|(name, fields)| (name.clone(), masked(fields, known)))
        .collect();
    let mut shown = json!({
        "enabled": block.enabled,
        "configured": block.is_configured(),
        "accounts": accounts,
    });
    let overrides = serde_json::to_value(&settings.overrides).unwrap_or_default();
    if let (Some(shown), Value::Object(overrides)) = (shown.as_object_mut(), overrides) {
        shown.extend(overrides);
        if !settings.cache_ttl.is_empty() {
            let ttl: Map<String, Value> = settings
                .cache_ttl
                .iter()
                .map(|(class, time)| (class.clone(), json!(Span(*time))))
                .collect();
            shown.insert("cache".into(), json!({"ttl": ttl}));
        }
    }
    shown
}

fn masked(fields: &Map<String, Value>, known: &KnownProvider) -> Value {
    let mask = |(name, value): (&String, &Value)| {
        let value = if known.is_secret(name) {
            MASK.into()
        } else {
            value.clone()
        };
        (name.clone(), value)
    };
    fields.iter().map(mask).collect::<Map<_, _>>().into()
}

fn flatten(value: &Value, path: String, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = match path.as_str() {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                flatten(member, path, into);
            }
        }
        value => {
            into.insert(path, value.clone());
        }
    }
}
