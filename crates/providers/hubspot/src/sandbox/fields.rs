//! Definitions of properties.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::kinds::Type;
use super::{fields_crm, fields_engagement};

type Text = Cow<'static, str>;

/// A property as the account defines it.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: Text,
    pub(super) label: Text,
    pub(super) shape: Shape,
    pub(super) options: Options,
    pub(super) group: Option<String>,
    pub(super) description: Text,
    pub(super) unique: bool,
    pub(super) read_only: bool,
    /// Made by the user of the account, not by HubSpot.
    pub(super) custom: bool,
}

/// Values to choose from, with their labels.
#[derive(Clone, Debug)]
pub(super) enum Options {
    Fixed(&'static [(&'static str, &'static str)]),
    Made(Vec<(String, String)>),
}

impl Options {
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
        match self {
            Self::Fixed(options) => Box::new(options.iter().copied()),
            Self::Made(options) => {
                Box::new(options.iter().map(|(value, label)| (&**value, &**label)))
            }
        }
    }
}

/// What values it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Paragraph,
    Html,
    Phone,
    Email,
    Number,
    Date,
    Moment,
    Flag,
    Choice,
    Choices,
    Owner,
    Pipeline,
    Stage,
}

impl Shape {
    /// `type` and `fieldType` of the definition.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Line | Self::Email => ("string", "text"),
            Self::Paragraph => ("string", "textarea"),
            Self::Html => ("string", "html"),
            Self::Phone => ("string", "phonenumber"),
            Self::Number => ("number", "number"),
            Self::Date => ("date", "date"),
            Self::Moment => ("datetime", "date"),
            Self::Flag => ("bool", "booleancheckbox"),
            Self::Choice | Self::Owner | Self::Pipeline => ("enumeration", "select"),
            Self::Stage => ("enumeration", "radio"),
            Self::Choices => ("enumeration", "checkbox"),
        }
    }

    /// The shape of a definition that a user makes.
    pub(super) fn of(kind: &str, field: &str) -> Option<Self> {
        Some(match (kind, field) {
            ("string", "textarea") => Self::Paragraph,
            ("string", "html") => Self::Html,
            ("string", "phonenumber") => Self::Phone,
            ("string", "text" | "file" | "calculation_equation") => Self::Line,
            ("number", "number" | "calculation_equation") => Self::Number,
            ("date", "date") => Self::Date,
            ("datetime", "date") => Self::Moment,
            ("bool", "booleancheckbox") => Self::Flag,
            ("enumeration", "checkbox") => Self::Choices,
            ("enumeration", "select" | "radio" | "booleancheckbox") => Self::Choice,
            _ => return None,
        })
    }
}

pub(super) const fn field(name: &'static str, label: &'static str, shape: Shape) -> Field {
    chosen(name, label, shape, &[])
}

/// A property with one of several values.
pub(super) const fn choice(
    name: &'static str,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
) -> Field {
    chosen(name, label, Shape::Choice, options)
}

/// A property with any of several values.
pub(super) const fn choices(
    name: &'static str,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
) -> Field {
    chosen(name, label, Shape::Choices, options)
}

const fn chosen(
    name: &'static str,
    label: &'static str,
    shape: Shape,
    options: &'static [(&'static str, &'static str)],
) -> Field {
    Field {
        name: Cow::Borrowed(name),
        label: Cow::Borrowed(label),
        shape,
        options: Options::Fixed(options),
        group: None,
        description: Cow::Borrowed(""),
        unique: false,
        read_only: false,
        custom: false,
    }
}

impl Field {
    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The definition, with its own options or with those that only the account knows.
    pub(super) fn show(&self, kind: &Type, options: &Options) -> Value {
        let (r#type, field_type) = self.shape.names();
        let options: Vec<Value> = options
            .iter()
            .enumerate()
            .map(|(at, (value, label))| {
                json!({"label": label, "value": value, "displayOrder": at, "hidden": false})
            })
            .collect();
        let group = self
            .group
            .clone()
            .unwrap_or_else(|| format!("{}information", kind.singular().replace('_', "")));
        json!({
            "updatedAt": "2026-01-01T00:00:00.000Z", "createdAt": "2020-06-30T15:57:37.247Z",
            "name": self.name, "label": self.label, "type": r#type, "fieldType": field_type,
            "description": self.description, "groupName": group, "options": options,
            "displayOrder": -1, "calculated": false, "externalOptions": self.shape == Shape::Owner,
            "hasUniqueValue": self.unique, "hidden": false, "hubspotDefined": !self.custom,
            "formField": !self.read_only, "dataSensitivity": "non_sensitive", "archived": false,
            "modificationMetadata": {
                "archivable": self.custom, "readOnlyDefinition": !self.custom,
                "readOnlyOptions": !self.custom, "readOnlyValue": self.read_only,
            },
        })
    }
}

/// The properties that every type has.
static COMMON: &[Field] = &[
    field("hs_object_id", "Record ID", Shape::Number)
        .read_only()
        .unique(),
    field("hubspot_owner_id", "Owner", Shape::Owner),
    field(
        "hubspot_owner_assigneddate",
        "Owner assigned date",
        Shape::Moment,
    )
    .read_only(),
    field("hs_lastmodifieddate", "Last modified date", Shape::Moment).read_only(),
    field("hs_createdate", "Object create date/time", Shape::Moment).read_only(),
];

/// HubSpot's own properties of a type.
pub(super) fn own(kind: &Type) -> impl Iterator<Item = &'static Field> + use<> {
    let table: &'static [Field] = match kind.id() {
        "0-1" => fields_crm::CONTACT,
        "0-2" => fields_crm::COMPANY,
        "0-3" => fields_crm::DEAL,
        "0-5" => fields_crm::TICKET,
        "0-7" => fields_crm::PRODUCT,
        "0-8" => fields_crm::LINE_ITEM,
        "0-14" => fields_crm::QUOTE,
        "0-136" => fields_crm::LEAD,
        "0-46" => fields_engagement::NOTE,
        "0-27" => fields_engagement::TASK,
        "0-48" => fields_engagement::CALL,
        "0-49" => fields_engagement::EMAIL,
        "0-47" => fields_engagement::MEETING,
        _ => &[],
    };
    COMMON.iter().chain(table)
}
