//! `$group` and its accumulators.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Bson, Document};

use crate::sandbox::{
    compare::{Key, compare},
    expr::{Expr, Scope, Variables, average, calculate, merge},
    failure::{Failure, Result},
    number::{Number, Operation, count},
};

#[derive(Debug, Clone)]
pub(super) struct Group {
    id: Expr,
    fields: Vec<(String, Kind, Expr)>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Sum,
    Average,
    Min,
    Max,
    First,
    Last,
    Push,
    AddToSet,
    Count,
    MergeObjects,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "$sum" => Self::Sum,
            "$avg" => Self::Average,
            "$min" => Self::Min,
            "$max" => Self::Max,
            "$first" => Self::First,
            "$last" => Self::Last,
            "$push" => Self::Push,
            "$addToSet" => Self::AddToSet,
            "$count" => Self::Count,
            "$mergeObjects" => Self::MergeObjects,
            _ => return None,
        })
    }

    /// Folds the values of one group; a missing value is not among them but for first and last.
    fn fold(self, values: Vec<Option<Bson>>) -> Result<Bson> {
        let length = values.len();
        match self {
            Self::Count => return Ok(count(length)),
            Self::First => return Ok(values.into_iter().next().flatten().unwrap_or(Bson::Null)),
            Self::Last => return Ok(values.into_iter().last().flatten().unwrap_or(Bson::Null)),
            _ => {}
        }
        let present: Vec<Bson> = values.into_iter().flatten().collect();
        let known = |value: &&Bson| !matches!(value, Bson::Null | Bson::Undefined);
        Ok(match self {
            Self::Sum => {
                let numbers = present.iter().filter_map(Number::of);
                let sum = |sum, value| calculate(sum, Operation::Add, value);
                numbers.into_iter().try_fold(Number::Int(0), sum)?.into()
            }
            Self::Average => average(&present)?.unwrap_or(Bson::Null),
            Self::Min => present
                .iter()
                .filter(known)
                .min_by(|a, b| compare(a, b))
                .cloned()
                .unwrap_or(Bson::Null),
            Self::Max => present
                .iter()
                .filter(known)
                .max_by(|a, b| compare(a, b))
                .cloned()
                .unwrap_or(Bson::Null),
            Self::Push => Bson::Array(present),
            Self::AddToSet => {
                let unique: BTreeSet<Key> = present.into_iter().map(Key).collect();
                Bson::Array(unique.into_iter().map(|key| key.0).collect())
            }
            _ => {
                let mut merged = Document::new();
                present
                    .iter()
                    .try_for_each(|value| merge("$mergeObjects", &mut merged, value))?;
                Bson::Document(merged)
            }
        })
    }
}

impl Group {
    pub(super) fn parse(spec: &Document, variables: &Variables) -> Result<Self> {
        let mut id = None;
        let mut fields = Vec::new();
        for (name, value) in spec {
            if name == "_id" {
                id = Some(Expr::parse(value, variables)?);
                continue;
            }
            if name.contains('.') {
                return Err(Failure::new(
                    40235,
                    format!("The field name '{name}' cannot contain '.'"),
                ));
            }
            if name.starts_with('$') {
                return Err(Failure::new(
                    40236,
                    format!("The field name '{name}' cannot be an operator name"),
                ));
            }
            let Bson::Document(accumulator) = value else {
                return Err(Failure::new(
                    40234,
                    format!("The field '{name}' must be an accumulator object"),
                ));
            };
            let mut parts = accumulator.iter();
            let (Some((operator, argument)), None) = (parts.next(), parts.next()) else {
                return Err(Failure::new(
                    40238,
                    format!("The field '{name}' must specify one accumulator"),
                ));
            };
            let kind = Kind::of(operator).ok_or_else(|| {
                Failure::new(15952, format!("unknown group operator '{operator}'"))
            })?;
            let argument = match (kind, argument) {
                (Kind::Count, Bson::Document(empty)) if empty.is_empty() => {
                    Expr::Literal(Bson::Null)
                }
                (Kind::Count, _) => {
                    return Err(Failure::type_mismatch(
                        "$count takes no arguments, i.e. $count:{}",
                    ));
                }
                (_, Bson::Array(several)) if several.len() != 1 => {
                    return Err(Failure::new(
                        40237,
                        format!("The {operator} accumulator is a unary operator"),
                    ));
                }
                (_, Bson::Array(single)) => {
                    Expr::parse(single.first().unwrap_or(&Bson::Null), variables)?
                }
                (_, argument) => Expr::parse(argument, variables)?,
            };
            fields.push((name.clone(), kind, argument));
        }
        let id =
            id.ok_or_else(|| Failure::new(15955, "a group specification must include an _id"))?;
        Ok(Self { id, fields })
    }

    pub(super) fn run(&self, input: &[Document], variables: &Variables) -> Result<Vec<Document>> {
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        let mut groups: Vec<(Bson, Vec<&Document>)> = Vec::new();
        for document in input {
            let id = self
                .id
                .evaluate(&Scope::new(document, variables))?
                .unwrap_or(Bson::Null);
            let place = *places.entry(Key(id.clone())).or_insert(groups.len());
            if place == groups.len() {
                groups.push((id, Vec::new()));
            }
            if let Some((_, members)) = groups.get_mut(place) {
                members.push(document);
            }
        }
        groups
            .into_iter()
            .map(|(id, members)| {
                let mut out = bson::doc! { "_id": id };
                for (name, kind, argument) in &self.fields {
                    let values = members
                        .iter()
                        .map(|document| argument.evaluate(&Scope::new(document, variables)))
                        .collect::<Result<_>>()?;
                    out.insert(name.clone(), kind.fold(values)?);
                }
                Ok(out)
            })
            .collect()
    }
}
