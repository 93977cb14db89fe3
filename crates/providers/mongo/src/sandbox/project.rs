//! Which fields of a document come back, in `find` and in the stages that reshape documents.

use bson::{Bson, Document};

use super::{
    compare::truthy,
    expr::{Expr, Scope, Variables, cut},
    failure::{Failure, Result},
    number::Number,
    path,
    query::Filter,
};

type Tree = Vec<(String, Node)>;

#[derive(Debug, Clone)]
enum Node {
    Keep,
    Drop,
    Compute(Expr),
    Slice(i64, Option<i64>),
    /// The first element that the filter matches, of `$elemMatch` in a projection.
    Element(Filter),
    /// The element that made the query match, of `field.$`.
    Positional,
    Nested(Tree),
}

#[derive(Debug, Clone)]
pub(crate) struct Projection {
    tree: Tree,
    includes: bool,
}

/// Where a projection stands decides which of its forms are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Find,
    Stage,
}

impl Projection {
    pub(crate) fn parse(spec: &Document, place: Place, variables: &Variables) -> Result<Self> {
        let mut parser = Parser {
            place,
            variables,
            tree: Tree::new(),
            mode: None,
        };
        parser.fields(&[], spec)?;
        let only_id = |keep: bool| match parser.tree.as_slice() {
            [(name, Node::Keep)] if name == "_id" => keep,
            _ => false,
        };
        let selects = parser
            .tree
            .iter()
            .any(|(_, node)| matches!(node, Node::Element(_)));
        let includes = parser.mode.unwrap_or_else(|| only_id(true) || selects);
        Ok(Self {
            tree: parser.tree,
            includes,
        })
    }

    /// `$addFields`: everything stays, and what is named is computed.
    pub(crate) fn additions(spec: &Document, variables: &Variables) -> Result<Self> {
        let mut tree = Tree::new();
        additions(&mut tree, &[], spec, variables)?;
        Ok(Self {
            tree,
            includes: false,
        })
    }

    /// `$unset`: everything stays but what is named.
    pub(crate) fn removals<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut tree = Tree::new();
        for name in names {
            insert(&mut tree, &path::split(name), Node::Drop)?;
        }
        Ok(Self {
            tree,
            includes: false,
        })
    }

    pub(crate) fn apply(
        &self,
        document: &Document,
        position: Option<usize>,
        variables: &Variables,
    ) -> Result<Document> {
        let mut out = if self.includes {
            include(document, &self.tree, position, true)
        } else {
            exclude(document, &self.tree, position)
        };
        compute(&mut out, &self.tree, &Scope::new(document, variables))?;
        Ok(out)
    }

    pub(crate) fn is_positional(&self) -> bool {
        fn any(tree: &Tree) -> bool {
            tree.iter().any(|(_, node)| match node {
                Node::Positional => true,
                Node::Nested(tree) => any(tree),
                _ => false,
            })
        }
        any(&self.tree)
    }
}

struct Parser<'a> {
    place: Place,
    variables: &'a Variables,
    tree: Tree,
    /// Whether fields are included, once one of them has said so.
    mode: Option<bool>,
}

impl Parser<'_> {
    fn fields(&mut self, parents: &[String], spec: &Document) -> Result<()> {
        for (name, value) in spec {
            let mut full = parents.to_vec();
            full.extend(path::split(name));
            if full.iter().any(String::is_empty) {
                return Err(Failure::new(40353, "FieldPath must not end with a '.'."));
            }
            self.field(full, value)?;
        }
        Ok(())
    }

    fn field(&mut self, mut full: Vec<String>, value: &Bson) -> Result<()> {
        let is_id = full == ["_id"];
        let node = match value {
            Bson::Document(spec) => match spec.iter().next() {
                None if self.place == Place::Find => {
                    Node::Compute(Expr::parse(value, self.variables)?)
                }
                None => {
                    return Err(Failure::new(
                        51270,
                        "An empty sub-projection is not a valid value. Found empty object at path",
                    ));
                }
                Some((name, argument)) if self.place == Place::Find && name == "$slice" => {
                    return insert(&mut self.tree, &full, slice(argument)?);
                }
                Some((name, argument)) if self.place == Place::Find && name == "$elemMatch" => {
                    return insert(&mut self.tree, &full, element(argument)?);
                }
                Some((name, _)) if !name.starts_with('$') => return self.fields(&full, spec),
                Some(_) => Node::Compute(Expr::parse(value, self.variables)?),
            },
            value if self.place == Place::Find && full.last().is_some_and(|last| last == "$") => {
                if !truthy(value) {
                    return Err(Failure::new(
                        31395,
                        "positional projection cannot be used with exclusion",
                    ));
                }
                full.pop();
                Node::Positional
            }
            Bson::Boolean(_)
            | Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::Double(_)
            | Bson::Decimal128(_) => {
                if truthy(value) {
                    Node::Keep
                } else {
                    Node::Drop
                }
            }
            other => Node::Compute(Expr::parse(other, self.variables)?),
        };
        self.decide(&full, is_id, &node)?;
        insert(&mut self.tree, &full, node)
    }

    fn decide(&mut self, full: &[String], is_id: bool, node: &Node) -> Result<()> {
        let includes = !matches!(node, Node::Drop);
        // `_id` may be kept or dropped in either kind of projection.
        if is_id && !matches!(node, Node::Compute(_)) {
            return Ok(());
        }
        let path = full.join(".");
        match self.mode {
            Some(false) if includes => Err(Failure::new(
                31253,
                format!("Cannot do inclusion on field {path} in exclusion projection"),
            )),
            Some(true) if !includes => Err(Failure::new(
                31254,
                format!("Cannot do exclusion on field {path} in inclusion projection"),
            )),
            _ => {
                self.mode = Some(includes);
                Ok(())
            }
        }
    }
}

