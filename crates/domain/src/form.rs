//! A form as it was typed: control names and raw text, before anything is understood.
//!
//! The page renders it, the browser posts it, a draft keeps it, the decoder (`slipway-catalog`) understands it. It holds
//! what people typed, secrets included: it cannot be printed or serialised as a whole, and only `for_draft` says what
//! may be kept. Forbidden: interpreting a value; losing one.
//!
//! # Names
//!
//! | what | control |
//! |---|---|
//! | a variable | `in.size` |
//! | rows of a list or set | `in.tags.0`, `in.tags.1` |
//! | rows of a map | `in.labels.0.key`, `in.labels.0.value` |
//! | an object's attribute, a tuple's element | `in.db.size`, `in.pair.0` |
//! | a row that is itself rows or a group posts its own name, blank, so that an empty row exists | `in.ports.0` = `` |
//! | "empty rather than unset" (`Place::offers_empty`) | `empty.in.note` = `1` |
//! | "keep the value that is stored" (sensitive only; counts while the field is blank) | `keep.secret` = `1` |
//! | a row button (submit, so it works without a script) | `do` = `add:in.tags` `remove:in.tags.1` `up:in.tags.1` `down:in.tags.0` |
//!
//! A bool is a control with the values `true`, `false` and, where blank means something, ``: never a checkbox, which
//! cannot say "unset". `Place::blank` says what a blank control means; text that was typed always wins over a box.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Map, Value};

mod edit;
mod given;
mod post;

pub use edit::{Edit, NotEdited, edit};
pub use given::from_given;
pub use post::{Limits, TooMuch, parse_pairs};

use crate::field::{Blank, Field, Kind, Place};

/// Errors by the name of the control (or group) that they belong to.
pub type Errors = BTreeMap<String, String>;

/// The text in a box that is ticked.
pub const TICKED: &str = "1";

/// The prefix of the box that says "empty rather than unset"; the control's name follows.
pub const EMPTY: &str = "empty.";

/// The prefix of the box that says "keep the stored value"; the field's name follows.
pub const KEEP: &str = "keep.";

/// What was typed, by control name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entered(BTreeMap<String, String>);

impl fmt::Debug for Entered {
    /// Names only: what was typed may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Entered {
    /// The text of a control; absent is blank.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether the control was there at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Puts text into a control.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    /// Whether the "empty rather than unset" box of the control `path` is ticked.
    #[must_use]
    pub fn is_empty_ticked(&self, path: &str) -> bool {
        !self.get(&format!("{EMPTY}{path}")).is_empty()
    }

    /// Whether the "keep the stored value" box of the field is ticked.
    #[must_use]
    pub fn is_keep_ticked(&self, field: &str) -> bool {
        !self.get(&format!("{KEEP}{field}")).is_empty()
    }

    /// The indices of the rows below `path`, ascending. There may be gaps.
    #[must_use]
    pub fn rows(&self, path: &str) -> Vec<u32> {
        let prefix = format!("{path}.");
        let rows: BTreeSet<u32> = self
            .below(&prefix)
            .filter_map(|(name, _)| {
                index(name[prefix.len()..].split('.').next().unwrap_or_default())
            })
            .collect();
        rows.into_iter().collect()
    }

    /// Whether nothing was typed at `path` or below it, and no box below it is ticked.
    #[must_use]
    pub fn is_blank(&self, path: &str) -> bool {
        self.filled(path).next().is_none()
    }

    /// Every control, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// What a draft may keep in clear: everything but the text of sensitive fields.
    #[must_use]
    pub fn for_draft(&self, fields: &[Field]) -> BTreeMap<String, String> {
        let mut kept = self.0.clone();
        kept.retain(|name, _| {
            let path = name.strip_prefix(EMPTY).unwrap_or(name);
            let field = path
                .strip_prefix("in.")
                .and_then(|rest| rest.split('.').next());
            // An unknown field is not known to be harmless.
            field.is_none_or(|name| fields.iter().any(|f| f.name == name && !f.sensitive))
        });
        kept
    }

