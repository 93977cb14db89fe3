//! From stage documents to stages, with the server's complaints.

use bson::{Bson, Document, doc};

use super::{
    Pipeline, Stage,
    group::Group,
    join::{Join, Unwind},
};
use crate::sandbox::{
    compare::type_name,
    expr::{Expr, Variables},
    failure::{Failure, Result},
    number::Number,
    project::{Place, Projection},
    query::Filter,
    sort::Sort,
};

const STAGES: &[&str] = &[
    "$addFields",
    "$count",
    "$facet",
    "$group",
    "$indexStats",
    "$limit",
    "$lookup",
    "$match",
    "$project",
    "$replaceRoot",
    "$replaceWith",
    "$sample",
    "$set",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unionWith",
    "$unset",
    "$unwind",
];

pub(super) fn is_stage(name: &str) -> bool {
    STAGES.contains(&name)
}

pub(super) fn pipeline(stages: &[Bson], variables: &Variables) -> Result<Vec<Stage>> {
    if stages.len() > 1000 {
        return Err(Failure::new(
            7_749_501,
            "Pipeline length must be no longer than 1000 stages",
        ));
    }
    let mut out = Vec::new();
    for stage in stages {
        let Bson::Document(stage) = stage else {
            return Err(Failure::type_mismatch(
                "Each element of the 'pipeline' array must be an object",
            ));
        };
        let mut fields = stage.iter();
        let (Some((name, argument)), None) = (fields.next(), fields.next()) else {
            return Err(Failure::new(
                40323,
                "A pipeline stage specification object must contain exactly one field.",
            ));
        };
        if name == "$indexStats" && !out.is_empty() {
            return Err(Failure::new(
                40602,
                "$indexStats is only valid as the first stage in a pipeline",
            ));
        }
        stage_of(name, argument, variables, &mut out)?;
    }
    Ok(out)
}

fn stage_of(
    name: &str,
    argument: &Bson,
    variables: &Variables,
    out: &mut Vec<Stage>,
) -> Result<()> {
    let stage = match name {
        "$match" => Stage::Match(Filter::parse(
            object(
                argument,
                15959,
                "the match filter must be an expression in an object",
            )?,
            variables,
        )?),
        "$project" => {
            let spec = object(argument, 15969, "$project specification must be an object")?;
            if spec.is_empty() {
                return Err(invalid(
                    "$project",
                    Failure::new(
                        51272,
                        "projection specification must have at least one field",
                    ),
                ));
            }
            let projection = Projection::parse(spec, Place::Stage, variables);
            Stage::Reshape(projection.map_err(|failure| invalid("$project", failure))?)
        }
        "$addFields" | "$set" => {
            let spec = object(
                argument,
                40272,
                &format!(
                    "{name} specification stage must be an object, got {}",
                    type_name(argument)
                ),
            )?;
            let projection = Projection::additions(spec, variables);
            Stage::Reshape(projection.map_err(|failure| invalid(name, failure))?)
        }
        "$unset" => Stage::Reshape(unset(argument)?),
        "$group" => {
            let spec = object(
                argument,
                15947,
                "a group's fields must be specified in an object",
            )?;
            Stage::Group(Group::parse(spec, variables)?)
        }
        "$sort" => {
            let spec = object(
                argument,
                15973,
                "the $sort key specification must be an object",
            )?;
            if spec.is_empty() {
                return Err(Failure::new(
                    15976,
                    "$sort stage must have at least one sort key",
                ));
            }
            Stage::Sort(Sort::parse(spec)?)
        }
        "$limit" => match whole(argument) {
            Some(0) => return Err(Failure::new(15958, "the limit must be positive")),
            Some(limit) => Stage::Limit(limit),
            None => return Err(count_refused(2_107_201, name, argument)),
        },
        "$skip" => {
            Stage::Skip(whole(argument).ok_or_else(|| count_refused(5_107_200, name, argument))?)
        }
        "$count" => Stage::Count(count_field(argument)?),
        "$unwind" => Stage::Unwind(Unwind::parse(argument)?),
        "$lookup" => Stage::Lookup(Join::parse(argument, variables)?),
        "$unionWith" => union(argument)?,
        "$facet" => facet(argument, variables)?,
        "$sample" => {
            let spec = object(
                argument,
                28745,
                "the $sample stage specification must be an object",
            )?;
            let size = spec.get("size").and_then(whole).filter(|_| spec.len() == 1);
            Stage::Sample(size.ok_or_else(|| {
                Failure::new(28747, "size argument to $sample must be a positive number")
            })?)
        }
        "$replaceRoot" => {
            let spec = object(
                argument,
                40229,
                "expected an object as specification for $replaceRoot stage",
            )?;
            let root = spec.get("newRoot").filter(|_| spec.len() == 1);
            let root = root.ok_or_else(|| {
                Failure::new(40231, "no newRoot specified for the $replaceRoot stage")
            })?;
            Stage::ReplaceRoot(Expr::parse(root, variables)?)
        }
        "$replaceWith" => Stage::ReplaceRoot(Expr::parse(argument, variables)?),
        "$sortByCount" => {
            let spec = doc! { "_id": argument.clone(), "count": { "$sum": 1 } };
            out.push(Stage::Group(Group::parse(&spec, variables)?));
            Stage::Sort(Sort::parse(&doc! { "count": -1 })?)
        }
        "$indexStats" => {
            let empty = object(
                argument,
                28803,
                "The $indexStats stage specification must be an empty object",
            )?;
            if !empty.is_empty() {
                return Err(Failure::new(
                    28803,
                    "The $indexStats stage specification must be an empty object",
                ));
            }
            Stage::IndexStats
        }
        _ => {
            return Err(Failure::new(
                40324,
                format!("Unrecognized pipeline stage name: '{name}'"),
            ));
        }
    };
    out.push(stage);
    Ok(())
}

