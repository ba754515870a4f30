//! Terraform's `==`, and the types that it compares first.

use std::collections::BTreeSet;

use super::Stop;
use crate::value::Val;

/// Text whose equality, order and length do not depend on Unicode normalisation.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c < '\u{300}')
}

/// Terraform's `==`: equal types and equal values; null equals null only.
pub(super) fn equal(left: &Val, right: &Val) -> Result<bool, Stop> {
    match (left, right) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::Null, _) | (_, Val::Null) => Ok(false),
        (Val::Text(a), Val::Text(b)) if a != b && !(is_plain(a) && is_plain(b)) => {
            Err(Stop::Undecided)
        }
        (Val::Text(a), Val::Text(b)) => Ok(a == b),
        (Val::Number(a), Val::Number(b)) => Ok(a == b),
        (Val::Bool(a), Val::Bool(b)) => Ok(a == b),
        (a, b) if a.is_scalar() || b.is_scalar() => Ok(false),
        (a, b) => {
            // Groups are equal only if their types are, down to the elements; an empty list or a null inside has a type
            // that a value alone does not show.
            let (left, right) = (
                shape(a).ok_or(Stop::Undecided)?,
                shape(b).ok_or(Stop::Undecided)?,
            );
            if left != right {
                return Ok(false);
            }
            if a == b {
                Ok(true)
            } else if all_plain(a) && all_plain(b) {
                Ok(false)
            } else {
                Err(Stop::Undecided)
            }
        }
    }
}

fn all_plain(value: &Val) -> bool {
    match value {
        Val::Text(text) => is_plain(text),
        Val::List(items) | Val::Set(items) | Val::Tuple(items) | Val::Bag(items) => {
            items.iter().all(all_plain)
        }
        Val::Map(items) | Val::Object(items) => items
            .iter()
            .all(|(key, item)| is_plain(key) && all_plain(item)),
        Val::Null | Val::Bool(_) | Val::Number(_) => true,
    }
}

/// A value's type in words, where the value shows it.
pub(super) fn shape(value: &Val) -> Option<String> {
    let one = |items: &mut dyn Iterator<Item = &Val>| -> Option<String> {
        let shapes = items.map(shape).collect::<Option<BTreeSet<_>>>()?;
        (shapes.len() == 1)
            .then(|| shapes.into_iter().next())
            .flatten()
    };
    Some(match value {
        Val::Null | Val::Bag(_) => return None,
        Val::Bool(_) => "bool".to_owned(),
        Val::Number(_) => "number".to_owned(),
        Val::Text(_) => "string".to_owned(),
        Val::List(items) => format!("list({})", one(&mut items.iter())?),
        Val::Set(items) => format!("set({})", one(&mut items.iter())?),
        Val::Map(items) => format!("map({})", one(&mut items.values())?),
        Val::Tuple(items) => format!(
            "[{}]",
            items
                .iter()
                .map(shape)
                .collect::<Option<Vec<_>>>()?
                .join(",")
        ),
        Val::Object(items) => {
            let item = |(key, item): (&String, &Val)| Some(format!("{key:?}={}", shape(item)?));
            format!(
                "{{{}}}",
                items
                    .iter()
                    .map(item)
                    .collect::<Option<Vec<_>>>()?
                    .join(",")
            )
        }
    })
}
