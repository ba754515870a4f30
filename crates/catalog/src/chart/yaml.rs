//! YAML as Helm reads it: the rules of version 1.1 for plain words (`yes` is true, `0755` is octal), as Go's library
//! resolves them, and a line for every place.
//!
//! Forbidden: a document that grows. An alias counts as often as it is used, and nesting ends at a fixed depth.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use crate::broken::Broken;

/// The most values in a document, those that aliases repeat included.
const MAX_VALUES: usize = 20_000;

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// A document with the lines of its places.
pub(super) struct Document {
    pub value: Value,
    lines: BTreeMap<String, u32>,
}

impl Document {
    /// The line of a JSON pointer, or of the nearest place around it.
    pub fn line(&self, pointer: &str) -> u32 {
        let mut place = pointer;
        loop {
            if let Some(line) = self.lines.get(place) {
                return *line;
            }
            match place.rfind('/') {
                Some(at) => place = &place[..at],
                None => return 1,
            }
        }
    }
}

/// A JSON pointer one level deeper.
pub(super) fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Reads a file of one document.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Document, Broken> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Broken::new(file, 1, "This is not UTF-8.", ""))?;
    let mut loader = Loader {
        file,
        line: 1,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        lines: BTreeMap::new(),
        count: 0,
        root: None,
    };
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event.map_err(|error| {
            let line = u32::try_from(error.marker().line()).unwrap_or(1);
            let reason = format!("This is not valid YAML: {}.", error.info());
            Broken::new(
                file,
                line,
                reason,
                "Look at the indentation and the quotes.",
            )
        })?;
        loader.line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        loader.event(event)?;
    }
    Ok(Document {
        value: loader.root.unwrap_or_default(),
        lines: loader.lines,
    })
}

/// A list or map whose end has not come yet.
struct Open {
    pointer: String,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Value>),
    Map {
        items: Map<String, Value>,
        key: Option<String>,
        /// What `<<` brings: it gives way to what the map says itself.
        merged: Vec<Value>,
    },
}

struct Loader<'f> {
    file: &'f str,
    line: u32,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Value>,
    lines: BTreeMap<String, u32>,
    count: usize,
    root: Option<Value>,
}

impl Loader<'_> {
    fn broken<T>(&self, reason: impl Into<String>, hint: &str) -> Result<T, Broken> {
        Err(Broken::new(self.file, self.line, reason, hint))
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Broken> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => self.broken(
                "A second document begins here.",
                "Helm reads only the first: remove it.",
            ),
            Event::Scalar(text, style, anchor, tag) => {
                let texts = tag
                    .as_ref()
                    .is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                if tag.is_some() && !texts {
                    return self.broken(
                        "A tag stands here, which is not read.",
                        "Write the value without it.",
                    );
                }
                let value = if texts || style != ScalarStyle::Plain {
                    Value::String(text.into_owned())
                } else {
                    match plain(&text) {
                        Some(value) => value,
                        None => {
                            return self.broken(
                                "This number has no place in JSON.",
                                "Write it in quotes.",
                            );
                        }
                    }
                };
                self.count(1)?;
                self.put(value, anchor)
            }
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return self.broken(
                        "This alias names what is not complete yet.",
                        "Write the value out.",
                    );
                };
                self.count(size(&value))?;
                self.put(value, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(anchor, tag.is_some(), OpenKind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => self.begin(
                anchor,
                tag.is_some(),
                OpenKind::Map {
                    items: Map::new(),
                    key: None,
                    merged: Vec::new(),
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.kind {
                    OpenKind::List(items) => Value::Array(items),
                    OpenKind::Map {
                        mut items, merged, ..
                    } => {
                        for value in merged {
                            self.merge(&mut items, value)?;
                        }
                        Value::Object(items)
                    }
                };
                self.put(value, open.anchor)
            }
            _ => Ok(()),
        }
    }

    /// Adds what an aliased map says, and this one does not.
    fn merge(&self, items: &mut Map<String, Value>, value: Value) -> Result<(), Broken> {
        match value {
            Value::Object(more) => {
                for (key, value) in more {
                    items.entry(key).or_insert(value);
                }
                Ok(())
            }
            Value::Array(maps) if maps.iter().all(Value::is_object) => {
                maps.into_iter().try_for_each(|map| self.merge(items, map))
            }
            _ => self.broken("Only a map can be merged by “<<”.", ""),
        }
    }

    fn count(&mut self, more: usize) -> Result<(), Broken> {
        self.count += more;
        if self.count > MAX_VALUES {
            return self.broken(
                format!("The file holds more than {MAX_VALUES} values."),
                "Aliases count as often as they are used.",
            );
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, tagged: bool, kind: OpenKind) -> Result<(), Broken> {
        if tagged {
            return self.broken(
                "A tag stands here, which is not read.",
                "Write the value without it.",
            );
        }
        if self.open.len() == MAX_DEPTH {
            return self.broken("The values nest too deep.", "Keep them flat.");
        }
        self.count(1)?;
        if let Some(Open {
            kind: OpenKind::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            return self.broken("A list or map stands here as a key.", "Keys are words.");
        }
        let pointer = self.pointer();
        self.note(&pointer);
        self.open.push(Open {
            pointer,
            anchor,
            kind,
        });
        Ok(())
    }

    /// Where the next value stands.
    fn pointer(&self) -> String {
        match self.open.last() {
            None => String::new(),
            Some(open) => match &open.kind {
                OpenKind::List(items) => format!("{}/{}", open.pointer, items.len()),
                OpenKind::Map { key, .. } => {
                    below(&open.pointer, key.as_deref().unwrap_or_default())
                }
            },
        }
    }

    /// A key's line is the place's; a list's element has only its own.
    fn note(&mut self, pointer: &str) {
        let line = self.line;
        self.lines.entry(pointer.to_owned()).or_insert(line);
    }

    fn put(&mut self, value: Value, anchor: usize) -> Result<(), Broken> {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        let pointer = self.pointer();
        let line = self.line;
        let (file, broken) = (self.file, |reason: String, hint: &str| {
            Err(Broken::new(self.file, line, reason, hint))
        });
        match self.open.last_mut() {
            None => {
                self.root = Some(value);
                Ok(())
            }
            Some(open) => match &mut open.kind {
                OpenKind::List(items) => {
                    items.push(value);
                    self.note(&pointer);
                    Ok(())
                }
                OpenKind::Map { items, key, merged } => match key.take() {
                    Some(key) if key == "<<" => {
                        merged.push(value);
                        Ok(())
                    }
                    Some(key) => {
                        if items.insert(key.clone(), value).is_some() {
                            return Err(Broken::new(
                                file,
                                line,
                                format!("The key “{key}” comes twice."),
                                "Remove one of them.",
                            ));
                        }
                        Ok(())
                    }
                    None => {
                        let name = match value {
                            Value::String(text) => text,
                            Value::Null => "null".to_owned(),
                            Value::Bool(_) | Value::Number(_) => value.to_string(),
                            _ => {
                                return broken(
                                    "A list or map stands here as a key.".into(),
                                    "Keys are words.",
                                );
                            }
                        };
                        let place = below(&open.pointer, &name);
                        *key = Some(name);
                        self.note(&place);
                        Ok(())
                    }
                },
            },
        }
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(items) => items.values().map(size).sum(),
        _ => 0,
    }
}

/// What a plain word means; `None` for numbers that JSON has not.
fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") && text.len() - unsigned.len() <= 1 {
        return None;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Some(Value::String(text.to_owned()));
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Some(Value::Number(number));
    }
    if is_float(&digits)
        && let Some(number) = digits.parse().ok().and_then(Number::from_f64)
    {
        return Some(Value::Number(number));
    }
    Some(Value::String(text.to_owned()))
}

