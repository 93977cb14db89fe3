//! From the document form of an expression to its tree.

use bson::{Bson, Document};

use super::{Expr, Variables, functions};
use crate::sandbox::{
    failure::{Failure, Result},
    path,
};

pub(super) fn expression(value: &Bson, variables: &Variables) -> Result<Expr> {
    match value {
        Bson::String(text) => match text.strip_prefix('$') {
            Some(reference) => reference_to(reference, variables),
            None => Ok(Expr::Literal(value.clone())),
        },
        Bson::Array(items) => Ok(Expr::Array(
            items
                .iter()
                .map(|item| expression(item, variables))
                .collect::<Result<_>>()?,
        )),
        Bson::Document(document) => object(document, variables),
        other => Ok(Expr::Literal(other.clone())),
    }
}

fn reference_to(reference: &str, variables: &Variables) -> Result<Expr> {
    let Some(variable) = reference.strip_prefix('$') else {
        check_path(reference)?;
        return Ok(Expr::field(reference));
    };
    let (name, rest) = match variable.split_once('.') {
        Some((name, rest)) => {
            check_path(rest)?;
            (name, path::split(rest))
        }
        None => (variable, Vec::new()),
    };
    if name.is_empty() {
        return Err(Failure::failed_to_parse(
            "empty variable names are not allowed",
        ));
    }
    let system = matches!(name, "CURRENT" | "ROOT" | "NOW" | "REMOVE");
    if !system && variables.get(name).is_none() {
        return Err(Failure::new(
            17276,
            format!("Use of undefined variable: {name}"),
        ));
    }
    Ok(Expr::Variable(name.to_owned(), rest))
}

fn check_path(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Failure::new(
            16872,
            "'$' by itself is not a valid FieldPath",
        ));
    }
    for name in path.split('.') {
        if name.is_empty() {
            return Err(Failure::new(
                15998,
                "FieldPath field names may not be empty strings.",
            ));
        }
        if name.starts_with('$') {
            return Err(Failure::new(
                16410,
                format!(
                    "FieldPath field names may not start with '$'. Consider using $getField or $setField. ('{name}')"
                ),
            ));
        }
    }
    Ok(())
}

fn object(document: &Document, variables: &Variables) -> Result<Expr> {
    match document.iter().next() {
        Some((name, argument)) if name.starts_with('$') => {
            if document.len() != 1 {
                return Err(Failure::new(
                    15983,
                    format!(
                        "an expression specification must contain exactly one field, the name of \
                         the expression. Found {} fields",
                        document.len()
                    ),
                ));
            }
            operator(name, argument, variables)
        }
        _ => {
            let mut fields = Vec::new();
            for (name, value) in document {
                if name.starts_with('$') {
                    return Err(Failure::new(16404, format!("unexpected operator {name}")));
                }
                if name.contains('.') {
                    return Err(Failure::new(
                        16412,
                        format!("FieldPath field names may not contain '.'. ('{name}')"),
                    ));
                }
                fields.push((name.clone(), expression(value, variables)?));
            }
            Ok(Expr::Object(fields))
        }
    }
}

/// One expression stands for a list of one, except that a list is always the list.
fn arguments(argument: &Bson, variables: &Variables) -> Result<Vec<Expr>> {
    match argument {
        Bson::Array(items) => items
            .iter()
            .map(|item| expression(item, variables))
            .collect(),
        single => Ok(vec![expression(single, variables)?]),
    }
}

fn operator(name: &str, argument: &Bson, variables: &Variables) -> Result<Expr> {
    match name {
        "$literal" | "$const" => Ok(Expr::Literal(argument.clone())),
        "$and" => Ok(Expr::And(arguments(argument, variables)?)),
        "$or" => Ok(Expr::Or(arguments(argument, variables)?)),
        "$cond" => cond(argument, variables),
        "$switch" => switch(argument, variables),
        "$ifNull" => {
            let choices = arguments(argument, variables)?;
            if choices.len() < 2 {
                return Err(Failure::new(
                    1_257_300,
                    format!(
                        "$ifNull needs at least two arguments, had: {}",
                        choices.len()
                    ),
                ));
            }
            Ok(Expr::IfNull(choices))
        }
        "$let" => {
            let fields = Fields::new(name, argument, &["vars", "in"])?;
            let mut bindings = Vec::new();
            let mut inner = variables.clone();
            let Some(Bson::Document(vars)) = fields.get("vars") else {
                return Err(Failure::new(16876, "Missing 'vars' parameter to $let"));
            };
            for (name, value) in vars {
                bindings.push((name.clone(), expression(value, variables)?));
                inner = inner.with(name, None);
            }
            let body = Box::new(expression(fields.required("in", 16877)?, &inner)?);
            Ok(Expr::Let { bindings, body })
        }
        "$map" => {
            let fields = Fields::new(name, argument, &["input", "as", "in"])?;
            let input = Box::new(expression(fields.required("input", 16880)?, variables)?);
            let name = fields.name();
            let inner = variables.with(&name, None);
            let body = Box::new(expression(fields.required("in", 16882)?, &inner)?);
            Ok(Expr::Map { input, name, body })
        }
        "$filter" => {
            let fields = Fields::new(name, argument, &["input", "as", "cond", "limit"])?;
            let input = Box::new(expression(fields.required("input", 28648)?, variables)?);
            let name = fields.name();
            let inner = variables.with(&name, None);
            let test = Box::new(expression(fields.required("cond", 28650)?, &inner)?);
            let limit = match fields.get("limit") {
                Some(limit) => Some(Box::new(expression(limit, variables)?)),
                None => None,
            };
            Ok(Expr::Filter {
                input,
                name,
                test,
                limit,
            })
        }
        "$reduce" => {
            let fields = Fields::new(name, argument, &["input", "initialValue", "in"])?;
            let input = Box::new(expression(fields.required("input", 40077)?, variables)?);
            let initial = fields.required("initialValue", 40078)?;
            let initial = Box::new(expression(initial, variables)?);
            let inner = variables.with("value", None).with("this", None);
            let body = Box::new(expression(fields.required("in", 40079)?, &inner)?);
            Ok(Expr::Reduce {
                input,
                initial,
                body,
            })
        }
        _ => call(name, argument, variables),
    }
}

