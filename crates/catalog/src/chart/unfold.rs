//! A schema with its references followed, so that each part stands for itself and its size is known.
//!
//! Forbidden: leaving the file, following a circle, growing without end, and a pattern that our engine reads otherwise
//! than Helm's: that one is left out here, and left to Helm.

use serde_json::Value;

use super::json::{Node, Tree};
use crate::{
    broken::Broken,
    eval::{Pattern, pattern},
};

/// The file's name.
pub(super) const FILE: &str = "values.schema.json";

/// The most values in an unfolded schema.
const MAX_VALUES: usize = 20_000;

/// The deepest nesting of schemas, references included: a judge goes as deep as the schema, on a stack of 2 MiB.
const MAX_DEPTH: usize = 16;

/// What says something to people, and nothing to a judge.
const NOTES: [&str; 6] = [
    "title",
    "description",
    "writeOnly",
    "readOnly",
    "deprecated",
    "default",
];

/// What stands for "the rest is Helm's to judge" in an unfolded schema.
pub(super) const LEFT: &str = "x-left-to-helm";

/// The root, its references followed.
pub(super) fn unfold(root: &Node) -> Result<Node, Broken> {
    let draft = root
        .get("$schema")
        .and_then(Node::as_str)
        .unwrap_or_default();
    let mut unfolding = Unfolding {
        root,
        // Beside a reference, these drafts read nothing.
        alone: ["draft-04", "draft-06", "draft-07"]
            .iter()
            .any(|old| draft.contains(old)),
        within: Vec::new(),
        count: 0,
    };
    unfolding.schema(root, 0)
}

struct Unfolding<'r> {
    root: &'r Node,
    alone: bool,
    within: Vec<&'r str>,
    count: usize,
}

fn broken<T>(at: &Node, reason: impl Into<String>, hint: &str) -> Result<T, Broken> {
    Err(Broken::new(FILE, at.line, reason, hint))
}

