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

/// How much a form may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Controls.
    pub controls: usize,
    /// Bytes of text in one control.
    pub bytes_each: usize,
    /// Bytes of text and names in all.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
}

impl Limits {
    /// What a request form may hold.
    pub const FORM: Limits = Limits {
        controls: 1_000,
        bytes_each: 64 * 1024,
        bytes: 1024 * 1024,
        depth: crate::field::MAX_DEPTH,
    };
}

/// A form that holds more than it may. Nothing else is lost: `kept` is all that was within the limits.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TooMuch {
    /// What is too much, in a sentence that names the field.
    pub message: String,
    /// The controls that were left out, each with its reason (at most 20 of them).
    pub refused: Errors,
    /// The rest of the form.
    pub kept: Entered,
}

/// Reads a posted form. Names that are not of the form's scheme are left to the caller and ignored here; of a name that
/// comes twice the last counts. Line ends become `\n`, as they were before the browser changed them.
///
/// # Errors
/// When something exceeds `limits` or holds a NUL character, which neither PostgreSQL nor Terraform can store.
pub fn parse_pairs(pairs: Vec<(String, String)>, limits: Limits) -> Result<Entered, TooMuch> {
    let mut kept = Entered::default();
    let mut refused = Errors::new();
    let mut bytes = 0;
    for (name, text) in pairs {
        let Some(path) = path_of(&name) else { continue };
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text
        };
        let problem = if name.len() > 1_000 || path.split('.').count() > 2 * limits.depth {
            Some(format!("This nests deeper than {} levels.", limits.depth))
        } else if path
            .split('.')
            .any(|s| s.len() > 3 && s.bytes().all(|b| b.is_ascii_digit()))
        {
            Some(format!("More than {} rows.", MAX_INDEX + 1))
        } else if text.len() > limits.bytes_each {
            Some(format!(
                "This holds {}; {} is the limit.",
                size(text.len()),
                size(limits.bytes_each)
            ))
        } else if text.contains('\0') {
            Some("This contains a NUL character, which cannot be stored.".to_owned())
        } else if bytes + name.len() + text.len() > limits.bytes {
            Some(format!(
                "The form is larger than {} in all.",
                size(limits.bytes)
            ))
        } else if kept.0.len() >= limits.controls && !kept.has(&name) {
            Some(format!(
                "The form has more than {} fields.",
                limits.controls
            ))
        } else {
            None
        };
        match problem {
            None => {
                bytes += name.len() + text.len();
                kept.set(name, text);
            }
            Some(problem) if refused.len() < 20 => {
                let mut end = path.len().min(200);
                while !path.is_char_boundary(end) {
                    end -= 1;
                }
                refused.insert(path[..end].to_owned(), problem);
            }
            Some(_) => {}
        }
    }
    let Some((path, problem)) = refused.first_key_value() else {
        return Ok(kept);
    };
    let field = path.strip_prefix("in.").unwrap_or(path);
    let message = format!("“{field}” was not kept. {problem} Everything else is still here.");
    Err(TooMuch {
        message,
        refused,
        kept,
    })
}

/// The path of a control of this scheme; of a box, the control that it belongs to.
fn path_of(name: &str) -> Option<&str> {
    if let Some(field) = name.strip_prefix(KEEP) {
        return (!field.is_empty()).then_some(name);
    }
    let path = name.strip_prefix(EMPTY).unwrap_or(name);
    path.strip_prefix("in.")
        .filter(|rest| !rest.is_empty())
        .map(|_| path)
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
