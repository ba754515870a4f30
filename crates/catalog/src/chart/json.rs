//! JSON that keeps what a schema's reader needs and a map forgets: the order of keys, and the line of each value.

use serde_json::{Map, Value};

use crate::broken::Broken;

/// A value with the line that it begins on; for a member, that of its key.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub line: u32,
    pub tree: Tree,
}

#[derive(Clone, Debug)]
pub(super) enum Tree {
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        let found = self.members().iter().find(|(name, _)| name == key);
        found.map(|(_, node)| node)
    }

    /// The members, in their order; none where it is no object.
    pub fn members(&self) -> &[(String, Node)] {
        match &self.tree {
            Tree::Object(members) => members,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.tree {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    pub fn is_object(&self) -> bool {
        matches!(self.tree, Tree::Object(_))
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.tree {
            Tree::Scalar(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// The texts of a list, or the one text that stands in its place.
    pub fn texts(&self) -> Vec<&str> {
        match &self.tree {
            Tree::List(items) => items.iter().filter_map(Node::as_str).collect(),
            _ => self.as_str().into_iter().collect(),
        }
    }

    pub fn value(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Tree::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, node)| (name.clone(), node.value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// What a JSON pointer points at.
    pub fn at(&self, pointer: &str) -> Option<&Node> {
        let Some(path) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then_some(self);
        };
        path.split('/').try_fold(self, |node, part| {
            let part = part.replace("~1", "/").replace("~0", "~");
            match &node.tree {
                Tree::List(items) => items.get(part.parse::<usize>().ok()?),
                _ => node.get(&part),
            }
        })
    }
}

/// Reads a file.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Node, Broken> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Broken::new(file, 1, "This is not UTF-8.", ""))?
        .trim_start_matches('\u{feff}');
    // Judged once by the library; what follows walks over text that is known to be whole.
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let line = u32::try_from(error.line()).unwrap_or(1).max(1);
        return Err(Broken::new(
            file,
            line,
            format!("This is not valid JSON: {}.", words(&error)),
            "Look for a comma too many, a missing quote, or a comment, which JSON has not.",
        ));
    }
    Walk {
        file,
        text,
        at: 0,
        line: 1,
        depth: 0,
    }
    .node()
}

/// The library's words, without the place, which is told otherwise.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

struct Walk<'t> {
    file: &'t str,
    text: &'t str,
    at: usize,
    line: u32,
    depth: usize,
}

impl Walk<'_> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                _ => return *byte,
            }
            self.at += 1;
        }
        0
    }

    fn broken<T>(&self, reason: impl Into<String>) -> Result<T, Broken> {
        Err(Broken::new(self.file, self.line, reason, ""))
    }

    fn node(&mut self) -> Result<Node, Broken> {
        let first = self.peek();
        let line = self.line;
        if self.depth > 100 {
            return self.broken("The values nest too deep.");
        }
        let tree = match first {
            b'{' => {
                self.at += 1;
                self.depth += 1;
                let mut members: Vec<(String, Node)> = Vec::new();
                let mut known = std::collections::BTreeSet::new();
                while self.peek() != b'}' {
                    let line = self.line;
                    let key = self.string()?;
                    if !known.insert(key.clone()) {
                        return self.broken(format!("The key “{key}” comes twice."));
                    }
                    let node = self.node()?;
                    members.push((key, Node { line, ..node }));
                }
                self.at += 1;
                self.depth -= 1;
                Tree::Object(members)
            }
            b'[' => {
                self.at += 1;
                self.depth += 1;
                let mut items = Vec::new();
                while self.peek() != b']' {
                    items.push(self.node()?);
                }
                self.at += 1;
                self.depth -= 1;
                Tree::List(items)
            }
            b'"' => Tree::Scalar(Value::String(self.string()?)),
            _ => {
                let rest = &self.text[self.at..];
                let end = rest
                    .find(|c: char| c.is_ascii_whitespace() || ",:]}".contains(c))
                    .unwrap_or(rest.len());
                self.at += end;
                match serde_json::from_str(&rest[..end]) {
                    Ok(value) => Tree::Scalar(value),
                    Err(_) => return self.broken("This value cannot be read."),
                }
            }
        };
        Ok(Node { line, tree })
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.peek();
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let end = end.map_or(rest.len(), |(at, _)| at + 1);
        self.at += end;
        match serde_json::from_str(&rest[..end]) {
            Ok(text) => Ok(text),
            Err(_) => self.broken("This text cannot be read."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_lines_are_kept_and_nothing_else_changes() {
        let text =
            "{\"z\": 1,\n \"a\\u0062\\\"\": [true, null, {\"q\": \"x:,{\\\\\"}],\n\n\"m\": -1.5e3}";
        let node = read("f", text.as_bytes()).expect("read");
        let keys: Vec<_> = node
            .members()
            .iter()
            .map(|(k, n)| (k.as_str(), n.line))
            .collect();
        assert_eq!(keys, [("z", 1), ("ab\"", 2), ("m", 4)]);
        assert_eq!(
            node.value(),
            serde_json::from_str::<Value>(text).expect("JSON")
        );
        assert_eq!(node.at("/ab\"/2/q").and_then(Node::as_str), Some("x:,{\\"));
        assert!(node.at("/nothing").is_none());
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        for (text, line, says) in [
            ("{\n\"a\": 1,\n}", 3, "not valid JSON"),
            ("", 1, "not valid JSON"),
            ("{\"a\": 1,\n \"a\": 2}", 2, "comes twice"),
            (&"[".repeat(500), 1, "not valid JSON"),
            (
                &format!("{}{}", "[".repeat(110), "]".repeat(110)),
                1,
                "too deep",
            ),
        ] {
            let broken = read("f", text.as_bytes()).expect_err(text);
            assert!(broken.reason.contains(says), "{text:?}: {broken}");
            assert_eq!(broken.line, line, "{text:?}: {broken}");
        }
    }
}
