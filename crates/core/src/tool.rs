//! A tool, declared once: the request struct is the tool, and everything else derives from it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::validate::Faults;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::plugin::Provider;

/// What a tool does to the world. Annotations, retries, caching and read-only mode follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Adds or sends something.
    Write,
    /// Changes or removes what exists, or cannot be taken back.
    Destructive,
}

/// Whether a request may go out again when its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It may: a read, an idempotent write, one that carries an idempotency key, or one that only costs money.
    Safe,
    /// Only when the provider provably did not process it.
    IfUnprocessed,
}

/// How text from outsiders in a result is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// There is none.
    None,
    /// These members are named in the result and stripped of invisible and control characters.
    Strip(&'static [&'static str]),
    /// These members are named in the result and left as they are, because they are data to the byte.
    Mark(&'static [&'static str]),
}

/// Everything about a tool that is not its arguments or its work: plain data, checked at compile time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// `provider_verb_noun`.
    pub name: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// Whether its requests may go out again although it is not: a repetition costs money and does no other harm.
    pub repeatable: bool,
    /// The cache class; empty means that results are never cached.
    pub cache_class: &'static str,
    /// How long a result is served from the cache, in seconds; the operator may set it per class.
    pub cache_secs: u64,
    /// The scopes a caller needs.
    pub scopes: &'static [&'static str],
    /// The cached reads that this write makes stale, by tool name.
    pub forgets: &'static [&'static str],
    /// The provider's quota that its requests count against, beside the general ones.
    pub quota: &'static str,
    /// Text from outsiders in the result.
    pub untrusted: Untrusted,
    /// How to find out whether it was done, for `OUTCOME_UNKNOWN`.
    pub find_out: &'static str,
    /// Whether a call equal to one just made is taken for a repetition even without a key.
    pub dedup_secs: u64,
    /// Whether it may ask a person although it destroys nothing by itself.
    pub asks: bool,
}

impl Spec {
    const fn new(name: &'static str, effect: Effect) -> Self {
        check_name(name);
        Self {
            name,
            effect,
            idempotent: matches!(effect, Effect::Read),
            repeatable: false,
            cache_class: "",
            cache_secs: 0,
            scopes: &[],
            forgets: &[],
            quota: "",
            untrusted: Untrusted::None,
            find_out: "",
            dedup_secs: 0,
            asks: false,
        }
    }

    /// A tool that only looks.
    pub const fn read(name: &'static str) -> Self {
        Self::new(name, Effect::Read)
    }

    /// A tool that adds or sends.
    pub const fn write(name: &'static str) -> Self {
        Self::new(name, Effect::Write)
    }

    /// A tool that changes or removes what exists.
    pub const fn destructive(name: &'static str) -> Self {
        Self::new(name, Effect::Destructive)
    }

    /// Twice is the same as once.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Twice is not the same as once, but does no harm beyond its price: a lost answer is asked for again, and
    /// callers are not told that the tool is idempotent.
    pub const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Results are served from the cache for so many seconds, in the class of the tool's own name.
    pub const fn cached(self, secs: u64) -> Self {
        let name = self.name;
        self.cached_as(name, secs)
    }

    /// Results are served from the cache, under a class that the operator can set the time of.
    pub const fn cached_as(mut self, class: &'static str, secs: u64) -> Self {
        assert!(matches!(self.effect, Effect::Read), "only a read is cached");
        self.cache_class = class;
        self.cache_secs = secs;
        self
    }

    /// The scopes a caller needs.
    pub const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The cached reads that this write makes stale.
    pub const fn forgets(mut self, tools: &'static [&'static str]) -> Self {
        assert!(
            !matches!(self.effect, Effect::Read),
            "a read makes nothing stale"
        );
        self.forgets = tools;
        self
    }

    /// A quota of the provider that counts this tool's requests.
    pub const fn quota(mut self, name: &'static str) -> Self {
        self.quota = name;
        self
    }

    /// Members of the result that hold text from outsiders, cleaned of invisible characters.
    pub const fn untrusted(mut self, members: &'static [&'static str]) -> Self {
        self.untrusted = Untrusted::Strip(members);
        self
    }

    /// Members of the result that hold data from outsiders, passed on to the byte.
    pub const fn untrusted_data(mut self, members: &'static [&'static str]) -> Self {
        self.untrusted = Untrusted::Mark(members);
        self
    }

    /// How to find out whether the write was done, as a sentence for the caller.
    pub const fn find_out(mut self, hint: &'static str) -> Self {
        self.find_out = hint;
        self
    }

    /// An equal call within so many seconds is taken for a repetition, and gets the first one's outcome.
    pub const fn dedup(mut self, secs: u64) -> Self {
        self.dedup_secs = secs;
        self
    }

    /// What to say when nobody knows whether it was done.
    pub const fn how_to_find_out(&self) -> &'static str {
        if self.find_out.is_empty() {
            LOOK_FIRST
        } else {
            self.find_out
        }
    }

    /// Some calls of a tool that is not destructive are: those ask a person, as [`Tool::confirm`] says.
    pub const fn asks(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Whether requests of this tool may be repeated when an answer was lost.
    pub const fn repeat(&self) -> Repeat {
        if self.idempotent || self.repeatable {
            Repeat::Safe
        } else {
            Repeat::IfUnprocessed
        }
    }

    /// Whether it writes at all.
    pub const fn writes(&self) -> bool {
        !matches!(self.effect, Effect::Read)
    }
}

