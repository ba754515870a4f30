//! Row buttons: adding, removing and moving rows, on the server, so that they work without a script.

use super::{Entered, Limits, MAX_INDEX, index, kind_at, row};
use crate::field::{Field, Kind};

/// What a row button does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One more row at the end of the list, set or map at this path.
    Add(String),
    /// Without the row at this path.
    Remove(String),
    /// The row at this path before the one above it.
    Up(String),
    /// The row at this path behind the one below it.
    Down(String),
}

/// Why a row button did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEdited {
    /// The button names no rows of this form.
    #[error("this form has no such row")]
    NoSuchRow,
    /// The form is as large as a form may be.
    #[error("this form is full: {} fields are the limit", Limits::FORM.controls)]
    Full,
}

impl Edit {
    /// Reads the value of the button `do`; `None` when it is another button.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (verb, path) = value.split_once(':')?;
        path.starts_with("in.").then_some(())?;
        let path = path.to_owned();
        match verb {
            "add" => Some(Self::Add(path)),
            "remove" => Some(Self::Remove(path)),
            "up" => Some(Self::Up(path)),
            "down" => Some(Self::Down(path)),
            _ => None,
        }
    }
}

/// Carries out a row button and numbers the rows anew, from 0. Gives the name of the control or group to go to.
///
/// # Errors
/// When the rows do not exist or the form is full; `entered` is then as it was.
pub fn edit(entered: &mut Entered, fields: &[Field], command: &Edit) -> Result<String, NotEdited> {
    let (list, at) = match command {
        Edit::Add(path) => (path.as_str(), None),
        Edit::Remove(path) | Edit::Up(path) | Edit::Down(path) => {
            let (list, n) = path.rsplit_once('.').ok_or(NotEdited::NoSuchRow)?;
            (list, Some(index(n).ok_or(NotEdited::NoSuchRow)?))
        }
    };
    let kind = kind_at(fields, list)
        .filter(|kind| kind.has_rows())
        .ok_or(NotEdited::NoSuchRow)?;
    let rows = entered.rows(list);
    let at = match at {
        Some(n) => Some(
            rows.iter()
                .position(|row| *row == n)
                .ok_or(NotEdited::NoSuchRow)?,
        ),
        None => None,
    };
    if at.is_none() && (entered.0.len() >= Limits::FORM.controls || rows.len() > MAX_INDEX as usize)
    {
        return Err(NotEdited::Full);
    }
    let mut taken: Vec<_> = rows
        .iter()
        .map(|n| entered.take(&format!("{list}.{n}")))
        .collect();
    let last = taken.len().saturating_sub(1);
    let focus = match (command, at) {
        (Edit::Remove(_), Some(n)) => {
            taken.remove(n);
            n.min(taken.len().saturating_sub(1))
        }
        (Edit::Up(_), Some(n)) => {
            taken.swap(n, n.saturating_sub(1));
            n.saturating_sub(1)
        }
        (Edit::Down(_), Some(n)) => {
            taken.swap(n, (n + 1).min(last));
            (n + 1).min(last)
        }
        _ => taken.len(),
    };
    let rows = taken.len();
    for (n, row) in taken.into_iter().enumerate() {
        entered.put(&format!("{list}.{n}"), row);
    }
    if matches!(command, Edit::Add(_)) {
        add_row(entered, &format!("{list}.{rows}"), kind);
    } else if rows == 0 {
        return Ok(list.to_owned());
    }
    Ok(format!("{list}.{focus}"))
}

fn add_row(entered: &mut Entered, path: &str, kind: &Kind) {
    match kind {
        Kind::List(inner) | Kind::Set(inner) => row(entered, path, inner, None),
        Kind::Map(inner) => {
            entered.set(format!("{path}.key"), "");
            row(entered, &format!("{path}.value"), inner, None);
        }
        _ => {}
    }
}
