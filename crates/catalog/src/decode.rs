//! From what was typed to what the module gets.
//!
//! Values follow Terraform's own conversions of text. Every complaint stands at the control that it is about, and none
//! repeats what was typed: it may be secret.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use slipway_domain::{
    field::{Blank, Field, Kind, Member, Place},
    form::{Entered, Errors, is_given, untouched},
};
use slipway_seal::Secret;

use crate::{
    chart,
    judge::{Verdict, judge},
    number::Number,
};

/// A form, understood. A variable with a complaint is in `errors` and nowhere else.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The values that may be read, by variable. One that is missing takes its default.
    pub values: Map<String, Json>,
    /// The sensitive values that were typed, as JSON text, by variable.
    pub secrets: BTreeMap<String, Secret>,
    /// The sensitive variables whose stored value is to be kept.
    pub kept: BTreeSet<String>,
    /// What is wrong, by control or group.
    pub errors: Errors,
    /// The variables with a rule that only the engine can judge: the page says that it is checked at preview.
    pub at_preview: BTreeSet<String>,
}

/// Understands a form. `stored` names the sensitive variables that have a stored value which may be kept.
#[must_use]
pub fn decode(fields: &[Field], entered: &Entered, stored: &BTreeSet<String>) -> Decoded {
    let mut reader = Reader {
        entered,
        errors: Errors::new(),
    };
    let mut kept = BTreeSet::new();
    let mut all = Map::new();
    let mut unknown = BTreeSet::new();
    let mut parts = Map::new();
    for field in fields {
        let before = reader.errors.len();
        if field.sensitive && reader.keeps(field, stored) {
            kept.insert(field.name.clone());
            unknown.insert(field.name.clone());
            continue;
        }
        let value = reader.field(field, stored);
        if reader.errors.len() > before {
            // What was understood of it is not what was meant.
            unknown.insert(field.name.clone());
            parts.extend(value.map(|value| (field.name.clone(), value)));
        } else if let Some(value) = value {
            all.insert(field.name.clone(), value);
        }
    }
    let mut errors = reader.errors;
    for field in fields {
        if let Some(value) = all.get(&field.name) {
            chart::check(field, value, false, entered, &mut errors);
        } else if let Some(value) = parts.get(&field.name) {
            chart::check(field, value, true, entered, &mut errors);
        }
    }
    // What a schema refuses stands at a control; the variable as a whole is then not understood.
    all.retain(|name, _| {
        let path = format!("in.{name}");
        let inside = format!("{path}.");
        !errors
            .keys()
            .any(|control| *control == path || control.starts_with(&inside))
    });
    let mut at_preview = BTreeSet::new();
    for (name, verdict) in judge(fields, &all, &unknown) {
        match verdict {
            Verdict::Violated(message) if !unknown.contains(&name) => {
                errors.insert(format!("in.{name}"), message);
                all.remove(&name);
            }
            Verdict::AtPreview => {
                at_preview.insert(name);
            }
            Verdict::Violated(_) | Verdict::Holds => {}
        }
    }
    let mut values = Map::new();
    let mut secrets = BTreeMap::new();
    for (name, value) in all {
        // A field is known here: `all` was made from them.
        if fields
            .iter()
            .any(|field| field.name == name && field.sensitive)
        {
            secrets.insert(name, Secret::new(value.to_string()));
        } else {
            values.insert(name, value);
        }
    }
    Decoded {
        values,
        secrets,
        kept,
        errors,
        at_preview,
    }
}

struct Reader<'e> {
    entered: &'e Entered,
    errors: Errors,
}