impl<'r> Unfolding<'r> {
    fn schema(&mut self, node: &'r Node, depth: usize) -> Result<Node, Broken> {
        self.count += 1;
        if self.count > MAX_VALUES {
            let reason = format!(
                "With its references followed, the schema has more than {MAX_VALUES} parts."
            );
            return broken(
                node,
                reason,
                "Say less, or say it once: a reference counts as often as it is followed.",
            );
        }
        if depth > MAX_DEPTH {
            return broken(node, "The schema nests too deep.", "Keep values flat.");
        }
        let Tree::Object(members) = &node.tree else {
            return match node.as_bool() {
                Some(_) => Ok(node.clone()),
                None => broken(node, "A schema is an object, or true, or false.", ""),
            };
        };
        let mut out: Vec<(String, Node)> = Vec::new();
        let mut target = None;
        for (key, value) in members {
            match key.as_str() {
                "$ref" => target = Some(self.reference(value, depth)?),
                "$dynamicRef" | "$recursiveRef" | "$dynamicAnchor" | "$recursiveAnchor"
                | "$anchor" => {
                    return broken(
                        value,
                        format!("“{key}” is not followed here."),
                        "Refer by a place in this file, such as “#/$defs/port”.",
                    );
                }
                "$id" | "id" if depth > 0 && value.as_str().is_some() => {
                    return broken(
                        value,
                        "A schema inside of the schema has an address of its own.",
                        "Remove its “$id”.",
                    );
                }
                "$id" | "id" | "$comment" | "$defs" | "definitions" | "examples" | "default" => {}
                "additionalProperties"
                | "unevaluatedProperties"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains"
                | "propertyNames"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contentSchema" => {
                    out.push((key.clone(), self.schema(value, depth + 1)?));
                }
                "items" if !matches!(value.tree, Tree::List(_)) => {
                    out.push((key.clone(), self.schema(value, depth + 1)?));
                }
                "items" | "prefixItems" | "allOf" | "anyOf" | "oneOf" => {
                    let items = value
                        .items()
                        .iter()
                        .map(|item| self.schema(item, depth + 1));
                    let items = items.collect::<Result<Vec<_>, _>>()?;
                    out.push((
                        key.clone(),
                        Node {
                            line: value.line,
                            tree: Tree::List(items),
                        },
                    ));
                }
                "properties" | "dependentSchemas" | "dependencies" | "patternProperties" => {
                    let mut inner = Vec::new();
                    for (name, value) in value.members() {
                        let value = match value.tree {
                            Tree::List(_) => value.clone(),
                            _ => self.schema(value, depth + 1)?,
                        };
                        if key != "patternProperties" {
                            inner.push((name.clone(), value));
                            continue;
                        }
                        match pattern(name) {
                            Pattern::Ours(ours) => inner.push((ours, value)),
                            Pattern::Theirs => out.push(left(value.line)),
                            Pattern::Nobodys => return bad_pattern(&value),
                        }
                    }
                    out.push((
                        key.clone(),
                        Node {
                            line: value.line,
                            tree: Tree::Object(inner),
                        },
                    ));
                }
                // The judge divides as floats do, where 0.3 is no multiple of 0.1; Helm divides exactly.
                "multipleOf" if !matches!(&value.tree, Tree::Scalar(Value::Number(by)) if by.is_u64()) =>
                {
                    out.push(left(value.line));
                }
                "pattern" => match value.as_str().map(pattern) {
                    Some(Pattern::Ours(ours)) => {
                        let tree = Tree::Scalar(Value::String(ours));
                        out.push((
                            key.clone(),
                            Node {
                                line: value.line,
                                tree,
                            },
                        ));
                    }
                    Some(Pattern::Theirs) => out.push(left(value.line)),
                    Some(Pattern::Nobodys) | None => return bad_pattern(value),
                },
                _ => {
                    self.count += 1;
                    out.push((key.clone(), value.clone()));
                }
            }
        }
        let Some(target) = target else {
            return Ok(Node {
                line: node.line,
                tree: Tree::Object(out),
            });
        };
        let is_note = |key: &str| NOTES.contains(&key) || key == "$schema";
        if self.alone || out.iter().all(|(key, _)| is_note(key)) {
            // The reader of a form wants the nearest words.
            out.retain(|(key, _)| is_note(key));
            let more = target
                .members()
                .iter()
                .filter(|(key, _)| !out.iter().any(|(known, _)| known == key));
            let more: Vec<_> = more.cloned().collect();
            out.extend(more);
            if let Some(verdict) = target.as_bool() {
                return Ok(Node {
                    line: node.line,
                    tree: Tree::Scalar(Value::Bool(verdict)),
                });
            }
        } else {
            let all = out
                .iter()
                .position(|(key, _)| key == "allOf")
                .map(|at| out.remove(at).1);
            let mut items = all.map(|all| all.items().to_vec()).unwrap_or_default();
            items.push(target);
            out.push((
                "allOf".to_owned(),
                Node {
                    line: node.line,
                    tree: Tree::List(items),
                },
            ));
        }
        Ok(Node {
            line: node.line,
            tree: Tree::Object(out),
        })
    }

    fn reference(&mut self, value: &'r Node, depth: usize) -> Result<Node, Broken> {
        let Some(text) = value.as_str() else {
            return broken(value, "A reference is a text.", "");
        };
        let Some(pointer) = text
            .strip_prefix('#')
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        else {
            let reason = format!("The schema refers to “{text}”, which is not in this file.");
            return broken(
                value,
                reason,
                "Copy it into “$defs”: only what lies in the template is pinned by its version.",
            );
        };
        if self.within.contains(&pointer) {
            let reason = format!("The schema goes in a circle by “{text}”.");
            return broken(
                value,
                reason,
                "A form cannot be drawn of what has no end: say how deep it goes.",
            );
        }
        let Some(target) = self.root.at(pointer) else {
            return broken(
                value,
                format!("The schema refers to “{text}”, which does not exist."),
                "Correct it.",
            );
        };
        self.within.push(pointer);
        let target = self.schema(target, depth + 1)?;
        self.within.pop();
        Ok(target)
    }
}

fn left(line: u32) -> (String, Node) {
    let tree = Tree::Scalar(Value::Bool(true));
    (LEFT.to_owned(), Node { line, tree })
}

fn bad_pattern(at: &Node) -> Result<Node, Broken> {
    broken(
        at,
        "This pattern cannot be read, or is too large.",
        "Helm reads patterns as Go does: no look-ahead, no back-references.",
    )
}
