//! Stages that spread an array over documents, and that fetch documents of other collections.

use bson::{Bson, Document, doc};

use super::{Context, Pipeline, parse};
use crate::sandbox::{
    expr::{Expr, Scope, Variables},
    failure::{Failure, Result},
    number::count,
    path,
    query::Filter,
};

#[derive(Debug, Clone)]
pub(super) struct Unwind {
    path: Vec<String>,
    index: Option<String>,
    keep_empty: bool,
}

impl Unwind {
    pub(super) fn parse(argument: &Bson) -> Result<Self> {
        let (path, index, keep_empty) = match argument {
            Bson::String(path) => (path.as_str(), None, false),
            Bson::Document(spec) => {
                parse::known(
                    spec,
                    &["path", "includeArrayIndex", "preserveNullAndEmptyArrays"],
                    "$unwind",
                )?;
                let path = spec
                    .get_str("path")
                    .map_err(|_| Failure::new(28812, "no path specified to $unwind stage"))?;
                let index = spec.get_str("includeArrayIndex").ok().map(str::to_owned);
                let keep = spec.get_bool("preserveNullAndEmptyArrays").unwrap_or(false);
                (path, index, keep)
            }
            _ => {
                return Err(Failure::new(
                    15981,
                    "expected either a string or an object as specification for $unwind stage",
                ));
            }
        };
        let path = path.strip_prefix('$').ok_or_else(|| {
            Failure::new(
                28818,
                format!("path option to $unwind stage should be prefixed with a '$': {path}"),
            )
        })?;
        Ok(Self {
            path: path::split(path),
            index,
            keep_empty,
        })
    }

    pub(super) fn run(&self, document: &Document, out: &mut Vec<Document>) -> Result<()> {
        let mut push = |value: Option<Bson>, index: Bson| -> Result<()> {
            let mut document = document.clone();
            if let Some(value) = value {
                path::set(&mut document, &self.path, value)?;
            }
            if let Some(name) = &self.index {
                path::set(&mut document, &path::split(name), index)?;
            }
            out.push(document);
            Ok(())
        };
        match path::get(document, &self.path) {
            Some(Bson::Array(items)) if items.is_empty() => {
                if self.keep_empty {
                    push(None, Bson::Null)?;
                    // An empty array leaves no field behind.
                    if let Some(last) = out.last_mut() {
                        path::remove(last, &self.path);
                    }
                }
                Ok(())
            }
            Some(Bson::Array(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(at, item)| push(Some(item.clone()), as_long(at))),
            None | Some(Bson::Null | Bson::Undefined) => {
                if self.keep_empty {
                    push(None, Bson::Null)
                } else {
                    Ok(())
                }
            }
            Some(_) => push(None, Bson::Null),
        }
    }
}

fn as_long(at: usize) -> Bson {
    match count(at) {
        Bson::Int32(at) => Bson::Int64(at.into()),
        other => other,
    }
}

#[derive(Debug, Clone)]
pub(super) struct Join {
    from: String,
    target: Vec<String>,
    fields: Option<(Expr, String)>,
    bindings: Vec<(String, Expr)>,
    pipeline: Pipeline,
}

impl Join {
    pub(super) fn parse(argument: &Bson, variables: &Variables) -> Result<Self> {
        let spec = parse::object(
            argument,
            9,
            "the $lookup stage specification must be an object",
        )?;
        let known = [
            "from",
            "localField",
            "foreignField",
            "as",
            "let",
            "pipeline",
        ];
        if let Some(unknown) = spec.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Failure::failed_to_parse(format!(
                "unknown argument to $lookup: {unknown}"
            )));
        }
        let text = |name: &str| match spec.get(name) {
            None => Ok(None),
            Some(Bson::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Failure::failed_to_parse(format!(
                "$lookup argument '{name}' must be a string"
            ))),
        };
        let required = |name: &str| {
            text(name)?.ok_or_else(|| {
                Failure::failed_to_parse(format!("must specify '{name}' field for a $lookup"))
            })
        };
        let fields = match (text("localField")?, text("foreignField")?) {
            (Some(local), Some(foreign)) => Some((Expr::field(local), foreign.to_owned())),
            (None, None) => None,
            _ => {
                return Err(Failure::failed_to_parse(
                    "$lookup requires both or neither of 'localField' and 'foreignField' to be \
                     specified",
                ));
            }
        };
        let mut bindings = Vec::new();
        let mut inner = variables.clone();
        match spec.get("let") {
            None => {}
            Some(Bson::Document(vars)) => {
                for (name, value) in vars {
                    bindings.push((name.clone(), Expr::parse(value, variables)?));
                    inner = inner.with(name, None);
                }
            }
            Some(_) => {
                return Err(Failure::failed_to_parse(
                    "$lookup argument 'let' must be an object",
                ));
            }
        }
        let pipeline = match spec.get("pipeline") {
            Some(Bson::Array(stages)) => Pipeline::parse(stages, &inner)?,
            Some(_) => {
                return Err(Failure::type_mismatch(
                    "'pipeline' option must be specified as an array",
                ));
            }
            None if fields.is_none() => {
                return Err(Failure::failed_to_parse(
                    "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' \
                     to be specified",
                ));
            }
            None => Pipeline(Vec::new()),
        };
        let target = path::split(required("as")?);
        Ok(Self {
            from: required("from")?.to_owned(),
            target,
            fields,
            bindings,
            pipeline,
        })
    }

    pub(super) fn run(&self, input: Vec<Document>, context: Context<'_>) -> Result<Vec<Document>> {
        let foreign = context.source.documents(&self.from);
        let mut out = Vec::with_capacity(input.len());
        for mut document in input {
            let scope = Scope::new(&document, context.variables);
            let mut candidates = match &self.fields {
                Some((local, field)) => {
                    let filter = equal_to(field, local.evaluate(&scope)?)?;
                    let mut found = Vec::new();
                    for candidate in &foreign {
                        if filter.matches(candidate, context.variables)? {
                            found.push(candidate.clone());
                        }
                    }
                    found
                }
                None => foreign.clone(),
            };
            let mut variables = context.variables.clone();
            for (name, value) in &self.bindings {
                variables = variables.with(name, value.evaluate(&scope)?);
            }
            let inner = Context {
                collection: &self.from,
                variables: &variables,
                ..context
            };
            candidates = self.pipeline.run(candidates, inner)?;
            path::set(&mut document, &self.target, candidates.into())?;
            out.push(document);
        }
        Ok(out)
    }
}

/// A local array matches by each of its elements, a missing field like null.
fn equal_to(field: &str, local: Option<Bson>) -> Result<Filter> {
    let test = match local {
        Some(Bson::Array(values)) => doc! { "$in": values },
        value => doc! { "$eq": value.unwrap_or(Bson::Null) },
    };
    Filter::parse(&doc! { field: test }, &Variables::default())
}
