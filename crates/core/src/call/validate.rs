//! Arguments against the published schema: all faults at once, each with its place and what would be right.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use crate::around::{Around, Inner, Next};
use crate::call::{Call, Reply};
use crate::error::{Error, Kind, Result};
use crate::plugin::DEFAULT_ACCOUNT;

/// The most faults that are told in one error.
const MOST: usize = 20;

/// The faults of one set of arguments.
#[derive(Debug, Default, Clone)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// One fault.
    pub fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![(pointer.into(), message.into())])
    }

    /// Adds a fault at a JSON pointer, `/to`; the empty pointer is the arguments as a whole.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push((pointer.into(), message.into()));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when there are none.
    ///
    /// # Errors
    /// `INVALID_ARGUMENTS` with every fault.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }

    /// The error that tells them.
    pub fn into_error(self) -> Error {
        let line = self
            .0
            .iter()
            .take(MOST)
            .map(|(at, what)| {
                if at.is_empty() {
                    what.clone()
                } else {
                    format!("{at}: {what}")
                }
            })
            .collect::<Vec<_>>()
            .join("; ");
        let list: Vec<_> = self
            .0
            .iter()
            .take(MOST)
            .map(|(at, what)| json!({"at": at, "message": what}))
            .collect();
        Error::new(Kind::InvalidArguments, line)
            .detail("faults", list)
            .hint("Mend the arguments named in `details.faults` and call again; nothing was sent")
    }
}

/// Checks arguments, drops nulls, and takes the common arguments out.
#[derive(Debug, Clone, Copy)]
pub struct Validate;

impl Around<Call, Reply> for Validate {
    async fn around<S>(&self, mut call: Call, next: Next<S>) -> Result<Reply>
    where
        S: Inner<Call, Response = Reply>,
    {
        // "Absent" has one meaning, whatever a client makes of optional arguments.
        call.args.retain(|_, value| !value.is_null());
        let args = Value::Object(std::mem::take(&mut call.args));
        let mut faults = Faults::default();
        let validator = call.tool.schema.validator()?;
        if !validator.is_valid(&args) {
            for error in validator.iter_errors(&args) {
                explain(&error, &args, call.tool.schema.value(), &mut faults);
                if faults.0.len() >= MOST {
                    break;
                }
            }
        }
        let Value::Object(mut args) = args else {
            return Err(Error::internal("not an object"));
        };
        faults.into_result()?;
        take_common(&mut args, &mut call)?;
        call.args = args;
        next.run(call).await
    }
}

fn take_common(args: &mut Map<String, Value>, call: &mut Call) -> Result<()> {
    let text = |value: Value| value.as_str().map(str::to_owned);
    call.options.dry_run = args.remove("dry_run").is_some_and(|v| v == true);
    call.options.idempotency_key = args.remove("idempotency_key").and_then(text);
    call.options.confirm_token = args.remove("confirm_token").and_then(text);
    let accounts = call.plugin.accounts();
    let account = match args.remove("account").and_then(text) {
        Some(name) => name,
        None if accounts.contains(&DEFAULT_ACCOUNT) => DEFAULT_ACCOUNT.to_owned(),
        None if accounts.len() == 1 => accounts[0].to_owned(),
        None => {
            let known = accounts.join(", ");
            return Err(Error::argument(
                "/account",
                format!("say whose account; there is: {known}"),
            ));
        }
    };
    call.cx = call
        .cx
        .clone()
        .with_account(account.into())
        .with_tool(call.tool.spec);
    Ok(())
}

