//! What a template asks for: one field per Terraform variable, or per value of a chart, with the type that it wants.
//!
//! A field is what the form shows, the decoder fills and the review reads. It carries no value of a person, so it may
//! be stored, printed and sent to a browser. Forbidden: guessing. A type constraint that has no honest control is
//! `Kind::Other` and is shown as JSON with its own words.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The deepest nesting of a type that is still shown as controls; deeper ones are shown as JSON.
pub const MAX_DEPTH: usize = 8;

/// One variable of a template's root module, or one top-level value of its chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The variable's name, an HCL identifier (so it contains no dot); a chart's value has no dot either.
    pub name: String,
    /// What kind of value it takes.
    pub kind: Kind,
    /// The type constraint as the module writes it, in one line; empty when it writes none.
    pub type_text: String,
    /// The author's words, possibly several lines; for a chart, with the schema's limits behind them.
    pub description: Option<String>,
    /// The default, converted to `kind` as Terraform would; `None` = required, `Some(Null)` = may stay unset.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub default: Option<Value>,
    /// Never shown, never stored in clear, never in a message.
    pub sensitive: bool,
    /// Whether the module accepts null; when not, null means the default.
    pub nullable: bool,
    /// Whether Terraform keeps it out of state and plan.
    pub ephemeral: bool,
    /// The author's rules, in the order of the file.
    pub validations: Vec<Validation>,
    /// The only accepted texts or numbers, when a validation or schema lists them literally: shown as a select.
    pub choices: Option<Vec<String>>,
    /// Where the variable stands, relative to the template's folder.
    pub file: String,
    /// The line of the word `variable`, from 1; for a chart, that of the property in the schema.
    pub line: u32,
    /// What a chart's schema demands; `None` for variables, whose rules are `validations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
}

/// What a chart's schema demands of one value, judged when the form is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The value's own JSON Schema, its references followed.
    pub schema: Value,
    /// What the chart's own values say here: Helm lays what is given over it. Null where they say nothing.
    pub base: Value,
    /// The schema refuses an empty text, so that none is offered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_empty: bool,
}

/// Reads a value that is there: null is a value, and only a missing key is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A type constraint, as far as a form can offer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text.
    String,
    /// A number of any size and precision.
    Number,
    /// True or false.
    Bool,
    /// Ordered values of one kind.
    List(Box<Kind>),
    /// Values of one kind without order or repetition.
    Set(Box<Kind>),
    /// Values of one kind by text keys.
    Map(Box<Kind>),
    /// A fixed number of values, each of its own kind.
    Tuple(Vec<Kind>),
    /// Named members, each of its own kind, in the order of the constraint.
    Object(Vec<Member>),
    /// Whatever JSON is typed.
    Any,
    /// A constraint that no control can show honestly, in the module's words; entered as JSON.
    Other(String),
}

/// One attribute of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The attribute's name, an HCL identifier.
    pub name: String,
    /// What kind of value it takes.
    pub kind: Kind,
    /// Whether the constraint says `optional(…)`.
    pub optional: bool,
    /// The second argument of `optional(…)`, converted to `kind`; `None` = null when left out.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub default: Option<Value>,
    /// The author's words; only a chart's schema has them this deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The only accepted values, when a chart's schema lists them: shown as a select.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// A chart's schema refuses an empty text, so that none is offered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_empty: bool,
}

/// One `validation` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The condition's source text.
    pub condition: String,
    /// What the author says when it does not hold: a literal, or the source text of a template (see `message_literal`).
    pub message: String,
    /// False when the message is an expression, so that `message` is its source text.
    pub message_literal: bool,
    /// Where the rule is judged.
    pub checked: Checked,
    /// The line of the word `validation`, from 1, in the field's file.
    pub line: u32,
}

/// Where a rule is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// When the form is sent.
    Here,
    /// By the engine, while it plans: the page says so.
    AtPreview,
}

/// What it means when a control is left blank. The page says it beside the control, the decoder does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// An error, unless the `empty.` box is ticked (kinds that have an empty value).
    Missing,
    /// Null, unless the `empty.` box is ticked (kinds that have an empty value).
    Null,
    /// The author's default.
    Default,
    /// The kind's own empty value: `""`, no rows, or a group whose members are read one by one.
    Empty,
}