fn call(name: &str, argument: &Bson, variables: &Variables) -> Result<Expr> {
    if let Some(function) = functions::named(name) {
        let fields = Fields::new(name, argument, function.arguments)?;
        let arguments = function.arguments.iter().map(|argument| {
            fields
                .get(argument)
                .map(|value| expression(value, variables))
                .transpose()
        });
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        if let Some(missing) = arguments
            .iter()
            .take(function.required)
            .position(Option::is_none)
        {
            return Err(Failure::failed_to_parse(format!(
                "Missing '{}' parameter to {name}",
                function.arguments[missing]
            )));
        }
        return Ok(Expr::Named(function, arguments));
    }
    let Some(function) = functions::find(name) else {
        return Err(Failure::new(
            168,
            format!("Unrecognized expression '{name}'"),
        ));
    };
    let arguments = arguments(argument, variables)?;
    let (count, least, most) = (arguments.len(), function.least, function.most);
    if (least..=most).contains(&count) {
        return Ok(Expr::Call(function, arguments));
    }
    if least == most {
        return Err(Failure::new(
            16020,
            format!("Expression {name} takes exactly {least} arguments. {count} were passed in."),
        ));
    }
    Err(Failure::new(
        28667,
        format!(
            "Expression {name} takes at least {least} arguments, and at most {most}, but {count} \
             were passed in."
        ),
    ))
}

fn cond(argument: &Bson, variables: &Variables) -> Result<Expr> {
    if let Bson::Document(_) = argument {
        let fields = Fields::new("$cond", argument, &["if", "then", "else"])?;
        return Ok(Expr::Cond(Box::new([
            expression(fields.required("if", 17080)?, variables)?,
            expression(fields.required("then", 17080)?, variables)?,
            expression(fields.required("else", 17080)?, variables)?,
        ])));
    }
    let arguments = arguments(argument, variables)?;
    let count = arguments.len();
    let parts: [Expr; 3] = arguments.try_into().map_err(|_| {
        Failure::new(
            16020,
            format!("Expression $cond takes exactly 3 arguments. {count} were passed in."),
        )
    })?;
    Ok(Expr::Cond(Box::new(parts)))
}

fn switch(argument: &Bson, variables: &Variables) -> Result<Expr> {
    let fields = Fields::new("$switch", argument, &["branches", "default"])?;
    let Some(Bson::Array(entries)) = fields.get("branches") else {
        return Err(Failure::new(
            40061,
            "$switch expected an array for 'branches'",
        ));
    };
    let mut branches = Vec::new();
    for entry in entries {
        let branch = Fields::new("$switch", entry, &["case", "then"])?;
        branches.push((
            expression(branch.required("case", 40067)?, variables)?,
            expression(branch.required("then", 40067)?, variables)?,
        ));
    }
    if branches.is_empty() {
        return Err(Failure::new(40068, "$switch requires at least one branch."));
    }
    let default = match fields.get("default") {
        Some(default) => Some(Box::new(expression(default, variables)?)),
        None => None,
    };
    Ok(Expr::Switch { branches, default })
}

/// The argument of an operator that names its parts; a part it does not know is refused.
struct Fields<'a> {
    operator: &'a str,
    document: &'a Document,
}

impl<'a> Fields<'a> {
    fn new(operator: &'a str, argument: &'a Bson, known: &[&str]) -> Result<Self> {
        let Bson::Document(document) = argument else {
            return Err(Failure::failed_to_parse(format!(
                "{operator} only supports an object as its argument"
            )));
        };
        match document.keys().find(|key| !known.contains(&key.as_str())) {
            Some(unknown) => Err(Failure::failed_to_parse(format!(
                "Unrecognized parameter to {operator}: {unknown}"
            ))),
            None => Ok(Self { operator, document }),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Bson> {
        self.document.get(name)
    }

    fn required(&self, name: &str, code: i32) -> Result<&'a Bson> {
        self.get(name).ok_or_else(|| {
            Failure::new(
                code,
                format!("Missing '{name}' parameter to {}", self.operator),
            )
        })
    }

    fn name(&self) -> String {
        self.document.get_str("as").unwrap_or("this").to_owned()
    }
}
