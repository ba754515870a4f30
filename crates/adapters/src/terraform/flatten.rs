//! Two values side by side, attribute by attribute, with the engine's masks honoured at every depth.

use serde_json::Value;
use slipway_domain::plan::{Attribute, Shown};

use super::{canonical::cut, redact::Redactor};

/// The most attributes of one resource that are listed.
const MOST: usize = 1_000;

/// One side of a change: a value, and which parts of it are sensitive or unknown.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub value: &'a Value,
    pub sensitive: &'a Value,
    pub unknown: &'a Value,
}

/// Collects the differing attributes of one resource.
pub(crate) struct Flatten<'a> {
    pub redactor: &'a Redactor,
    /// Paths that force a replacement, each a list of names and numbers.
    pub replace: &'a [Vec<Value>],
    pub attributes: Vec<Attribute>,
    pub unchanged: u32,
    more: usize,
}

static NULL: Value = Value::Null;
static YES: Value = Value::Bool(true);

impl<'a> Side<'a> {
    pub(crate) const fn none() -> Self {
        Self {
            value: &NULL,
            sensitive: &NULL,
            unknown: &NULL,
        }
    }

    fn child(self, key: &Value) -> Self {
        let of = |value: &'a Value, whole: bool| match (value, key) {
            (Value::Object(map), Value::String(key)) => map.get(key).unwrap_or(&NULL),
            (Value::Array(items), Value::Number(n)) => n
                .as_u64()
                .and_then(|n| items.get(usize::try_from(n).ok()?))
                .unwrap_or(&NULL),
            // A mask that is just `true` covers everything below it.
            (Value::Bool(true), _) if whole => &YES,
            _ => &NULL,
        };
        Self {
            value: of(self.value, false),
            sensitive: of(self.sensitive, true),
            unknown: of(self.unknown, true),
        }
    }

    fn is_unknown(self) -> bool {
        *self.unknown == Value::Bool(true)
    }

    fn is_sensitive(self) -> bool {
        *self.sensitive == Value::Bool(true)
    }

    fn is_set(self) -> bool {
        self.is_unknown() || !self.value.is_null()
    }

    /// Has parts that are worth a line each.
    fn is_composite(self) -> bool {
        let full = |value: &Value| match value {
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        full(self.value) || full(self.unknown) && !self.is_unknown()
    }

    /// Its own parts' keys: names or numbers, those of unknown parts too.
    fn keys(self, into: &mut Vec<Value>) {
        for value in [self.value, self.unknown] {
            let keys: Vec<Value> = match value {
                Value::Object(map) => map.keys().cloned().map(Value::String).collect(),
                Value::Array(items) => (0..items.len()).map(Value::from).collect(),
                _ => Vec::new(),
            };
            for key in keys {
                if !into.contains(&key) {
                    into.push(key);
                }
            }
        }
    }

    /// As it may be shown in one piece.
    pub(crate) fn shown(self, redactor: &Redactor) -> Shown {
        if self.is_sensitive() {
            return if self.is_set() {
                Shown::Sensitive
            } else {
                Shown::Absent
            };
        }
        if self.is_unknown() {
            return Shown::Unknown;
        }
        if self.value.is_null() {
            return Shown::Absent;
        }
        Shown::Value(cut(&redactor.text(&self.masked(redactor).to_string())))
    }

    /// The same, beside another value that may be sensitive: then this one is, too.
    pub(crate) fn shown_beside(self, other: Self, redactor: &Redactor) -> Shown {
        match self.shown(redactor) {
            Shown::Value(_) if other.is_sensitive() => Shown::Sensitive,
            shown => shown,
        }
    }

    fn masked(self, redactor: &Redactor) -> Value {
        if self.is_sensitive() {
            return "(sensitive)".into();
        }
        if self.is_unknown() {
            return "(known after apply)".into();
        }
        let mut keys = Vec::new();
        match self.value {
            Value::Object(_) => {
                self.keys(&mut keys);
                let name = |key: &Value| key.as_str().unwrap_or_default().to_owned();
                Value::Object(
                    keys.iter()
                        .map(|key| (name(key), self.child(key).masked(redactor)))
                        .collect(),
                )
            }
            Value::Array(_) => {
                self.keys(&mut keys);
                Value::Array(
                    keys.iter()
                        .map(|key| self.child(key).masked(redactor))
                        .collect(),
                )
            }
            // Before JSON's escapes, so that every form of a secret is found.
            Value::String(text) => redactor.text(text).into(),
            other => other.clone(),
        }
    }
}

impl<'a> Flatten<'a> {
    pub(crate) fn new(redactor: &'a Redactor, replace: &'a [Vec<Value>]) -> Self {
        Self {
            redactor,
            replace,
            attributes: Vec::new(),
            unchanged: 0,
            more: 0,
        }
    }

    /// Walks both sides of a whole resource.
    pub(crate) fn resource(mut self, before: Side<'a>, after: Side<'a>) -> Self {
        self.walk(&mut Vec::new(), before, after);
        if self.more > 0 {
            let path = format!("({} more attributes)", self.more);
            self.attributes.push(Attribute {
                path,
                before: Shown::Absent,
                after: Shown::Absent,
                forces_replacement: false,
            });
        }
        self
    }

