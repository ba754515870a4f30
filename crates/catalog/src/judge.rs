//! The author's rules, applied to values.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::parser;
use serde_json::{Map, Value as Json};
use slipway_domain::field::{Checked, Field, Kind, Validation};

use crate::{
    eval::{Scope, Stop, survey},
    value::Val,
};

/// What became of a field's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All hold.
    Holds,
    /// At least one does not: the authors' words, one line each.
    Violated(String),
    /// None is known to be violated, and at least one is left to the engine.
    AtPreview,
}

/// What is said when the author's own words would show a secret, or cannot be worked out.
const PLAIN: &str = "This does not satisfy the template's rule.";

/// Judges the rules of every field. A field that `values` does not hold has its default; one in `unknown` has a value
/// that is not known here.
#[must_use]
pub fn judge(
    fields: &[Field],
    values: &Map<String, Json>,
    unknown: &BTreeSet<String>,
) -> BTreeMap<String, Verdict> {
    let variables: BTreeMap<String, Option<Val>> = fields
        .iter()
        .map(|field| {
            (
                field.name.clone(),
                if unknown.contains(&field.name) {
                    None
                } else {
                    known(field, values)
                },
            )
        })
        .collect();
    fields
        .iter()
        .map(|field| (field.name.clone(), judge_field(field, fields, &variables)))
        .collect()
}

/// The value that the module would see.
fn known(field: &Field, values: &Map<String, Json>) -> Option<Val> {
    if matches!(field.kind, Kind::Other(_)) {
        return None;
    }
    let given = values
        .get(&field.name)
        .filter(|value| field.nullable || !value.is_null());
    let value = given.or(field.default.as_ref())?;
    Val::from_json(value)?.convert(&field.kind).ok()
}

fn judge_field(
    field: &Field,
    fields: &[Field],
    variables: &BTreeMap<String, Option<Val>>,
) -> Verdict {
    let mut messages = Vec::new();
    let mut left = false;
    for validation in &field.validations {
        match holds(validation, variables) {
            Some(true) => {}
            Some(false) => messages.push(message(validation, fields, variables)),
            None => left = true,
        }
    }
    if !messages.is_empty() {
        Verdict::Violated(messages.join("\n"))
    } else if left {
        Verdict::AtPreview
    } else {
        Verdict::Holds
    }
}

/// Whether the engine would accept; `None` when only it can say.
fn holds(validation: &Validation, variables: &BTreeMap<String, Option<Val>>) -> Option<bool> {
    if validation.checked == Checked::AtPreview {
        return None;
    }
    let condition = parser::parse_expr(&validation.condition).ok()?;
    match Scope::new(variables).eval(&condition) {
        // A condition that is neither true nor false is an error of the engine, too.
        Ok(value) => Some(value.as_bool() == Some(true)),
        Err(Stop::Failed) => Some(false),
        Err(Stop::Undecided) => None,
    }
}

fn message(
    validation: &Validation,
    fields: &[Field],
    variables: &BTreeMap<String, Option<Val>>,
) -> String {
    if validation.message_literal {
        return validation.message.clone();
    }
    let Ok(expression) = parser::parse_expr(&validation.message) else {
        return PLAIN.to_owned();
    };
    let (named, _) = survey(&expression);
    let shows_secret = fields
        .iter()
        .any(|field| field.sensitive && named.contains(&field.name));
    if shows_secret {
        return PLAIN.to_owned();
    }
    let text = Scope::new(variables)
        .eval(&expression)
        .ok()
        .and_then(|value| value.as_text());
    text.unwrap_or_else(|| PLAIN.to_owned())
}
