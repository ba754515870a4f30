//! Functions over text. Where the answer would depend on a version of Unicode's tables, there is none.

use super::{FAILED, Outcome, Stop, UNDECIDED, equal::is_plain, pattern};
use crate::{number::Number, value::Val};

pub(super) fn text(value: &Val) -> Result<String, Stop> {
    value.as_text().ok_or(Stop::Failed)
}

/// Text whose case and cutting do not depend on Unicode tables.
fn ascii(value: &Val) -> Result<String, Stop> {
    let text = text(value)?;
    if text.is_ascii() {
        Ok(text)
    } else {
        Err(Stop::Undecided)
    }
}

pub(super) fn plain(value: &Val) -> Result<String, Stop> {
    let text = text(value)?;
    if is_plain(&text) {
        Ok(text)
    } else {
        Err(Stop::Undecided)
    }
}

pub(super) fn strings(name: &str, args: &[Val]) -> Outcome {
    Ok(match (name, args) {
        ("lower", [value]) => Val::Text(ascii(value)?.to_ascii_lowercase()),
        ("upper", [value]) => Val::Text(ascii(value)?.to_ascii_uppercase()),
        // Go's white space is Unicode's, as ours; but for U+0085 and U+00A0 both agree on it anyway.
        ("trimspace", [value]) => Val::Text(plain(value)?.trim().to_owned()),
        ("chomp", [value]) => Val::Text(plain(value)?.trim_end_matches(['\r', '\n']).to_owned()),
        ("trim", [value, set]) => {
            let (value, set) = (plain(value)?, plain(set)?);
            Val::Text(value.trim_matches(|c| set.contains(c)).to_owned())
        }
        ("trimprefix", [value, prefix]) => {
            let (value, prefix) = (plain(value)?, plain(prefix)?);
            Val::Text(
                value
                    .strip_prefix(prefix.as_str())
                    .unwrap_or(&value)
                    .to_owned(),
            )
        }
        ("trimsuffix", [value, suffix]) => {
            let (value, suffix) = (plain(value)?, plain(suffix)?);
            Val::Text(
                value
                    .strip_suffix(suffix.as_str())
                    .unwrap_or(&value)
                    .to_owned(),
            )
        }
        ("startswith", [value, prefix]) => Val::Bool(plain(value)?.starts_with(&plain(prefix)?)),
        ("endswith", [value, suffix]) => Val::Bool(plain(value)?.ends_with(&plain(suffix)?)),
        ("strcontains", [value, part]) => Val::Bool(plain(value)?.contains(&plain(part)?)),
        ("split", [separator, value]) => {
            let (separator, value) = (plain(separator)?, plain(value)?);
            if separator.is_empty() {
                Val::List(value.chars().map(|c| Val::Text(c.to_string())).collect())
            } else {
                Val::List(
                    value
                        .split(separator.as_str())
                        .map(|part| Val::Text(part.to_owned()))
                        .collect(),
                )
            }
        }
        ("regex", [expression, value]) => {
            return pattern::first(&plain(expression)?, &plain(value)?);
        }
        ("regexall", [expression, value]) => {
            return pattern::all(&plain(expression)?, &plain(value)?);
        }
        ("replace", [value, what, with]) => {
            let (value, what, with) = (plain(value)?, plain(what)?, plain(with)?);
            match what
                .strip_prefix('/')
                .and_then(|what| what.strip_suffix('/'))
            {
                Some(expression) if what.len() > 1 => {
                    return pattern::replace(&value, expression, &with);
                }
                _ => Val::Text(value.replace(&what, &with)),
            }
        }
        _ => return FAILED,
    })
}

pub(super) fn length(value: &Val) -> Outcome {
    let count = match value {
        Val::Text(text) if is_plain(text) => text.chars().count() - text.matches("\r\n").count(),
        Val::Text(_) => return UNDECIDED,
        Val::List(items) | Val::Set(items) | Val::Tuple(items) | Val::Bag(items) => items.len(),
        Val::Map(items) | Val::Object(items) => items.len(),
        Val::Null | Val::Bool(_) | Val::Number(_) => return FAILED,
    };
    Ok(Val::Number(Number::from_count(count)))
}

pub(super) fn substr(value: &str, from: &Number, count: &Number) -> Outcome {
    if !value.is_ascii() || value.contains('\r') {
        return UNDECIDED;
    }
    let (Some(from), Some(count)) = (from.to_i64(), count.to_i64()) else {
        return FAILED;
    };
    let len = value.len() as i64;
    if from.abs() > 1_000_000 || count.abs() > 1_000_000 {
        return UNDECIDED;
    }
    let start = if from < 0 { from + len } else { from };
    if start < 0 || start > len {
        return UNDECIDED;
    }
    let end = if count < 0 {
        len
    } else {
        (start + count).min(len)
    };
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
        return UNDECIDED;
    };
    Ok(Val::Text(value[start..end].to_owned()))
}

pub(super) fn join(separator: &str, lists: &[Val]) -> Outcome {
    let mut parts = Vec::new();
    for list in lists {
        let (items, ordered) = list.elements().ok_or(Stop::Failed)?;
        if !ordered {
            return UNDECIDED;
        }
        for item in items {
            parts.push(item.as_text().ok_or(Stop::Failed)?);
        }
    }
    Ok(Val::Text(parts.join(separator)))
}