/// One fault of the schema, in words that say what would be right.
fn explain(
    error: &jsonschema::ValidationError<'_>,
    args: &Value,
    schema: &Value,
    faults: &mut Faults,
) {
    let at = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let kind = schema["properties"][name]["type"]
                .as_str()
                .unwrap_or("value");
            faults.add(format!("{at}/{name}"), format!("is required ({kind})"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known: Vec<&str> = schema["properties"]
                .as_object()
                .map(|properties| properties.keys().map(String::as_str).collect())
                .unwrap_or_default();
            for name in unexpected.iter().take(MOST) {
                let near = nearest(name, &known).map_or_else(
                    || format!("the arguments are: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                faults.add(
                    format!("{at}/{}", escape(name)),
                    format!("is not an argument; {near}"),
                );
            }
        }
        // A tool without arguments that gets some.
        ValidationErrorKind::FalseSchema if schema.get("properties").is_none() => {
            // The error has the value of the first of them, and no name.
            let given = args.as_object().into_iter().flatten();
            for (name, _) in given.take(MOST) {
                let what = "is not an argument; the tool takes none";
                faults.add(format!("/{}", escape(name)), what);
            }
        }
        ValidationErrorKind::Pattern { pattern } => {
            faults.add(at, format!("must match {pattern}"));
        }
        ValidationErrorKind::Enum { options } => {
            faults.add(at, format!("must be one of {options}"));
        }
        ValidationErrorKind::Type { kind } => {
            let want = match kind {
                jsonschema::error::TypeKind::Single(kind) => kind.to_string(),
                jsonschema::error::TypeKind::Multiple(kinds) => kinds
                    .into_iter()
                    .map(|kind| kind.to_string())
                    .collect::<Vec<_>>()
                    .join(" or "),
            };
            faults.add(
                at,
                format!("must be of type {want}, not {}", type_of(error.instance())),
            );
        }
        ValidationErrorKind::MaxLength { limit } => {
            faults.add(at, format!("is longer than {limit} characters"));
        }
        ValidationErrorKind::MinLength { limit } => {
            faults.add(at, format!("must have at least {limit} characters"));
        }
        ValidationErrorKind::Maximum { limit } => {
            faults.add(at, format!("must be at most {limit}"));
        }
        ValidationErrorKind::Minimum { limit } => {
            faults.add(at, format!("must be at least {limit}"));
        }
        ValidationErrorKind::MaxItems { limit } => {
            faults.add(at, format!("has more than {limit} items"));
        }
        ValidationErrorKind::MinItems { limit } => {
            faults.add(at, format!("must have at least {limit} items"));
        }
        ValidationErrorKind::Format { format } => {
            faults.add(at, format!("is not a valid {format}"));
        }
        // The library's own words may quote the value; the keyword is enough for the rare rest.
        other => faults.add(at, format!("does not fit the schema ({})", other.keyword())),
    }
}

fn escape(name: &str) -> String {
    name.chars()
        .take(100)
        .collect::<String>()
        .replace('~', "~0")
        .replace('/', "~1")
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The known name nearest to a wrong one, if any is near at all.
pub fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = folded_name(wrong);
    known
        .iter()
        .map(|name| {
            let plain = folded_name(name);
            let distance = if plain == folded {
                0
            } else {
                edits(&folded, &plain)
            };
            (distance, *name)
        })
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What two spellings of a name have in common: letters and digits, all small.
fn folded_name(name: &str) -> String {
    name.chars()
        .take(64)
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// The edit distance, where two neighbours in the wrong order count once.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut above_that = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitute = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = substitute.min(row[j - 1] + 1).min(above[j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(above_that[j - 2] + 1);
            }
            row.push(cost);
        }
        above_that = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_across_case_dashes_and_slips() {
        let known = ["media_url", "messaging_service_sid", "to", "from"];
        for (wrong, near) in [
            ("mediaUrl", Some("media_url")),
            ("MEDIA-URL", Some("media_url")),
            ("messagingServiceSId", Some("messaging_service_sid")),
            ("form", Some("from")),
            ("tO", Some("to")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, &known), near, "{wrong}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
        assert_eq!(
            nearest("BUSINESS_TOOLS_LISTNE", &["BUSINESS_TOOLS_LISTEN"]),
            Some("BUSINESS_TOOLS_LISTEN")
        );
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let mut faults = Faults::default();
        assert!(faults.clone().into_result().is_ok());
        faults.add("/to", "is wrong");
        faults.add("", "is wrong as a whole");
        let error = faults.into_result().unwrap_err();
        assert_eq!(error.message(), "/to: is wrong; is wrong as a whole");
        assert_eq!(error.details()["faults"][0]["at"], "/to");
    }

    #[test]
    fn arguments_of_a_tool_that_takes_none_are_told_with_their_place() {
        let schema = json!({"type": "object", "additionalProperties": false});
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut faults = Faults::default();
        let args = json!({"colour": 1, "a/b": 2});
        for error in validator.iter_errors(&args) {
            explain(&error, &args, &schema, &mut faults);
        }
        let error = faults.into_error();
        let none = "is not an argument; the tool takes none";
        assert_eq!(error.message(), format!("/colour: {none}; /a~1b: {none}"));
    }
}