/// Where a value stands: in a variable, in an optional member, or somewhere that always needs one.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A variable.
    Field(&'a Field),
    /// An object's attribute.
    Member(&'a Member),
    /// An element of a list, set or tuple, or a value of a map.
    Element,
}

impl<'a> Place<'a> {
    /// The default that stands in when nothing is given; `Some(Null)` when null does.
    #[must_use]
    pub fn default(self) -> Option<&'a Value> {
        const NULL: &Value = &Value::Null;
        match self {
            Place::Field(field) => field.default.as_ref(),
            Place::Member(member) if member.optional => {
                Some(member.default.as_ref().unwrap_or(NULL))
            }
            Place::Member(_) | Place::Element => None,
        }
    }

    /// The only accepted texts or numbers, where they are listed.
    #[must_use]
    pub fn choices(self) -> Option<&'a [String]> {
        match self {
            Place::Field(field) => field.choices.as_deref(),
            Place::Member(member) => member.choices.as_deref(),
            Place::Element => None,
        }
    }

    /// What a blank control means for a value of `kind` that stands here.
    #[must_use]
    pub fn blank(self, kind: &Kind) -> Blank {
        match self.default() {
            Some(Value::Null) => Blank::Null,
            Some(_) => match kind {
                // A text box that was cleared says "no text"; rows that were all removed say "none".
                Kind::String | Kind::List(_) | Kind::Set(_) | Kind::Map(_)
                    if !self.is_sensitive() =>
                {
                    Blank::Empty
                }
                // Helm lays a group over the chart's own, member by member: each says for itself what blank means.
                Kind::Object(_) if self.is_laid_over() => Blank::Empty,
                _ => Blank::Default,
            },
            None => match kind {
                Kind::List(_) | Kind::Set(_) | Kind::Map(_) if !self.is_sensitive() => Blank::Empty,
                // A group is never missing as a whole: each member says for itself what it lacks.
                Kind::Object(_) | Kind::Tuple(_) => Blank::Empty,
                _ => Blank::Missing,
            },
        }
    }

    /// Whether the page offers the `empty.` box: the kind has an empty value, and blank does not already mean it.
    #[must_use]
    pub fn offers_empty(self, kind: &Kind) -> bool {
        kind.has_empty() && self.blank(kind) != Blank::Empty && !self.never_empty()
    }

    fn never_empty(self) -> bool {
        match self {
            Place::Field(field) => field.rules.as_ref().is_some_and(|rules| rules.never_empty),
            Place::Member(member) => member.never_empty,
            Place::Element => false,
        }
    }

    fn is_laid_over(self) -> bool {
        matches!(self, Place::Field(field) if field.rules.is_some() && !field.sensitive)
    }

    fn is_sensitive(self) -> bool {
        matches!(self, Place::Field(field) if field.sensitive)
    }
}

impl Field {
    /// Whether a value must be given.
    #[must_use]
    pub fn required(&self) -> bool {
        self.default.is_none()
    }

    /// What a blank form means for this field.
    #[must_use]
    pub fn blank(&self) -> Blank {
        Place::Field(self).blank(&self.kind)
    }

    /// The control's name, or the prefix of its controls' names.
    #[must_use]
    pub fn path(&self) -> String {
        format!("in.{}", self.name)
    }

    /// The description's first line, for a caption.
    #[must_use]
    pub fn caption(&self) -> Option<&str> {
        self.description
            .as_deref()?
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
    }
}

impl Kind {
    /// Whether the kind has rows that a person adds and removes.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        matches!(self, Kind::List(_) | Kind::Set(_) | Kind::Map(_))
    }

    /// Whether one control holds the whole value.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(
            self,
            Kind::String | Kind::Number | Kind::Bool | Kind::Any | Kind::Other(_)
        )
    }

    /// Whether a value without content differs from no value: empty text, no rows, a group left as it is shown.
    #[must_use]
    pub fn has_empty(&self) -> bool {
        matches!(self, Kind::String | Kind::Tuple(_) | Kind::Object(_)) || self.has_rows()
    }

    /// Whether it is entered as JSON text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self, Kind::Any | Kind::Other(_))
    }

    /// How many levels of controls the kind nests: 1 for a single control.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Kind::List(inner) | Kind::Set(inner) | Kind::Map(inner) => 1 + inner.depth(),
            Kind::Tuple(kinds) => 1 + kinds.iter().map(Kind::depth).max().unwrap_or(0),
            Kind::Object(members) => 1 + members.iter().map(|m| m.kind.depth()).max().unwrap_or(0),
            _ => 1,
        }
    }

    /// The kind in a person's words, such as `list of text`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Kind::String => "text".into(),
            Kind::Number => "number".into(),
            Kind::Bool => "yes or no".into(),
            Kind::List(inner) => format!("list of {}", inner.words()),
            Kind::Set(inner) => format!("set of {}", inner.words()),
            Kind::Map(inner) => format!("map of {}", inner.words()),
            Kind::Tuple(kinds) => format!("{} values", kinds.len()),
            Kind::Object(_) => "group".into(),
            Kind::Any => "JSON".into(),
            Kind::Other(text) => format!("JSON ({text})"),
        }
    }
}
