//! Aggregation pipelines, run stage by stage over documents in memory.

mod group;
mod join;
mod parse;

use bson::{Bson, Document};

use self::{
    group::Group,
    join::{Join, Unwind},
};
use super::{
    expr::{Expr, Scope, Variables},
    failure::{Failure, Result},
    number::count,
    project::Projection,
    query::Filter,
    sort::Sort,
};

#[derive(Debug, Clone)]
pub(crate) struct Pipeline(Vec<Stage>);

#[derive(Debug, Clone)]
enum Stage {
    Match(Filter),
    Reshape(Projection),
    Group(Group),
    Sort(Sort),
    Limit(usize),
    Skip(usize),
    Count(String),
    Unwind(Unwind),
    Lookup(Join),
    UnionWith(String, Pipeline),
    Facet(Vec<(String, Pipeline)>),
    Sample(usize),
    ReplaceRoot(Expr),
    IndexStats,
}

/// Where stages find documents beyond their input.
pub(crate) trait Source {
    fn documents(&self, collection: &str) -> Vec<Document>;
    fn index_stats(&self, collection: &str) -> Vec<Document>;
}

/// The collection a pipeline runs on, and its neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) collection: &'a str,
    pub(crate) variables: &'a Variables,
}

impl Pipeline {
    pub(crate) fn parse(stages: &[Bson], variables: &Variables) -> Result<Self> {
        parse::pipeline(stages, variables).map(Self)
    }

    /// An update may only use the stages that turn one document into one document.
    pub(crate) fn parse_update(stages: &[Bson], variables: &Variables) -> Result<Self> {
        const ALLOWED: &[&str] = &[
            "$addFields",
            "$set",
            "$project",
            "$unset",
            "$replaceRoot",
            "$replaceWith",
        ];
        let names = stages
            .iter()
            .filter_map(Bson::as_document)
            .filter_map(|d| d.keys().next());
        for name in names {
            let known = ALLOWED.contains(&name.as_str());
            // A stage that no pipeline knows is reported as such, below.
            if !known && parse::is_stage(name) {
                return Err(Failure::new(
                    72,
                    format!("{name} is not allowed to be used within an update"),
                ));
            }
        }
        Self::parse(stages, variables)
    }

    /// The filter at the head of the pipeline, which is what an index could serve.
    pub(crate) fn leading_filter(&self) -> Option<&Filter> {
        match self.0.first() {
            Some(Stage::Match(filter)) => Some(filter),
            _ => None,
        }
    }

    pub(crate) fn run(&self, input: Vec<Document>, context: Context<'_>) -> Result<Vec<Document>> {
        self.0
            .iter()
            .try_fold(input, |documents, stage| stage.run(documents, context))
    }

    pub(crate) fn run_on_one(&self, document: Document, variables: &Variables) -> Result<Document> {
        let context = Context {
            source: &Nowhere,
            collection: "",
            variables,
        };
        let mut out = self.run(vec![document], context)?;
        Ok(out.pop().unwrap_or_default())
    }
}

struct Nowhere;

impl Source for Nowhere {
    fn documents(&self, _: &str) -> Vec<Document> {
        Vec::new()
    }

    fn index_stats(&self, _: &str) -> Vec<Document> {
        Vec::new()
    }
}

impl Stage {
    fn run(&self, mut input: Vec<Document>, context: Context<'_>) -> Result<Vec<Document>> {
        let variables = context.variables;
        match self {
            Self::Match(filter) => {
                let mut out = Vec::new();
                for document in input {
                    if filter.matches(&document, variables)? {
                        out.push(document);
                    }
                }
                Ok(out)
            }
            Self::Reshape(projection) => input
                .iter()
                .map(|document| projection.apply(document, None, variables))
                .collect(),
            Self::Group(group) => group.run(&input, variables),
            Self::Sort(sort) => {
                sort.apply(&mut input);
                Ok(input)
            }
            Self::Limit(limit) => {
                input.truncate(*limit);
                Ok(input)
            }
            Self::Skip(skip) => Ok(input.into_iter().skip(*skip).collect()),
            Self::Count(_) if input.is_empty() => Ok(Vec::new()),
            Self::Count(name) => Ok(vec![bson::doc! { name: count(input.len()) }]),
            Self::Unwind(unwind) => {
                let mut out = Vec::new();
                for document in &input {
                    unwind.run(document, &mut out)?;
                }
                Ok(out)
            }
            Self::Lookup(join) => join.run(input, context),
            Self::UnionWith(collection, pipeline) => {
                let context = Context {
                    collection,
                    ..context
                };
                let others = context.source.documents(collection);
                input.extend(pipeline.run(others, context)?);
                Ok(input)
            }
            Self::Facet(facets) => {
                let mut out = Document::new();
                for (name, pipeline) in facets {
                    let documents = pipeline.run(input.clone(), context)?;
                    out.insert(name, documents);
                }
                Ok(vec![out])
            }
            Self::Sample(size) => {
                shuffle(&mut input);
                input.truncate(*size);
                Ok(input)
            }
            Self::ReplaceRoot(root) => {
                let replace =
                    |document: &Document| match root.evaluate(&Scope::new(document, variables))? {
                        Some(Bson::Document(root)) => Ok(root),
                        other => {
                            let kind = other.as_ref().map_or("missing", super::compare::type_name);
                            Err(Failure::new(
                                40228,
                                format!(
                                    "'newRoot' expression must evaluate to an object, but \
                                     resulting value was of type '{kind}'"
                                ),
                            ))
                        }
                    };
                input.iter().map(replace).collect()
            }
            Self::IndexStats => Ok(context.source.index_stats(context.collection)),
        }
    }
}

/// Fisher and Yates with the hasher's randomness, which is all the chance a sample needs here.
fn shuffle(documents: &mut [Document]) {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new();
    for at in (1..documents.len()).rev() {
        let bound = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(random.hash_one(at) % bound).unwrap_or(0);
        documents.swap(at, other);
    }
}

#[cfg(test)]
mod tests;