fn slice(argument: &Bson) -> Result<Node> {
    let integer = |value: &Bson| {
        Number::of(value)
            .and_then(Number::truncated)
            .ok_or_else(|| {
                Failure::new(
                    28724,
                    "First argument to $slice must be an array, or a number of elements",
                )
            })
    };
    match argument {
        Bson::Array(parts) => match parts.as_slice() {
            [skip, count] => {
                let count = integer(count)?;
                if count <= 0 {
                    return Err(Failure::new(
                        28729,
                        "Third argument to $slice must be positive",
                    ));
                }
                Ok(Node::Slice(integer(skip)?, Some(count)))
            }
            _ => Err(Failure::new(
                28667,
                "$slice takes 2 arguments in a projection",
            )),
        },
        count => Ok(Node::Slice(integer(count)?, None)),
    }
}

fn element(argument: &Bson) -> Result<Node> {
    let Bson::Document(_) = argument else {
        return Err(Failure::new(
            31274,
            "elemMatch: Invalid argument, object required",
        ));
    };
    let filter = bson::doc! { "$elemMatch": argument.clone() };
    Ok(Node::Element(Filter::parse_operators(&filter)?))
}

fn additions(
    tree: &mut Tree,
    parents: &[String],
    spec: &Document,
    variables: &Variables,
) -> Result<()> {
    for (name, value) in spec {
        if name.starts_with('$') && parents.is_empty() {
            return Err(Failure::new(
                16410,
                format!(
                    "FieldPath field names may not start with '$'. Consider using $getField or $setField. ('{name}')"
                ),
            ));
        }
        let mut full = parents.to_vec();
        full.extend(path::split(name));
        match value {
            Bson::Document(inner)
                if inner.keys().next().is_some_and(|key| !key.starts_with('$')) =>
            {
                additions(tree, &full, inner, variables)?;
            }
            value => insert(tree, &full, Node::Compute(Expr::parse(value, variables)?))?,
        }
    }
    Ok(())
}

fn insert(tree: &mut Tree, path: &[String], node: Node) -> Result<()> {
    let collision = |code| Failure::new(code, format!("Path collision at {}", path.join(".")));
    let Some((name, rest)) = path.split_first() else {
        return Ok(());
    };
    let known = tree.iter_mut().find(|(known, _)| known == name);
    match known {
        None if rest.is_empty() => tree.push((name.clone(), node)),
        None => {
            let mut inner = Tree::new();
            insert(&mut inner, rest, node)?;
            tree.push((name.clone(), Node::Nested(inner)));
        }
        Some(_) if rest.is_empty() => return Err(collision(31250)),
        Some((_, Node::Nested(inner))) => insert(inner, rest, node)?,
        Some(_) => return Err(collision(31249)),
    }
    Ok(())
}

fn find<'a>(tree: &'a Tree, name: &str) -> Option<&'a Node> {
    tree.iter()
        .find(|(known, _)| known == name)
        .map(|(_, node)| node)
}

fn include(document: &Document, tree: &Tree, position: Option<usize>, top: bool) -> Document {
    let mut out = Document::new();
    for (name, value) in document {
        let kept = match find(tree, name) {
            None if top && name == "_id" => Some(value.clone()),
            None | Some(Node::Drop | Node::Compute(_)) => None,
            Some(Node::Keep) => Some(value.clone()),
            Some(Node::Nested(inner)) => within(
                value,
                &|document| include(document, inner, position, false),
                false,
            ),
            Some(special) => select(special, value, position),
        };
        if let Some(kept) = kept {
            out.insert(name.clone(), kept);
        }
    }
    out
}

fn exclude(document: &Document, tree: &Tree, position: Option<usize>) -> Document {
    let mut out = Document::new();
    for (name, value) in document {
        let kept = match find(tree, name) {
            Some(Node::Drop) => None,
            None | Some(Node::Keep | Node::Compute(_)) => Some(value.clone()),
            Some(Node::Nested(inner)) => {
                within(value, &|document| exclude(document, inner, position), true)
            }
            Some(special) => select(special, value, position),
        };
        if let Some(kept) = kept {
            out.insert(name.clone(), kept);
        }
    }
    out
}

