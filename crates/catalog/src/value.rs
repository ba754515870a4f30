//! Terraform's values and its conversions between types, as far as a form needs them.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::Value as Json;
use slipway_domain::field::{Kind, Member};

use crate::number::Number;

/// A value. Sets are kept without repetition, sorted where Terraform's order is known (see `Val::set`).
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    /// No value, of whatever type.
    Null,
    /// A bool.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// Elements of one type.
    List(Vec<Val>),
    /// Elements of one type, each once.
    Set(Vec<Val>),
    /// Elements of one type by key.
    Map(BTreeMap<String, Val>),
    /// Elements of any types.
    Tuple(Vec<Val>),
    /// Attributes of any types.
    Object(BTreeMap<String, Val>),
    /// A tuple whose order Terraform knows and we do not (it came from a set of groups).
    Bag(Vec<Val>),
}

/// Why a value does not fit a type: where inside it, and what was wanted. Never holds the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The path below the value, such as `.db.size` or `[1]`; empty for the value itself.
    pub at: String,
    /// What is wrong, as the end of a sentence.
    pub wanted: String,
}

impl Misfit {
    fn new(wanted: impl Into<String>) -> Self {
        Self {
            at: String::new(),
            wanted: wanted.into(),
        }
    }

    fn below(mut self, segment: &str) -> Self {
        self.at.insert_str(0, segment);
        self
    }
}

impl Val {
    /// JSON as Terraform reads it where no type is declared: arrays are tuples, objects are objects. `None` when a
    /// number is beyond what this crate keeps exactly.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(value) => Self::Number(Number::parse(&value.to_string())?),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => {
                Self::Tuple(items.iter().map(Self::from_json).collect::<Option<_>>()?)
            }
            Json::Object(items) => Self::Object(
                items
                    .iter()
                    .map(|(key, item)| Some((key.clone(), Self::from_json(item)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(value) => value.to_json(),
            Self::Text(text) => Json::String(text.clone()),
            Self::List(items) | Self::Set(items) | Self::Tuple(items) | Self::Bag(items) => {
                Json::Array(items.iter().map(Self::to_json).collect())
            }
            Self::Map(items) | Self::Object(items) => Json::Object(
                items
                    .iter()
                    .map(|(key, item)| (key.clone(), item.to_json()))
                    .collect(),
            ),
        }
    }

    /// A set: each element once, sorted when all are texts, numbers or bools, as Terraform sorts those.
    #[must_use]
    pub fn set(items: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = Vec::with_capacity(items.len());
        for item in items {
            if !kept.contains(&item) {
                kept.push(item);
            }
        }
        kept.sort_by(scalar_order);
        Self::Set(kept)
    }

    /// The elements, in an order that Terraform agrees about; `None` when there is none.
    #[must_use]
    pub fn elements(&self) -> Option<(&[Self], bool)> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some((items, true)),
            Self::Set(items) => Some((items, items.len() < 2 || items.iter().all(Self::is_scalar))),
            Self::Bag(items) => Some((items, items.len() < 2)),
            _ => None,
        }
    }

    /// Text, number or bool.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Number(_) | Self::Bool(_))
    }

    /// The text that Terraform converts the value to.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_text()),
            Self::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The number that Terraform converts the value to.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number.clone()),
            Self::Text(text) => Number::parse(text),
            _ => None,
        }
    }

    /// The bool that Terraform converts the value to.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value converted to `kind`, defaults of optional attributes filled in, as Terraform converts a variable's
    /// value. `Any` and `Other` leave it as it is.
    ///
    /// # Errors
    /// When Terraform would refuse it.
    pub fn convert(self, kind: &Kind) -> Result<Self, Misfit> {
        if matches!(self, Self::Null) {
            return Ok(Self::Null);
        }
        match kind {
            Kind::Any | Kind::Other(_) => Ok(self),
            Kind::String => self
                .as_text()
                .map(Self::Text)
                .ok_or_else(|| Misfit::new("text is wanted here")),
            Kind::Number => self
                .as_number()
                .map(Self::Number)
                .ok_or_else(|| Misfit::new("a number is wanted here")),
            Kind::Bool => self
                .as_bool()
                .map(Self::Bool)
                .ok_or_else(|| Misfit::new("true or false is wanted here")),
            Kind::List(inner) => Ok(Self::List(self.into_elements(inner)?)),
            Kind::Set(inner) => Ok(Self::set(self.into_elements(inner)?)),
            Kind::Map(inner) => {
                let (Self::Map(items) | Self::Object(items)) = self else {
                    return Err(Misfit::new("a map is wanted here"));
                };
                let convert = |(key, item): (String, Self)| {
                    let item = item
                        .convert(inner)
                        .map_err(|m| m.below(&format!("[{key:?}]")))?;
                    Ok((key, item))
                };
                Ok(Self::Map(
                    items.into_iter().map(convert).collect::<Result<_, _>>()?,
                ))
            }
            Kind::Tuple(kinds) => {
                let (Self::Tuple(items) | Self::List(items)) = self else {
                    return Err(Misfit::new("a list of values is wanted here"));
                };
                if items.len() != kinds.len() {
                    return Err(Misfit::new(format!(
                        "exactly {} values are wanted here",
                        kinds.len()
                    )));
                }
                let convert = |(n, (item, kind)): (usize, (Self, &Kind))| {
                    item.convert(kind).map_err(|m| m.below(&format!("[{n}]")))
                };
                Ok(Self::Tuple(
                    items
                        .into_iter()
                        .zip(kinds)
                        .enumerate()
                        .map(convert)
                        .collect::<Result<_, _>>()?,
                ))
            }
            Kind::Object(members) => {
                let (Self::Map(mut items) | Self::Object(mut items)) = self else {
                    return Err(Misfit::new("an object is wanted here"));
                };
                let convert = |member: &Member| {
                    let item = member_value(member, items.remove(&member.name))?;
                    Ok((member.name.clone(), item))
                };
                Ok(Self::Object(
                    members.iter().map(convert).collect::<Result<_, _>>()?,
                ))
            }
        }
    }

    fn into_elements(self, kind: &Kind) -> Result<Vec<Self>, Misfit> {
        let (Self::List(items) | Self::Set(items) | Self::Tuple(items) | Self::Bag(items)) = self
        else {
            return Err(Misfit::new("a list of values is wanted here"));
        };
        let convert =
            |(n, item): (usize, Self)| item.convert(kind).map_err(|m| m.below(&format!("[{n}]")));
        items.into_iter().enumerate().map(convert).collect()
    }
}

fn member_value(member: &Member, value: Option<Val>) -> Result<Val, Misfit> {
    let value = match value {
        None if !member.optional => {
            return Err(Misfit::new(format!(
                "the attribute “{}” is missing",
                member.name
            )));
        }
        None | Some(Val::Null) => match &member.default {
            Some(default) => {
                Val::from_json(default).ok_or_else(|| Misfit::new("its default is out of range"))?
            }
            None => Val::Null,
        },
        Some(value) => value,
    };
    value
        .convert(&member.kind)
        .map_err(|m| m.below(&format!(".{}", member.name)))
}

/// Terraform's order of a set's elements: numbers by size, texts by bytes, false before true. Others keep their place.
fn scalar_order(a: &Val, b: &Val) -> Ordering {
    match (a, b) {
        (Val::Number(a), Val::Number(b)) => a.cmp(b),
        (Val::Text(a), Val::Text(b)) => a.cmp(b),
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}