/// The server wraps what is wrong with a reshaping stage in the stage's name.
fn invalid(stage: &str, failure: Failure) -> Failure {
    let message = format!("Invalid {stage} :: caused by :: {}", failure.message);
    Failure { message, ..failure }
}

pub(super) fn object<'a>(argument: &'a Bson, code: i32, message: &str) -> Result<&'a Document> {
    argument
        .as_document()
        .ok_or_else(|| Failure::new(code, message))
}

fn whole(argument: &Bson) -> Option<usize> {
    let number = Number::of(argument).and_then(Number::to_integer)?;
    usize::try_from(number).ok()
}

fn count_refused(code: i32, name: &str, argument: &Bson) -> Failure {
    let what = if Number::of(argument).is_some() {
        "a non-negative number in"
    } else {
        "a number in"
    };
    Failure::new(
        code,
        format!("invalid argument to {name} stage: Expected {what}: {name}: {argument}"),
    )
}

fn count_field(argument: &Bson) -> Result<String> {
    let Bson::String(name) = argument else {
        return Err(Failure::new(
            40156,
            "the count field must be a non-empty string",
        ));
    };
    if name.is_empty() {
        return Err(Failure::new(
            40156,
            "the count field must be a non-empty string",
        ));
    }
    if name.starts_with('$') {
        return Err(Failure::new(
            40158,
            "the count field cannot be a $-prefixed path",
        ));
    }
    if name.contains('.') {
        return Err(Failure::new(40160, "the count field cannot contain '.'"));
    }
    Ok(name.clone())
}

fn unset(argument: &Bson) -> Result<Projection> {
    let refused = || Failure::new(31002, "$unset specification must be a string or an array");
    let names = match argument {
        Bson::String(name) => vec![name.as_str()],
        Bson::Array(names) if !names.is_empty() => names
            .iter()
            .map(|name| name.as_str().ok_or_else(refused))
            .collect::<Result<_>>()?,
        _ => return Err(refused()),
    };
    Projection::removals(names).map_err(|failure| invalid("$unset", failure))
}

fn union(argument: &Bson) -> Result<Stage> {
    match argument {
        Bson::String(collection) => Ok(Stage::UnionWith(collection.clone(), Pipeline(Vec::new()))),
        Bson::Document(spec) => {
            known(spec, &["coll", "pipeline"], "$unionWith")?;
            let collection = spec.get_str("coll").map_err(|_| {
                Failure::new(
                    40414,
                    "BSON field '$unionWith.coll' is missing but a required field",
                )
            })?;
            let stages = match spec.get("pipeline") {
                None => &[][..],
                Some(Bson::Array(stages)) => stages,
                Some(_) => {
                    return Err(Failure::type_mismatch(
                        "BSON field '$unionWith.pipeline' is the wrong type, expected type 'array'",
                    ));
                }
            };
            let pipeline = Pipeline::parse(stages, &Variables::default())?;
            Ok(Stage::UnionWith(collection.to_owned(), pipeline))
        }
        other => Err(Failure::failed_to_parse(format!(
            "the $unionWith stage specification must be an object or string, but found {}",
            type_name(other)
        ))),
    }
}

fn facet(argument: &Bson, variables: &Variables) -> Result<Stage> {
    let spec = object(
        argument,
        40169,
        "the $facet specification must be a non-empty object",
    )?;
    if spec.is_empty() {
        return Err(Failure::new(
            40169,
            "the $facet specification must be a non-empty object",
        ));
    }
    let mut facets = Vec::new();
    for (name, stages) in spec {
        let Bson::Array(stages) = stages else {
            return Err(Failure::new(
                40170,
                format!(
                    "arguments to $facet must be arrays, {name} is type {}",
                    type_name(stages)
                ),
            ));
        };
        let names = stages
            .iter()
            .filter_map(Bson::as_document)
            .filter_map(|d| d.keys().next());
        for stage in names {
            if matches!(stage.as_str(), "$facet" | "$indexStats") {
                return Err(Failure::new(
                    40600,
                    format!("{stage} is not allowed to be used within a $facet stage"),
                ));
            }
        }
        facets.push((name.clone(), Pipeline::parse(stages, variables)?));
    }
    Ok(Stage::Facet(facets))
}

pub(super) fn known(spec: &Document, names: &[&str], stage: &str) -> Result<()> {
    match spec.keys().find(|key| !names.contains(&key.as_str())) {
        Some(unknown) => Err(Failure::new(
            40415,
            format!("BSON field '{stage}.{unknown}' is an unknown field."),
        )),
        None => Ok(()),
    }
}