/// An integer with Go's prefixes, a leading 0 for octal included.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        let size = i128::from(size);
        i64::try_from(-size).ok().map(Number::from)
    } else {
        Some(Number::from(size))
    }
}

fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let all = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    all(whole)
        && all(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| {
            let digits = e.strip_prefix(['-', '+']).unwrap_or(e);
            !digits.is_empty() && all(digits)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read("f", text.as_bytes()).expect(text).value
    }

    #[test]
    fn plain_words_mean_what_helm_takes_them_for() {
        let read = value(
            "a: yes\nb: 'yes'\nc: 0755\nd: 1_000\ne: 1.50\nf: 1.2.3\ng: ~\nh:\ni: 2001-01-01\nj: 0x1F\nk: -0\nl: 08\nm: off\nn: +5\no: .5\np: 1e3\nq: \"\"\n8080: web\ntrue: x\n",
        );
        let wanted = json!({
            "a": true, "b": "yes", "c": 493, "d": 1000, "e": 1.5, "f": "1.2.3", "g": null, "h": null, "i": "2001-01-01",
            "j": 31, "k": 0, "l": 8.0, "m": false, "false": 5, "o": 0.5, "p": 1000.0, "q": "", "8080": "web", "true": "x",
        });
        assert_eq!(read, wanted);
    }

    #[test]
    fn anchors_are_followed_and_cannot_explode() {
        assert_eq!(
            value("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x\n"),
            json!({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}, "c": {"p": 1, "q": 2}})
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb += &format!("a{n}: &a{n} [{before}]\n");
        }
        let broken = read("f", bomb.as_bytes()).err().expect("refused");
        assert_eq!(broken.line, 5, "{broken}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        for (text, line, says) in [
            ("a: 1\nb: [1\n", 3, "not valid YAML"),
            ("a: 1\na: 2\n", 2, "comes twice"),
            ("a: 1\n---\nb: 2\n", 2, "second document"),
            ("a: 1\nb: !Secret x\n", 2, "tag"),
            ("a: .inf\n", 1, "number"),
            ("a:\n  ? [x]\n  : y\n", 2, "key"),
            ("a: &a\n  b: *a\n", 2, "complete"),
            (&"[".repeat(100), 1, "too deep"),
        ] {
            let broken = read("f", text.as_bytes()).err().expect(text);
            assert!(broken.reason.contains(says), "{text:?}: {broken}");
            assert_eq!(broken.line, line, "{text:?}: {broken}");
        }
    }

    #[test]
    fn every_place_has_its_line() {
        let document = read("f", b"a:\n  b: 1\n  c:\n    - x\n    - y: 2\n# end\n").expect("read");
        for (pointer, line) in [
            ("/a", 1),
            ("/a/b", 2),
            ("/a/c", 3),
            ("/a/c/1/y", 5),
            ("/a/z", 1),
            ("/q", 1),
        ] {
            assert_eq!(document.line(pointer), line, "{pointer}");
        }
    }
}