/// Applies a change to a document, or to every document in an array.
fn within(value: &Bson, change: &dyn Fn(&Document) -> Document, scalars: bool) -> Option<Bson> {
    match value {
        Bson::Document(document) => Some(Bson::Document(change(document))),
        Bson::Array(items) => Some(Bson::Array(
            items
                .iter()
                .filter_map(|item| within(item, change, scalars))
                .collect(),
        )),
        scalar => scalars.then(|| scalar.clone()),
    }
}

fn select(node: &Node, value: &Bson, position: Option<usize>) -> Option<Bson> {
    let Bson::Array(items) = value else {
        return (!matches!(node, Node::Element(_))).then(|| value.clone());
    };
    match node {
        Node::Slice(first, count) => Some(Bson::Array(cut(items, *first, *count))),
        Node::Positional => Some(Bson::Array(
            position
                .and_then(|at| items.get(at))
                .cloned()
                .into_iter()
                .collect(),
        )),
        Node::Element(filter) => {
            let found = items
                .iter()
                .find(|item| filter.matches_element(&Bson::Array(vec![(*item).clone()])));
            found.map(|item| Bson::Array(vec![item.clone()]))
        }
        _ => Some(value.clone()),
    }
}

fn computes(tree: &Tree) -> bool {
    tree.iter().any(|(_, node)| match node {
        Node::Compute(_) => true,
        Node::Nested(inner) => computes(inner),
        _ => false,
    })
}

fn compute(out: &mut Document, tree: &Tree, scope: &Scope<'_>) -> Result<()> {
    for (name, node) in tree {
        match node {
            Node::Compute(expr) => match expr.evaluate(scope)? {
                Some(value) => {
                    out.insert(name.clone(), value);
                }
                None => {
                    out.remove(name);
                }
            },
            Node::Nested(inner) if computes(inner) => {
                let target = out
                    .entry(name.clone())
                    .or_insert_with(|| Bson::Document(Document::new()));
                compute_within(target, inner, scope)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn compute_within(target: &mut Bson, tree: &Tree, scope: &Scope<'_>) -> Result<()> {
    match target {
        Bson::Document(document) => compute(document, tree, scope),
        Bson::Array(items) => items
            .iter_mut()
            .try_for_each(|item| compute_within(item, tree, scope)),
        scalar => {
            let mut document = Document::new();
            compute(&mut document, tree, scope)?;
            *scalar = Bson::Document(document);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn find(spec: Document, document: Document) -> Document {
        let variables = Variables::default();
        let projection = Projection::parse(&spec, Place::Find, &variables).unwrap();
        projection.apply(&document, None, &variables).unwrap()
    }

    #[test]
    fn inclusion_keeps_the_id_and_the_stored_order() {
        let document =
            doc! { "_id": 1, "a": 1, "b": { "c": 2, "d": 3 }, "e": [{ "f": 1, "g": 2 }, 5] };
        assert_eq!(
            find(doc! { "b.c": 1, "a": 1 }, document.clone()),
            doc! { "_id": 1, "a": 1, "b": { "c": 2 } }
        );
        assert_eq!(
            find(doc! { "e.f": 1, "_id": 0 }, document),
            doc! { "e": [{ "f": 1 }] }
        );
    }

    #[test]
    fn exclusion_drops_only_what_is_named() {
        let document = doc! { "_id": 1, "a": 1, "e": [{ "f": 1, "g": 2 }, 5] };
        assert_eq!(
            find(doc! { "e.f": 0, "_id": 0 }, document.clone()),
            doc! { "a": 1, "e": [{ "g": 2 }, 5] }
        );
        assert_eq!(find(doc! { "_id": 0 }, document.clone()).len(), 2);
        assert_eq!(find(doc! { "_id": 1 }, document), doc! { "_id": 1 });
    }

    #[test]
    fn arrays_are_sliced_and_searched() {
        let document = doc! { "a": [1, 2, 3], "b": [{ "c": 1 }, { "c": 2 }] };
        assert_eq!(
            find(doc! { "a": { "$slice": -2 } }, document.clone())
                .get_array("a")
                .unwrap()
                .len(),
            2
        );
        let found = find(doc! { "b": { "$elemMatch": { "c": 2 } } }, document);
        assert_eq!(found, doc! { "b": [{ "c": 2 }] });
    }

    #[test]
    fn computed_fields_follow_the_kept_ones() {
        let spec = doc! { "a": 1, "sum": { "$add": ["$a", "$b"] } };
        assert_eq!(
            find(spec, doc! { "a": 1, "b": 2 }),
            doc! { "a": 1, "sum": 3 }
        );
    }

    #[test]
    fn mixed_kinds_and_colliding_paths_are_refused() {
        let code = |spec| {
            Projection::parse(&spec, Place::Find, &Variables::default())
                .unwrap_err()
                .code
        };
        assert_eq!(code(doc! { "a": 1, "b": 0 }), 31254);
        assert_eq!(code(doc! { "a": 0, "b": 1 }), 31253);
        assert_eq!(code(doc! { "a": 1, "a.b": 1 }), 31249);
        assert_eq!(code(doc! { "a": { "$foo": 1 } }), 168);
    }
}