    /// A draft's controls again.
    #[must_use]
    pub fn from_draft(kept: BTreeMap<String, String>) -> Self {
        Self(kept)
    }

    /// The controls at `path` and below that hold text, and the boxes below it (not its own) that are ticked.
    fn filled(&self, path: &str) -> impl Iterator<Item = (&str, &str)> {
        let own = self
            .0
            .get_key_value(path)
            .map(|(name, text)| (name.as_str(), text.as_str()));
        let below: Vec<_> = self
            .below(&format!("{path}."))
            .chain(self.below(&format!("{EMPTY}{path}.")))
            .collect();
        own.into_iter()
            .chain(below)
            .filter(|(_, text)| !text.is_empty())
    }

    fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let end = prefix.to_owned();
        self.0
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(&end))
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Removes everything at `path` and below, boxes included, and gives it back with names relative to `path`.
    fn take(&mut self, path: &str) -> Vec<(bool, String, String)> {
        let mut taken = Vec::new();
        self.0.retain(|name, text| {
            let (boxed, rest) = name
                .strip_prefix(EMPTY)
                .map_or((false, name.as_str()), |rest| (true, rest));
            match rest.strip_prefix(path) {
                Some(tail) if tail.is_empty() || tail.starts_with('.') => {
                    taken.push((boxed, tail.to_owned(), std::mem::take(text)));
                    false
                }
                _ => true,
            }
        });
        taken
    }

    fn put(&mut self, path: &str, taken: Vec<(bool, String, String)>) {
        for (boxed, tail, text) in taken {
            self.0.insert(
                format!("{}{path}{tail}", if boxed { EMPTY } else { "" }),
                text,
            );
        }
    }
}

/// Whether a value was left as `from_values` shows one that is unset; its own box does not count.
#[must_use]
pub fn untouched(entered: &Entered, path: &str, kind: &Kind) -> bool {
    if kind.has_rows() {
        return entered.rows(path).is_empty();
    }
    let mut fresh = Entered::default();
    show_null(&mut fresh, path, kind);
    let shown: Vec<_> = fresh.filled(path).collect();
    let typed: Vec<_> = entered.filled(path).collect();
    typed.is_empty() || typed == shown
}

/// Whether a value was given for the field: something was typed, or "empty" was chosen on purpose.
#[must_use]
pub fn is_given(entered: &Entered, field: &Field) -> bool {
    let path = field.path();
    entered.is_empty_ticked(&path) || !untouched(entered, &path, &field.kind)
}

/// The form for `fields`: the environment's `current` inputs where it has them, else the defaults. Sensitive fields
/// stay blank; those whose name is in `stored` have their *keep* box ticked.
#[must_use]
pub fn from_values(
    fields: &[Field],
    current: Option<&Map<String, Value>>,
    stored: &BTreeSet<String>,
) -> Entered {
    let mut entered = Entered::default();
    for field in fields {
        let path = field.path();
        if field.sensitive {
            if stored.contains(&field.name) {
                entered.set(format!("{KEEP}{}", field.name), TICKED);
            }
            show_null(&mut entered, &path, &field.kind);
            continue;
        }
        let value = current
            .and_then(|values| values.get(&field.name))
            .or(field.default.as_ref());
        show(&mut entered, &path, &field.kind, Place::Field(field), value);
    }
    entered
}

