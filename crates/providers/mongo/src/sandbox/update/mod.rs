//! Changes to a document: replacement, operators or a pipeline.

mod array;
mod field;
mod parse;
mod target;

use bson::{Bson, Document};

use self::{field::Change, target::ArrayFilter};
use super::{
    aggregate::Pipeline,
    compare::identical,
    expr::Variables,
    failure::{Failure, Result},
};

#[derive(Debug, Clone)]
pub(crate) enum Update {
    Replace(Document),
    Modify {
        changes: Vec<Change>,
        filters: Vec<ArrayFilter>,
    },
    Pipeline(Pipeline),
}

impl Update {
    pub(crate) fn parse(
        update: &Bson,
        array_filters: &[Bson],
        variables: &Variables,
    ) -> Result<Self> {
        match update {
            Bson::Array(stages) => {
                if !array_filters.is_empty() {
                    return Err(Failure::failed_to_parse(
                        "arrayFilters may not be specified for pipeline-style updates",
                    ));
                }
                Pipeline::parse_update(stages, variables).map(Self::Pipeline)
            }
            Bson::Document(update)
                if update.keys().next().is_some_and(|key| key.starts_with('$')) =>
            {
                let filters = target::parse_filters(array_filters, variables)?;
                let changes = parse::changes(update)?;
                target::check_filters(&changes, &filters)?;
                Ok(Self::Modify { changes, filters })
            }
            Bson::Document(replacement) => {
                if let Some(key) = replacement.keys().find(|key| key.starts_with('$')) {
                    return Err(Failure::new(
                        52,
                        format!(
                            "The dollar ($) prefixed field '{key}' in '{key}' is not allowed in \
                             the context of an update's replacement document. Consider using an \
                             aggregation pipeline with $replaceWith."
                        ),
                    ));
                }
                Ok(Self::Replace(replacement.clone()))
            }
            _ => Err(Failure::failed_to_parse(
                "Update argument must be either an object or an array",
            )),
        }
    }

    pub(crate) fn is_replacement(&self) -> bool {
        matches!(self, Self::Replace(_))
    }

    /// The document as it is after the update; `position` is the array index the filter matched.
    pub(crate) fn apply(
        &self,
        document: &Document,
        position: Option<usize>,
        inserting: bool,
        variables: &Variables,
    ) -> Result<Document> {
        let mut changed = match self {
            Self::Replace(replacement) => replacement.clone(),
            Self::Pipeline(pipeline) => pipeline.run_on_one(document.clone(), variables)?,
            Self::Modify { changes, filters } => {
                let mut changed = document.clone();
                for change in changes {
                    if change.applies(inserting) {
                        for path in target::concrete(&changed, change, position, filters)? {
                            change.apply(&mut changed, &path)?;
                        }
                    }
                }
                changed
            }
        };
        let Some(id) = document.get("_id") else {
            return Ok(changed);
        };
        match changed.get("_id") {
            Some(new) if identical(new, id) => Ok(changed),
            Some(new) if self.is_replacement() => Err(Failure::new(
                66,
                format!(
                    "After applying the update, the (immutable) field '_id' was found to have \
                     been altered to _id: {new}"
                ),
            )),
            None if !matches!(self, Self::Modify { .. }) => {
                // A replacement without an id keeps the old one, in front.
                let mut kept = bson::doc! { "_id": id.clone() };
                kept.extend(std::mem::take(&mut changed));
                Ok(kept)
            }
            _ => Err(Failure::new(
                66,
                "Performing an update on the path '_id' would modify the immutable field '_id'",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
