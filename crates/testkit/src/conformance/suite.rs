//! The provider that is checked, and what it does otherwise than others.

use std::fmt::{self, Debug};
use std::sync::Arc;

use business_tools_core::{Env, Info, Kind, Provider, ProviderSettings, Spec, ToolPlugin};
use business_tools_sandbox::{Examples, Simulator};
use serde_json::Value;

use super::circumstances::Circumstance;
use crate::Contract;
use crate::world::{Connect, SandboxConfig, connect};

/// A provider under test.
pub struct Suite {
    pub(crate) info: &'static Info,
    pub(crate) specs: Vec<&'static Spec>,
    pub(crate) connect: Connect,
    pub(crate) config: Value,
    pub(crate) show_config: fn(Value) -> Option<String>,
    pub(crate) simulator: fn() -> Simulator,
    pub(crate) sandbox_config: SandboxConfig,
    pub(crate) examples: Examples,
    /// Whose HTTP client all worlds of the suite use.
    pub(crate) env: Env,
    left_out: Vec<LeftOut>,
    kinds: Vec<(&'static str, Kind, &'static str)>,
    in_vain: Vec<(&'static str, &'static str)>,
    described_elsewhere: Vec<(Described, &'static str)>,
}

/// Something that the provider documents and its description forgets.
enum Described {
    /// A member of answers, `/status`.
    Member(&'static str),
    /// Paths that begin like this.
    Path(&'static str),
}

/// What a suite is made of.
#[derive(Clone)]
pub struct Parts {
    /// Who the provider is.
    pub info: &'static Info,
    /// Connects its accounts.
    pub connect: Connect,
    /// Its simulator.
    pub simulator: fn() -> Simulator,
    /// The settings that lead to the simulator.
    pub sandbox_config: SandboxConfig,
    /// A call of each tool.
    pub examples: fn() -> Examples,
}

struct LeftOut {
    tool: Option<&'static str>,
    what: &'static str,
    why: &'static str,
}

/// What may be left out, beside the circumstances.
const CHECKS: &[&str] = &[
    "pages",
    "retry_after",
    "confirmation",
    "verb",
    "bounds",
    "tokens",
    "scopes",
    "contract",
    "dry_run",
    "wrong_credentials",
    "cache",
    "hostile",
];

impl Suite {
    /// The suite of a provider.
    pub fn of<P: Provider<Config: Debug>>(
        simulator: fn() -> Simulator,
        sandbox_config: SandboxConfig,
        examples: fn() -> Examples,
    ) -> Self {
        let parts = Parts {
            info: const { &P::INFO },
            connect: Arc::new(connect::<P>),
            simulator,
            sandbox_config,
            examples,
        };
        Self {
            config: business_tools_core::schema::of::<P::Config>().to_value(),
            show_config: |fields| {
                let config = serde_json::from_value::<P::Config>(fields).ok()?;
                Some(format!("{config:?} {config:#?}"))
            },
            ..Self::made_of(parts)
        }
    }

    /// The suite of a provider whose type is not known here: for calls, not for its settings.
    pub fn made_of(parts: Parts) -> Self {
        let mut suite = Self {
            info: parts.info,
            specs: Vec::new(),
            connect: parts.connect,
            config: Value::Null,
            show_config: |_| None,
            simulator: parts.simulator,
            sandbox_config: parts.sandbox_config,
            examples: (parts.examples)(),
            env: Env::alone(),
            left_out: Vec::new(),
            kinds: Vec::new(),
            in_vain: Vec::new(),
            described_elsewhere: Vec::new(),
        };
        suite.specs = suite
            .plugin()
            .tools()
            .iter()
            .map(|tool| tool.spec)
            .collect();
        suite
    }

    /// Leaves out a circumstance or a check for all tools.
    pub fn leave_out(mut self, what: &'static str, why: &'static str) -> Self {
        self.left_out.push(LeftOut {
            tool: None,
            what,
            why,
        });
        self
    }

    /// Leaves out a circumstance or a check for one tool.
    pub fn leave_out_for(
        mut self,
        tool: &'static str,
        what: &'static str,
        why: &'static str,
    ) -> Self {
        self.left_out.push(LeftOut {
            tool: Some(tool),
            what,
            why,
        });
        self
    }

    /// Names the kind that a circumstance has with this provider, where it is not the usual one.
    pub fn tells(mut self, circumstance: &'static str, kind: Kind, why: &'static str) -> Self {
        self.kinds.push((circumstance, kind, why));
        self
    }

    /// Names a circumstance that this provider is not asked again after, because that is known to be in vain.
    pub fn gives_up(mut self, circumstance: &'static str, why: &'static str) -> Self {
        self.in_vain.push((circumstance, why));
        self
    }

    /// Names a member of answers, `/status`, that the provider documents and its description forgets.
    pub fn answers_also(mut self, member: &'static str, why: &'static str) -> Self {
        self.described_elsewhere
            .push((Described::Member(member), why));
        self
    }

    /// Names the beginning of paths that the provider documents and its description forgets.
    pub fn goes_beyond(mut self, path: &'static str, why: &'static str) -> Self {
        self.described_elsewhere.push((Described::Path(path), why));
        self
    }

    /// The provider's description, where it is at hand and to be heeded.
    pub(crate) fn contract(&self) -> Option<Arc<Contract>> {
        if self.leaves_out("", "contract") {
            return None;
        }
        Contract::shared(self.info.id, |contract| {
            let described = self.described_elsewhere.iter();
            described.fold(contract, |contract, (what, _)| match what {
                Described::Member(at) => contract.also(&[at]),
                Described::Path(at) => contract.beyond(&[at]),
            })
        })
    }

    pub(crate) fn gives_up_on(&self, circumstance: &str) -> bool {
        self.in_vain.iter().any(|(name, _)| *name == circumstance)
    }

    pub(crate) fn leaves_out(&self, tool: &str, what: &str) -> bool {
        self.left_out
            .iter()
            .any(|left| left.what == what && left.tool.is_none_or(|only| only == tool))
    }

    pub(crate) fn kind_of(&self, circumstance: &str) -> Option<Kind> {
        let found = self.kinds.iter().find(|(name, ..)| *name == circumstance);
        found.map(|(_, kind, _)| *kind)
    }

    pub(crate) fn spec(&self, tool: &str) -> &'static Spec {
        let found = self.specs.iter().find(|spec| spec.name == tool);
        found.expect("the tool is in the provider's table")
    }

    /// The tools as they are listed, with one account.
    pub(crate) fn plugin(&self) -> Arc<dyn ToolPlugin> {
        let fields = (self.sandbox_config)("http://127.0.0.1:9");
        let settings = ProviderSettings::single(fields);
        (self.connect)(&settings, &Env::alone()).expect("the provider connects to its simulator")
    }
}

/// Everything that the suite leaves out is known to it and has a reason.
pub fn what_is_left_out_has_a_reason(suite: &Suite) {
    let circumstances: Vec<_> = Circumstance::all().iter().map(|one| one.name).collect();
    let known = |what: &str| circumstances.contains(&what) || CHECKS.contains(&what);
    for LeftOut { tool, what, why } in &suite.left_out {
        assert!(
            known(what),
            "`{what}` is nothing that can be left out; there is: {}, {}",
            circumstances.join(", "),
            CHECKS.join(", ")
        );
        if let Some(tool) = tool {
            let there = suite.specs.iter().any(|spec| spec.name == *tool);
            assert!(there, "`{tool}` is left out and is no tool of the provider");
        }
        assert!(!why.is_empty(), "`{what}` is left out without a reason");
        println!("{}: without {what}: {why}", tool.unwrap_or("all tools"));
    }
    let kinds = suite.kinds.iter();
    let kinds = kinds.map(|(name, kind, why)| (name, format!("is {kind}"), why));
    let in_vain = suite.in_vain.iter();
    let in_vain = in_vain.map(|(name, why)| (name, "is not tried again".to_owned(), why));
    for (circumstance, what, why) in kinds.chain(in_vain) {
        assert!(
            circumstances.contains(circumstance),
            "`{circumstance}` is no circumstance; there is: {}",
            circumstances.join(", ")
        );
        assert!(!why.is_empty(), "`{circumstance}` differs without a reason");
        println!("all tools: {circumstance} {what}: {why}");
    }
    for (what, why) in &suite.described_elsewhere {
        let what = match what {
            Described::Member(at) => format!("answers have {at}"),
            Described::Path(at) => format!("paths of {at} are not described"),
        };
        assert!(!why.is_empty(), "{what} without a reason");
        println!("all tools: {what}: {why}");
    }
}

impl Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suite({})", self.info.id)
    }
}