/// Fills the controls of one value.
fn show(entered: &mut Entered, path: &str, kind: &Kind, place: Place<'_>, value: Option<&Value>) {
    if kind.is_json() && value == Some(&Value::Null) && place.blank(kind) != Blank::Null {
        // Where blank means something else, null is written out.
        entered.set(path, "null");
        return;
    }
    let Some(value) = value.or(place.default()).filter(|value| !value.is_null()) else {
        show_null(entered, path, kind);
        return;
    };
    match (kind, value) {
        (Kind::List(inner) | Kind::Set(inner), Value::Array(items)) => {
            for (n, item) in items.iter().enumerate() {
                row(entered, &format!("{path}.{n}"), inner, Some(item));
            }
        }
        (Kind::Map(inner), Value::Object(items)) => {
            for (n, (key, item)) in items.iter().enumerate() {
                entered.set(format!("{path}.{n}.key"), key.as_str());
                tick(entered, &format!("{path}.{n}.key"), key.is_empty());
                row(entered, &format!("{path}.{n}.value"), inner, Some(item));
            }
        }
        (Kind::Tuple(kinds), Value::Array(items)) => {
            for (n, kind) in kinds.iter().enumerate() {
                show(
                    entered,
                    &format!("{path}.{n}"),
                    kind,
                    Place::Element,
                    items.get(n),
                );
            }
        }
        (Kind::Object(members), Value::Object(items)) => {
            for member in members {
                let path = format!("{path}.{}", member.name);
                show(
                    entered,
                    &path,
                    &member.kind,
                    Place::Member(member),
                    items.get(&member.name),
                );
            }
        }
        (Kind::Any | Kind::Other(_), value) => {
            entered.set(
                path,
                serde_json::to_string_pretty(value).unwrap_or_default(),
            );
        }
        (_, Value::String(text)) => entered.set(path, text.as_str()),
        (_, value) => entered.set(path, value.to_string()),
    }
    // What looks blank but is not unset says so by its box.
    let looks_unset = match place.blank(kind) {
        Blank::Null => untouched(entered, path, kind),
        _ if kind.has_rows() => entered.rows(path).is_empty(),
        _ => entered.is_blank(path),
    };
    tick(entered, path, looks_unset && place.offers_empty(kind));
}

fn row(entered: &mut Entered, path: &str, kind: &Kind, value: Option<&Value>) {
    if !kind.is_single() {
        entered.set(path, "");
    }
    show(entered, path, kind, Place::Element, value);
}

/// Fills the controls of a value that is null or not yet known: blank, but for defaults deeper inside.
fn show_null(entered: &mut Entered, path: &str, kind: &Kind) {
    match kind {
        Kind::List(_) | Kind::Set(_) | Kind::Map(_) => {}
        Kind::Tuple(kinds) => {
            for (n, kind) in kinds.iter().enumerate() {
                show_null(entered, &format!("{path}.{n}"), kind);
            }
        }
        Kind::Object(members) => {
            for member in members {
                let path = format!("{path}.{}", member.name);
                show(entered, &path, &member.kind, Place::Member(member), None);
            }
        }
        _ => entered.set(path, ""),
    }
}

fn tick(entered: &mut Entered, path: &str, ticked: bool) {
    if ticked {
        entered.set(format!("{EMPTY}{path}"), TICKED);
    }
}

/// The kind of the value at `path` (`in.labels.0.value`), if the form has such a place.
#[must_use]
pub fn kind_at<'f>(fields: &'f [Field], path: &str) -> Option<&'f Kind> {
    let mut segments = path.strip_prefix("in.")?.split('.');
    let name = segments.next()?;
    let mut kind = &fields.iter().find(|field| field.name == name)?.kind;
    while let Some(segment) = segments.next() {
        kind = match kind {
            Kind::List(inner) | Kind::Set(inner) => index(segment).map(|_| &**inner)?,
            Kind::Map(inner) => {
                index(segment)?;
                (segments.next()? == "value").then_some(&**inner)?
            }
            Kind::Tuple(kinds) => kinds.get(index(segment)? as usize)?,
            Kind::Object(members) => &members.iter().find(|member| member.name == segment)?.kind,
            _ => return None,
        };
    }
    Some(kind)
}

/// The greatest number a row may have.
const MAX_INDEX: u32 = 999;

/// A row number with one spelling: digits, no leading zero, at most `MAX_INDEX`.
fn index(segment: &str) -> Option<u32> {
    let plain = segment == "0" || !segment.starts_with('0');
    let digits =
        !segment.is_empty() && segment.len() <= 3 && segment.bytes().all(|b| b.is_ascii_digit());
    (plain && digits).then(|| segment.parse().ok()).flatten()
}