pub(crate) const LOOK_FIRST: &str = "Look whether it was done before you try again";

const fn check_name(name: &str) {
    let bytes = name.as_bytes();
    assert!(
        !bytes.is_empty() && bytes.len() <= 40,
        "a tool's name has 1 to 40 characters"
    );
    let mut i = 0;
    while i < bytes.len() {
        assert!(
            matches!(bytes[i], b'a'..=b'z' | b'0'..=b'9' | b'_'),
            "a tool's name is made of a-z, 0-9 and _"
        );
        i += 1;
    }
}

/// A tool: the struct's fields are its arguments, its doc comment is its description.
///
/// Text after the first heading of the doc comment stays in rustdoc.
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// Whose tool it is.
    type Provider: Provider;
    /// What it gives.
    type Output: Serialize + Send;
    /// Name, effect and policy.
    const SPEC: Spec;

    /// Rules that the schema cannot say, such as "exactly one of these two". Adds every fault it finds.
    fn check(&self, faults: &mut Faults) {
        let _ = faults;
    }

    /// The question a person must answer first; `None` goes on without. By default every destructive
    /// tool asks.
    fn confirm(&self) -> Option<String> {
        None
    }

    /// Whether [`Tool::confirm`] decides alone. When false, a destructive tool without a question of its
    /// own gets a general one.
    const ASKS_ITSELF: bool = false;

    /// Does the work.
    fn run(
        self,
        provider: &Self::Provider,
        cx: &Cx,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}

type Run<P> = fn(Arc<P>, Value, Cx) -> Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// A tool with its type erased to functions: a row of a provider's table.
pub struct ToolDef<P> {
    /// Name, effect and policy.
    pub spec: &'static Spec,
    pub(crate) schema: fn() -> schemars::Schema,
    pub(crate) check: fn(&Value) -> Result<Option<String>>,
    pub(crate) run: Run<P>,
}

/// The row of a tool in its provider's table.
pub const fn tool<T: Tool>() -> ToolDef<T::Provider> {
    ToolDef {
        spec: const { &T::SPEC },
        schema: crate::schema::of::<T>,
        check: check::<T>,
        run: run::<T>,
    }
}

fn decode<T: Tool>(args: Value) -> Result<T> {
    serde_path_to_error::deserialize(args).map_err(|error| {
        let pointer = crate::schema::pointer(error.path());
        let what = crate::error::without_values(&error.into_inner().to_string());
        Error::argument(pointer, what)
    })
}

/// The rules across fields, then the question for a person.
fn check<T: Tool>(args: &Value) -> Result<Option<String>> {
    let tool = decode::<T>(args.clone())?;
    let mut faults = Faults::default();
    tool.check(&mut faults);
    faults.into_result()?;
    Ok(tool.confirm().or_else(|| {
        let general = matches!(T::SPEC.effect, Effect::Destructive) && !T::ASKS_ITSELF;
        general.then(|| format!("Run {} with {args}?", T::SPEC.name))
    }))
}

fn run<T: Tool>(
    provider: Arc<T::Provider>,
    args: Value,
    cx: Cx,
) -> Pin<Box<dyn Future<Output = Result<Value>> + Send>> {
    Box::pin(async move {
        let output = decode::<T>(args)?.run(&provider, &cx).await?;
        serde_json::to_value(output).map_err(Error::internal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_costs_money_is_repeated_and_not_called_idempotent() {
        let plain = Spec::write("acme_send");
        assert_eq!(plain.repeat(), Repeat::IfUnprocessed);
        let costly = Spec::write("acme_paint").repeatable();
        assert_eq!((costly.repeat(), costly.idempotent), (Repeat::Safe, false));
        assert!(costly.writes());
    }
}