    fn walk(&mut self, path: &mut Vec<Value>, before: Side<'a>, after: Side<'a>) {
        let hidden = before.is_sensitive() || after.is_sensitive();
        let composite = |side: Side<'_>| side.is_composite();
        let open = |side: Side<'_>| !side.is_set() || composite(side);
        if path.is_empty()
            || !hidden
                && !after.is_unknown()
                && (composite(before) || composite(after))
                && open(before)
                && open(after)
        {
            let mut keys = Vec::new();
            before.keys(&mut keys);
            after.keys(&mut keys);
            for key in keys {
                let sides = (before.child(&key), after.child(&key));
                path.push(key);
                self.walk(path, sides.0, sides.1);
                path.pop();
            }
            return;
        }
        if !before.is_set() && !after.is_set() {
            return;
        }
        let same = !after.is_unknown()
            && before.value == after.value
            && (before.is_sensitive() == after.is_sensitive());
        if same {
            self.unchanged += 1;
        } else if self.attributes.len() == MOST {
            self.more += 1;
        } else {
            let show = |side: Side<'_>| match side.shown(self.redactor) {
                // What becomes a secret, or was one, is one on both sides.
                Shown::Value(_) if hidden => Shown::Sensitive,
                shown => shown,
            };
            let forces = self
                .replace
                .iter()
                .any(|forced| path.starts_with(forced) || forced.starts_with(path));
            self.attributes.push(Attribute {
                path: written(path),
                before: show(before),
                after: show(after),
                forces_replacement: forces,
            });
        }
    }
}

/// `tags.team`, `ingress[0].port`, `tags["a.b"]`.
fn written(path: &[Value]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            Value::String(name)
                if name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                    && !name.is_empty() =>
            {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            other => text.push_str(&format!("[{other}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diff(
        before: &Value,
        after: &Value,
        unknown: &Value,
        sensitive: (&Value, &Value),
        replace: &[Vec<Value>],
    ) -> (Vec<String>, u32) {
        let redactor = Redactor::new(["hunter2"]);
        let flat = Flatten::new(&redactor, replace).resource(
            Side {
                value: before,
                sensitive: sensitive.0,
                unknown: &NULL,
            },
            Side {
                value: after,
                sensitive: sensitive.1,
                unknown,
            },
        );
        let word = |shown: &Shown| match shown {
            Shown::Absent => "-".to_owned(),
            Shown::Value(text) => text.clone(),
            Shown::Sensitive => "***".to_owned(),
            Shown::Unknown => "?".to_owned(),
        };
        let line = |a: &Attribute| {
            format!(
                "{} {} {}{}",
                a.path,
                word(&a.before),
                word(&a.after),
                if a.forces_replacement { " !" } else { "" }
            )
        };
        (flat.attributes.iter().map(line).collect(), flat.unchanged)
    }

    #[test]
    fn leaves_are_listed_and_what_stays_is_counted() {
        let before = json!({"a": 1, "tags": {"team": "x", "a.b": "1"}, "rules": [{"port": 80}, {"port": 81}], "gone": [1]});
        let after = json!({"a": 1, "tags": {"team": "y", "a.b": "2"}, "rules": [{"port": 80}], "new": {"k": []}, "gone": null});
        let (lines, unchanged) = diff(
            &before,
            &after,
            &json!({"id": true, "deep": [{"x": true}]}),
            (&NULL, &NULL),
            &[vec!["tags".into()]],
        );
        assert_eq!(
            lines,
            [
                "gone[0] 1 -",
                "rules[1].port 81 -",
                "tags[\"a.b\"] \"1\" \"2\" !",
                "tags.team \"x\" \"y\" !",
                "new.k - []",
                "deep[0].x - ?",
                "id - ?",
            ]
        );
        assert_eq!(unchanged, 2);
    }

    #[test]
    fn sensitive_values_are_never_shown_on_either_side_and_at_no_depth() {
        let before = json!({"plain": "canary", "deep": {"list": ["canary", "seen"]}, "mixed": "canary", "same": "canary"});
        let after = json!({"plain": "canary", "deep": {"list": ["canary2", "seen2"]}, "mixed": {"k": "canary", "v": 1}, "same": "canary"});
        let was = json!({"deep": {"list": [true]}, "mixed": true, "same": true});
        let becomes = json!({"plain": true, "deep": {"list": [true, false]}, "mixed": {"k": true}, "same": true});
        let (lines, unchanged) = diff(&before, &after, &json!({}), (&was, &becomes), &[]);
        assert_eq!(
            lines,
            [
                "deep.list[0] *** ***",
                "deep.list[1] \"seen\" \"seen2\"",
                "mixed *** ***",
                "plain *** ***"
            ]
        );
        assert_eq!(unchanged, 1);
        let (lines, _) = diff(
            &json!({"x": 1}),
            &json!({"x": {"k": "canary", "v": 1}}),
            &json!({}),
            (&NULL, &json!({"x": {"k": true}})),
            &[],
        );
        assert_eq!(lines, [r#"x 1 {"k":"(sensitive)","v":1}"#]);
    }

    #[test]
    fn a_known_secret_that_the_engine_does_not_mark_is_hidden_too() {
        let (lines, _) = diff(
            &json!({}),
            &json!({"x": "user:hunter2"}),
            &json!({}),
            (&NULL, &NULL),
            &[],
        );
        assert_eq!(lines, [r#"x - "user:(sensitive)""#]);
    }

    #[test]
    fn a_long_value_is_cut() {
        let (lines, _) = diff(
            &json!({}),
            &json!({"x": "é".repeat(5_000)}),
            &json!({}),
            (&NULL, &NULL),
            &[],
        );
        assert_eq!(lines[0].chars().count(), "x - ".len() + 2_001);
    }
}