impl Reader<'_> {
    fn keeps(&self, field: &Field, stored: &BTreeSet<String>) -> bool {
        stored.contains(&field.name)
            && self.entered.is_keep_ticked(&field.name)
            && !is_given(self.entered, field)
    }

    fn field(&mut self, field: &Field, stored: &BTreeSet<String>) -> Option<Json> {
        let path = field.path();
        if field.sensitive && !is_given(self.entered, field) {
            if field.default.is_some() {
                return None;
            }
            if stored.contains(&field.name) {
                self.errors
                    .insert(path, "Enter a value, or keep the current one.".to_owned());
                return None;
            }
        }
        let value = self.value(&path, &field.kind, Place::Field(field))?;
        if value.is_null() && !field.nullable {
            if field.default.is_none() {
                self.errors.insert(path, "This may not be null.".to_owned());
            }
            return None;
        }
        Some(value)
    }

    /// The value at `path`; `None` when it is left to the default, or wrong and noted so.
    fn value(&mut self, path: &str, kind: &Kind, place: Place<'_>) -> Option<Json> {
        let entered = self.entered;
        match kind {
            Kind::String => {
                let text = entered.get(path);
                if text.contains('\0') {
                    return self.wrong(
                        path,
                        "This contains a NUL character, which cannot be stored.",
                    );
                }
                if text.is_empty() {
                    self.blank(path, kind, place, Json::from(""))
                } else {
                    Some(text.into())
                }
            }
            Kind::Number => match entered.get(path).trim() {
                "" => self.blank(path, kind, place, Json::Null),
                text => match Number::parse(text) {
                    Some(number) => Some(number.to_json()),
                    None => self.wrong(
                        path,
                        "Write a number with digits and a point, such as 1500 or 0.5.",
                    ),
                },
            },
            Kind::Bool => match entered.get(path).trim() {
                "" => self.blank(path, kind, place, Json::Null),
                "true" | "1" => Some(true.into()),
                "false" | "0" => Some(false.into()),
                _ => self.wrong(path, "Choose yes or no."),
            },
            Kind::Any | Kind::Other(_) => match entered.get(path).trim() {
                "" => self.blank(path, kind, place, Json::Null),
                text => self.json(path, text),
            },
            Kind::List(inner) | Kind::Set(inner) => {
                let rows = entered.rows(path);
                if rows.is_empty() {
                    return self.blank(path, kind, place, Json::Array(Vec::new()));
                }
                let mut items = Vec::with_capacity(rows.len());
                for row in rows {
                    let item = self.value(&format!("{path}.{row}"), inner, Place::Element);
                    items.extend(
                        item.filter(|item| matches!(kind, Kind::List(_)) || !items.contains(item)),
                    );
                }
                Some(Json::Array(items))
            }
            Kind::Map(inner) => {
                let rows = entered.rows(path);
                if rows.is_empty() {
                    return self.blank(path, kind, place, Json::Object(Map::new()));
                }
                self.map(path, inner, &rows)
            }
            Kind::Tuple(_) | Kind::Object(_) => {
                let unset = match place.blank(kind) {
                    Blank::Null => untouched(entered, path, kind),
                    Blank::Default => entered.is_blank(path),
                    Blank::Empty | Blank::Missing => false,
                };
                if unset && !entered.is_empty_ticked(path) {
                    return None;
                }
                match kind {
                    Kind::Object(members) => self.object(path, members),
                    Kind::Tuple(kinds) => {
                        let items = kinds.iter().enumerate();
                        let items: Vec<_> = items
                            .map(|(n, kind)| {
                                self.value(&format!("{path}.{n}"), kind, Place::Element)
                            })
                            .collect();
                        items
                            .into_iter()
                            .collect::<Option<Vec<_>>>()
                            .map(Json::Array)
                    }
                    _ => None,
                }
            }
        }
    }

    /// What a blank control gives.
    fn blank(&mut self, path: &str, kind: &Kind, place: Place<'_>, empty: Json) -> Option<Json> {
        if kind.has_empty() && self.entered.is_empty_ticked(path) {
            return Some(empty);
        }
        match (place.blank(kind), place) {
            (Blank::Null | Blank::Default, _) => None,
            (Blank::Empty, _) => Some(empty),
            (Blank::Missing, Place::Element) => {
                self.wrong(path, "Fill this in, or remove the row.")
            }
            (Blank::Missing, _) => self.wrong(path, "Fill this in."),
        }
    }

    fn map(&mut self, path: &str, inner: &Kind, rows: &[u32]) -> Option<Json> {
        let entered = self.entered;
        let mut items = Map::new();
        for row in rows {
            let (key_path, value_path) =
                (format!("{path}.{row}.key"), format!("{path}.{row}.value"));
            let key = entered.get(&key_path);
            if key.is_empty() && !entered.is_empty_ticked(&key_path) {
                // A row that was added and never used is no mistake.
                let unused =
                    !entered.is_empty_ticked(&value_path) && untouched(entered, &value_path, inner);
                if !unused {
                    self.errors
                        .insert(key_path, "Give this row a key, or remove it.".to_owned());
                }
                continue;
            }
            if key.contains('\0') {
                self.errors.insert(
                    key_path,
                    "This contains a NUL character, which cannot be stored.".to_owned(),
                );
                continue;
            }
            if items.contains_key(key) {
                self.errors
                    .insert(key_path, "Another row has this key already.".to_owned());
                continue;
            }
            let value = self.value(&value_path, inner, Place::Element);
            items.insert(key.to_owned(), value.unwrap_or_default());
        }
        Some(Json::Object(items))
    }

    fn object(&mut self, path: &str, members: &[Member]) -> Option<Json> {
        let mut items = Map::new();
        for member in members {
            let value = self.value(
                &format!("{path}.{}", member.name),
                &member.kind,
                Place::Member(member),
            );
            items.extend(value.map(|value| (member.name.clone(), value)));
        }
        Some(Json::Object(items))
    }

    fn json(&mut self, path: &str, text: &str) -> Option<Json> {
        let value: Json = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) if error.to_string().starts_with("recursion limit") => {
                return self.wrong(path, "This nests deeper than 128 levels.");
            }
            Err(error) => {
                let message = format!(
                    "This is not valid JSON: line {}, column {}.",
                    error.line(),
                    error.column()
                );
                return self.wrong(path, message);
            }
        };
        if !numbers_are_exact(text) {
            return self.wrong(
                path,
                "A number here has more digits than JSON carries: write it in quotes.",
            );
        }
        if has_nul(&value) {
            return self.wrong(
                path,
                "This contains a NUL character, which cannot be stored.",
            );
        }
        Some(value)
    }

    fn wrong(&mut self, path: &str, message: impl Into<String>) -> Option<Json> {
        self.errors.insert(path.to_owned(), message.into());
        None
    }
}

/// Whether any text in it holds a NUL character.
pub(crate) fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(items) => items
            .iter()
            .any(|(key, item)| key.contains('\0') || has_nul(item)),
        _ => false,
    }
}

/// Whether every number in valid JSON text is read without loss.
#[must_use]
pub fn numbers_are_exact(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[at..];
        if let Some(inside) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = inside.find(|c| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            rest = end.map_or("", |end| &inside[end + 1..]);
            continue;
        }
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        if !Number::parse(&rest[..end]).is_some_and(|number| number.to_json().is_number()) {
            return false;
        }
        rest = &rest[end..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_numbers_that_would_change_are_seen() {
        for (text, exact) in [
            ("1", true),
            ("[0.1, 1e3, -5]", true),
            ("9007199254740993", true),
            ("123456789012345678901", false),
            ("{\"a\": 0.12345678901234567890123}", false),
            ("\"123456789012345678901\"", true),
            ("[\"a\\\"123456789012345678901\", 2]", true),
            ("[\"\\\\\", 123456789012345678901]", false),
        ] {
            assert_eq!(numbers_are_exact(text), exact, "{text}");
        }
    }
}
