//! Filters: parsed once, then asked about many documents.

mod parse;
mod pattern;
mod predicate;

use bson::{Bson, Document};

use self::predicate::Match;
pub(crate) use self::predicate::Predicate;
use super::{
    expr::{Expr, Scope, Variables},
    failure::Result,
    path,
};

#[derive(Debug, Clone)]
pub(crate) struct Filter(Node);

#[derive(Debug, Clone)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Field { path: Vec<String>, test: Predicate },
    Expr(Expr),
}

impl Filter {
    pub(crate) fn parse(filter: &Document, variables: &Variables) -> Result<Self> {
        parse::filter(filter, Some(variables)).map(Self)
    }

    /// Operators applied to one value, as `$pull: { scores: { $gt: 5 } }` has them.
    pub(crate) fn parse_operators(operators: &Document) -> Result<Self> {
        parse::operators(&[], operators).map(Self)
    }

    pub(crate) fn matches(&self, document: &Document, variables: &Variables) -> Result<bool> {
        self.0.matches(document, variables, &mut None)
    }

    /// Whether the document matches, and the array index that made it match.
    pub(crate) fn locate(
        &self,
        document: &Document,
        variables: &Variables,
    ) -> Result<(bool, Option<usize>)> {
        let mut position = None;
        let matched = self.0.matches(document, variables, &mut position)?;
        Ok((matched, position))
    }

    /// Whether one element of an array matches operators that were parsed without a path.
    pub(crate) fn matches_element(&self, element: &Bson) -> bool {
        self.0.matches_element(element)
    }

    /// The fields that an upsert takes over from its filter.
    pub(crate) fn equalities(&self) -> Vec<(&[String], &Bson)> {
        let mut found = Vec::new();
        self.0.collect(&mut |path, test| {
            if let Predicate::Equal(value) = test {
                found.push((path, value));
            }
        });
        found
    }

    /// What must hold for `path`, as far as an index could use it.
    pub(crate) fn constraints(&self, wanted: &[String]) -> Vec<&Predicate> {
        let mut found = Vec::new();
        self.0.collect(&mut |path, test| {
            if path == wanted {
                found.push(test);
            }
        });
        found
    }
}

impl Node {
    fn matches(
        &self,
        document: &Document,
        variables: &Variables,
        position: &mut Option<usize>,
    ) -> Result<bool> {
        match self {
            Self::All(nodes) => {
                for node in nodes {
                    if !node.matches(document, variables, position)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(nodes) => {
                for node in nodes {
                    if node.matches(document, variables, position)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(node) => Ok(!node.matches(document, variables, &mut None)?),
            Self::Field { path, test } => Ok(path::visit(
                document,
                path,
                test.expands_arrays(),
                &mut |value, outer| {
                    let element = match test.find(value) {
                        Match::No => return false,
                        Match::Whole => None,
                        Match::Element(index) => Some(index),
                    };
                    *position = outer.or(element).or(*position);
                    true
                },
            )),
            Self::Expr(expr) => expr.is_true(&Scope::new(document, variables)),
        }
    }

    fn matches_element(&self, element: &Bson) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches_element(element)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches_element(element)),
            Self::Not(node) => !node.matches_element(element),
            Self::Field { path, test } if path.is_empty() => test.find(Some(element)) != Match::No,
            // The parser keeps paths and expressions out of what is asked about elements.
            Self::Field { .. } | Self::Expr(_) => false,
        }
    }

    /// Shows the conditions that hold for every match: those under `$and` only.
    fn collect<'a>(&'a self, show: &mut dyn FnMut(&'a [String], &'a Predicate)) {
        match self {
            Self::All(nodes) => nodes.iter().for_each(|node| node.collect(show)),
            Self::Field { path, test } => show(path, test),
            Self::Any(_) | Self::Not(_) | Self::Expr(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
