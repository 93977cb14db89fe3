//! The fields of a command: known ones typed, unknown ones refused.

use bson::{Bson, Document};

use crate::sandbox::{
    compare::{truthy, type_name},
    expr::{Expr, Scope, Variables},
    failure::{Failure, Result},
    number::Number,
    store::check_namespace,
};

/// What any command may carry. None of it changes what one server in memory answers.
const GENERIC: &[&str] = &[
    "$db",
    "lsid",
    "$clusterTime",
    "$readPreference",
    "readConcern",
    "writeConcern",
    "maxTimeMS",
    "comment",
    "apiVersion",
    "apiStrict",
    "apiDeprecationErrors",
    "txnNumber",
    "autocommit",
    "startTransaction",
    "stmtId",
];

pub(super) struct Args<'a> {
    command: &'a str,
    subject: &'a Bson,
    body: &'a Document,
    database: &'a str,
}

impl<'a> Args<'a> {
    pub(super) fn new(body: &'a Document) -> Result<Self> {
        let (command, subject) = body
            .iter()
            .next()
            .ok_or_else(|| Failure::new(59, "no such command: ''"))?;
        let Some(Bson::String(database)) = body.get("$db") else {
            return Err(Failure::new(
                40571,
                "OP_MSG requests require a $db argument",
            ));
        };
        Ok(Self {
            command,
            subject,
            body,
            database,
        })
    }

    /// The command inside an `explain`, which leaves out what the outer one carries.
    pub(super) fn inner(body: &'a Document, database: &'a str) -> Result<Self> {
        let (command, subject) = body
            .iter()
            .next()
            .ok_or_else(|| Failure::bad_value("explain command requires a nested object"))?;
        Ok(Self {
            command,
            subject,
            body,
            database,
        })
    }

    pub(super) fn check_generic(&self) -> Result<()> {
        if self.body.contains_key("txnNumber") {
            return Err(Failure::new(
                20,
                "Transaction numbers are only allowed on a replica set member or mongos",
            ));
        }
        if let Some(version) = self.body.get("apiVersion")
            && version.as_str() != Some("1")
        {
            return Err(Failure::new(322, "API version must be \"1\""));
        }
        if let Some(limit) = self.integer("maxTimeMS")?
            && limit < 0
        {
            return Err(Failure::bad_value(format!(
                "{limit} value for maxTimeMS is out of range"
            )));
        }
        Ok(())
    }

    pub(super) fn command(&self) -> &'a str {
        self.command
    }

    pub(super) fn subject(&self) -> &'a Bson {
        self.subject
    }

    pub(super) fn body(&self) -> &'a Document {
        self.body
    }

    pub(super) fn database(&self) -> &'a str {
        self.database
    }

    pub(super) fn namespace(&self, collection: &str) -> String {
        format!("{}.{collection}", self.database)
    }

    /// The collection that the command names as its subject.
    pub(super) fn collection(&self) -> Result<&'a str> {
        let Bson::String(collection) = self.subject else {
            return Err(Failure::new(
                73,
                format!(
                    "collection name has invalid type {}",
                    type_name(self.subject)
                ),
            ));
        };
        check_namespace(self.database, collection)?;
        Ok(collection)
    }

    /// Refuses fields beyond `known`; those MongoDB knows and the simulator does not go into
    /// `unsupported`, and may be there only when they say nothing.
    pub(super) fn check(&self, known: &[&str], unsupported: &[&str]) -> Result<()> {
        for (name, value) in self.body.iter().skip(1) {
            let name = name.as_str();
            if known.contains(&name) || GENERIC.contains(&name) {
                continue;
            }
            if !unsupported.contains(&name) {
                return Err(Failure::new(
                    40415,
                    format!("BSON field '{}.{name}' is an unknown field.", self.command),
                ));
            }
            let says_nothing = match value {
                Bson::Document(value) => value.is_empty(),
                value => !truthy(value),
            };
            if !says_nothing {
                return Err(Failure::not_implemented(format!(
                    "the option '{name}' of {}",
                    self.command
                )));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Bson> {
        self.body
            .get(name)
            .filter(|value| !matches!(value, Bson::Null))
    }

    fn wrong(&self, name: &str, value: &Bson, expected: &str) -> Failure {
        Failure::type_mismatch(format!(
            "BSON field '{}.{name}' is the wrong type '{}', expected type '{expected}'",
            self.command,
            type_name(value)
        ))
    }

    pub(super) fn missing(&self, name: &str) -> Failure {
        Failure::new(
            40414,
            format!(
                "BSON field '{}.{name}' is missing but a required field",
                self.command
            ),
        )
    }

    pub(super) fn document(&self, name: &str) -> Result<Option<&'a Document>> {
        match self.get(name) {
            None => Ok(None),
            Some(Bson::Document(document)) => Ok(Some(document)),
            Some(other) => Err(self.wrong(name, other, "object")),
        }
    }

    pub(super) fn array(&self, name: &str) -> Result<Option<&'a [Bson]>> {
        match self.get(name) {
            None => Ok(None),
            Some(Bson::Array(items)) => Ok(Some(items)),
            Some(other) => Err(self.wrong(name, other, "array")),
        }
    }

    pub(super) fn documents(&self, name: &str) -> Result<Vec<&'a Document>> {
        let items = self.array(name)?.ok_or_else(|| self.missing(name))?;
        items
            .iter()
            .map(|item| match item {
                Bson::Document(document) => Ok(document),
                other => Err(self.wrong(&format!("{name}.0"), other, "object")),
            })
            .collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Bson::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, other, "string")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Bson::Boolean(flag)) => Ok(*flag),
            Some(number) if Number::of(number).is_some() => Ok(truthy(number)),
            Some(other) => Err(self.wrong(name, other, "bool")),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match Number::of(value) {
                Some(number) => number
                    .truncated()
                    .map(Some)
                    .ok_or_else(|| Failure::bad_value(format!("{name} is out of range: {value}"))),
                None => Err(self.wrong(name, value, "long")),
            },
        }
    }

    /// A number of documents, which must not be negative.
    pub(super) fn size(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.integer(name)? else {
            return Ok(None);
        };
        usize::try_from(value).map(Some).map_err(|_| {
            Failure::new(
                51024,
                format!("BSON field '{name}' value must be >= 0, actual value '{value}'"),
            )
        })
    }

    /// The variables of the command's own `let`.
    pub(super) fn variables(&self) -> Result<Variables> {
        let mut variables = Variables::default();
        for (name, value) in self.document("let")?.into_iter().flatten() {
            let expr = Expr::parse(value, &variables)?;
            let value = expr.evaluate(&Scope::new(&Document::new(), &variables))?;
            variables = variables.with(name, value);
        }
        Ok(variables)
    }
}
