//! Text of paths, queries and forms as values of their schemas.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::schema::Schemas;

/// The content type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Names with all their values, in the order they came in.
pub(super) type Pairs = Vec<(String, Vec<String>)>;

/// The values in the places of a path template, if the path fits.
pub(super) fn fit<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(wanted), Some(given)) => match place(wanted) {
                Some((before, name, after)) => {
                    let inner = given.strip_prefix(before)?.strip_suffix(after)?;
                    let value = decode(inner);
                    values.push((name, Some(value).filter(|value| !value.is_empty())?));
                }
                None if wanted == decode(given) => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

/// `{Sid}.json` is a place with something after it.
fn place(segment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = segment.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Percent-decoding. A plus is a plus in a path.
fn decode(text: &str) -> String {
    let escaped = text.replace('+', "%2B");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// The pairs of a query or a form, values of one name together.
pub(super) fn pairs(text: &str) -> Pairs {
    let mut pairs = Pairs::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => pairs.push((name, vec![value])),
        }
    }
    pairs
}

/// Texts as the value that the schema wants: a list, a number, a boolean or the text itself.
pub(super) fn read(schemas: &Schemas, schema: &Value, texts: &[String]) -> Value {
    let branches = schemas.branches(schema);
    let may_be = |kind: &str| branches.iter().any(|branch| branch["type"] == kind);
    let text = match texts {
        [text] if may_be("string") || !may_be("array") => text,
        many => return read_list(schemas, schema, many),
    };
    let number = || text.parse::<serde_json::Number>().ok().map(Value::Number);
    let typed = if may_be("string") {
        None
    } else if may_be("integer") || may_be("number") {
        number()
    } else if may_be("boolean") {
        text.parse::<bool>().ok().map(Value::Bool)
    } else {
        None
    };
    typed.unwrap_or_else(|| text.as_str().into())
}

/// Texts as a list, though the schema may want none: then the check refuses it.
pub(super) fn read_list(schemas: &Schemas, schema: &Value, texts: &[String]) -> Value {
    let branches = schemas.branches(schema);
    let list = branches.iter().find(|branch| branch["type"] == "array");
    let items = list.map_or(&Value::Null, |list| &list["items"]);
    let item = |text: &String| read(schemas, items, std::slice::from_ref(text));
    texts.iter().map(item).collect()
}

/// A form as the object that the schema wants.
pub(super) fn read_form(schemas: &Schemas, schema: &Value, form: &Pairs) -> Value {
    let read = |(name, values): &(String, Vec<String>)| {
        let value = read(schemas, schemas.member(schema, name), values);
        (name.clone(), value)
    };
    form.iter().map(read).collect::<Map<_, _>>().into()
}
