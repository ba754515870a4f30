//! The form that a schema draws: one field per top-level property, with the chart's own values as its defaults.
//!
//! Forbidden: guessing. What a schema says in a way that no control can show honestly is entered as JSON.

use std::collections::BTreeSet;

use serde_json::Value;
use slipway_domain::field::{Checked, Field, Kind, MAX_DEPTH, Member, Rules, Validation};

use super::{
    json::{Node, Tree},
    rules::{About, Step, judge},
    unfold::{FILE, LEFT},
    yaml::{Document, below},
};
use crate::broken::Broken;

/// The chart's own values.
pub(super) const VALUES: &str = "values.yaml";

/// What a root says about several values at once: only Helm judges that.
const TOGETHER: [&str; 13] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "minProperties",
    "propertyNames",
];

/// What Helm itself puts there, for sub-charts.
const GLOBAL: &str = "global";

/// Draws the form of an unfolded schema over the chart's own values.
pub(super) fn fields(schema: &Node, own: &Document) -> Result<Vec<Field>, Broken> {
    let Some(properties) = schema.get("properties").filter(|p| p.is_object()) else {
        return Err(Broken::new(
            FILE,
            schema.line,
            "The schema has no “properties”, so there is nothing to ask.",
            "List the chart's values, each with its type; an empty {} if there are none.",
        ));
    };
    let draft = schema.get("$schema").map(Node::value);
    let form = Form {
        lacking: lacking(schema, own)?,
    };
    let needed = schema.get("required").map(Node::texts).unwrap_or_default();
    let mut fields = Vec::new();
    for (name, node) in properties.members() {
        if name == GLOBAL {
            continue;
        }
        if name.is_empty()
            || name.len() > 100
            || name.contains('.')
            || name.chars().any(char::is_control)
        {
            let reason = format!("The value “{name}” has a name that a form cannot ask for.");
            return Err(Broken::new(
                FILE,
                node.line,
                reason,
                "Use a name without a dot.",
            ));
        }
        let pointer = below("", name);
        let base = own.value.get(name).cloned().unwrap_or_default();
        let kind = form.kind(node, &base, &pointer, 0);
        let default = if base.is_null() {
            (!needed.contains(&name.as_str())).then_some(Value::Null)
        } else {
            form.is_whole(&pointer).then(|| base.clone())
        };
        let mut rules = node.value();
        if let (Value::Object(rules), Some(draft)) = (&mut rules, &draft) {
            rules.insert("$schema".to_owned(), draft.clone());
        }
        let mut validations = Vec::new();
        if holds(node, &|node| node.get(LEFT).is_some()) {
            validations.push(left("It has a form that Helm alone judges."));
        }
        if TOGETHER
            .iter()
            .filter_map(|key| schema.get(key))
            .any(|rule| names(rule, name))
        {
            validations.push(left("The chart relates this to other values."));
        }
        fields.push(Field {
            name: name.clone(),
            choices: choices(node, &kind),
            kind,
            type_text: type_text(node),
            description: description(node),
            default,
            sensitive: holds(node, &|node| {
                node.get("writeOnly").and_then(Node::as_bool) == Some(true)
            }),
            nullable: false,
            ephemeral: false,
            validations,
            file: FILE.to_owned(),
            line: node.line,
            rules: Some(Rules {
                never_empty: never_empty(&rules),
                schema: rules,
                base,
            }),
        });
    }
    Ok(fields)
}

/// Whether a schema refuses an empty text.
fn never_empty(schema: &Value) -> bool {
    judge(schema, &Value::from("")).is_ok_and(|refusals| !refusals.is_empty())
}

fn left(message: &str) -> Validation {
    Validation {
        condition: String::new(),
        message: message.to_owned(),
        message_literal: true,
        checked: Checked::AtPreview,
        line: 1,
    }
}

/// Whether something holds of a schema or of one inside of it.
fn holds(node: &Node, what: &dyn Fn(&Node) -> bool) -> bool {
    what(node)
        || match &node.tree {
            Tree::Object(members) => members.iter().any(|(_, node)| holds(node, what)),
            Tree::List(items) => items.iter().any(|node| holds(node, what)),
            Tree::Scalar(_) => false,
        }
}

/// Whether a rule names a value, as a key or as a text.
fn names(rule: &Node, name: &str) -> bool {
    match &rule.tree {
        Tree::Object(members) => members
            .iter()
            .any(|(key, node)| key == name || names(node, name)),
        Tree::List(items) => items.iter().any(|node| names(node, name)),
        Tree::Scalar(_) => rule.as_str() == Some(name),
    }
}

/// Where the chart's own values leave a gap: what is needed and not there, and what is there as an empty placeholder
/// that the schema refuses (`repository: ""`). Those are asked without a default.
///
/// # Errors
/// When the chart's own values say something that its schema refuses.
fn lacking(schema: &Node, own: &Document) -> Result<BTreeSet<String>, Broken> {
    let value = match &own.value {
        Value::Null => Value::Object(serde_json::Map::new()),
        value => value.clone(),
    };
    let refusals = judge(&schema.value(), &value).map_err(|(at, why)| {
        let line = schema.at(&at).map_or(1, |node| node.line);
        Broken::new(FILE, line, format!("The schema is wrong: {why}."), "")
    })?;
    let mut lacking = BTreeSet::new();
    for refusal in refusals {
        let pointer = refusal.pointer();
        let found = value.pointer(&pointer);
        let empty = match found {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(items)) => items.is_empty(),
            Some(_) => false,
        };
        match &refusal.about {
            About::Missing(name) => {
                lacking.insert(below(&pointer, name));
            }
            // How values go together may well depend on what is asked.
            About::Together => {
                if !pointer.is_empty() {
                    lacking.insert(pointer);
                }
            }
            _ if empty => {
                lacking.insert(pointer);
            }
            about => {
                let mut at = pointer;
                if let About::Key(key) = about {
                    at = below(&at, key);
                }
                let place = match refusal.at.last() {
                    Some(Step::Key(_)) | None => at.trim_start_matches('/').replace('/', "."),
                    Some(Step::Item(_)) => at.trim_start_matches('/').to_owned(),
                };
                return Err(Broken::new(
                    VALUES,
                    own.line(&at),
                    format!(
                        "The chart's own schema refuses “{place}”: {}",
                        refusal.words
                    ),
                    "Correct the value or the schema. A value that must be given may stand empty.",
                ));
            }
        }
    }
    Ok(lacking)
}

struct Form {
    lacking: BTreeSet<String>,
}

impl Form {
    /// Whether the chart's own value at a place can stay as it is.
    fn is_whole(&self, pointer: &str) -> bool {
        let inside = format!("{pointer}/");
        !self
            .lacking
            .iter()
            .any(|gap| gap == pointer || gap.starts_with(&inside))
    }

    fn kind(&self, node: &Node, base: &Value, pointer: &str, depth: usize) -> Kind {
        let kind = self.shape(node, base, pointer, depth);
        if depth == 0 && kind.depth() > MAX_DEPTH {
            return Kind::Other("nested values".to_owned());
        }
        kind
    }

    fn shape(&self, node: &Node, base: &Value, pointer: &str, depth: usize) -> Kind {
        let other = |words: &str| Kind::Other(words.to_owned());
        if depth > MAX_DEPTH {
            return other("nested values");
        }
        if !node.is_object() {
            return other("any value");
        }
        let mut types = node.get("type").map(Node::texts).unwrap_or_default();
        types.retain(|word| *word != "null");
        match types[..] {
            ["string"] => Kind::String,
            ["number" | "integer"] | ["number", "integer"] | ["integer", "number"] => Kind::Number,
            ["boolean"] => Kind::Bool,
            ["array"] => self.list(node, depth),
            ["object"] => self.object(node, base, pointer, depth),
            [] if node.get("type").is_some() => other("null"),
            [] => self.untyped(node, base, pointer, depth),
            _ => {
                let words: Vec<_> = types.iter().map(|word| spoken(word)).collect();
                Kind::Other(words.join(" or "))
            }
        }
    }

    /// A schema that names no type.
    fn untyped(&self, node: &Node, base: &Value, pointer: &str, depth: usize) -> Kind {
        if ["anyOf", "oneOf"].iter().any(|key| node.get(key).is_some()) {
            return Kind::Other("one of several forms".to_owned());
        }
        if let Some(all) = node.get("allOf") {
            return match all.items() {
                [only] if node.get("properties").is_none() => {
                    self.shape(only, base, pointer, depth + 1)
                }
                _ => Kind::Other("several forms at once".to_owned()),
            };
        }
        if node.get("properties").is_some() {
            return self.object(node, base, pointer, depth);
        }
        let listed = node.get("enum").map(Node::items).unwrap_or_default();
        let all = |is: fn(&Value) -> bool| {
            !listed.is_empty() && listed.iter().all(|node| is(&node.value()))
        };
        if all(Value::is_string) {
            Kind::String
        } else if all(Value::is_number) {
            Kind::Number
        } else {
            Kind::Other("any value".to_owned())
        }
    }

    fn list(&self, node: &Node, depth: usize) -> Kind {
        match node.get("items") {
            Some(items)
                if node.get("prefixItems").is_none() && !matches!(items.tree, Tree::List(_)) =>
            {
                Kind::List(Box::new(self.shape(
                    items,
                    &Value::Null,
                    ELEMENT,
                    depth + 1,
                )))
            }
            None if node.get("prefixItems").is_none() => {
                Kind::Other("list of any values".to_owned())
            }
            _ => Kind::Other("list of unlike values".to_owned()),
        }
    }

    fn object(&self, node: &Node, base: &Value, pointer: &str, depth: usize) -> Kind {
        let properties = node
            .get("properties")
            .map(Node::members)
            .unwrap_or_default();
        let patterns = node
            .get("patternProperties")
            .map(Node::members)
            .unwrap_or_default();
        let more = node.get("additionalProperties");
        let free = more.filter(|more| more.as_bool().is_none());
        let closed = more.and_then(Node::as_bool) == Some(false);
        if properties.is_empty() {
            return match (patterns, free) {
                ([], Some(free)) => self.map(free, depth),
                ([(_, only)], None) if closed => self.map(only, depth),
                ([], None) => Kind::Other("values by any keys".to_owned()),
                _ => Kind::Other("values by keys of several forms".to_owned()),
            };
        }
        if !patterns.is_empty() || free.is_some() {
            return Kind::Other("a group with more keys of one's own".to_owned());
        }
        let needed = node.get("required").map(Node::texts).unwrap_or_default();
        let member = |(name, node): &(String, Node)| {
            let base = base.get(name).unwrap_or(&Value::Null);
            let pointer = match pointer {
                ELEMENT => ELEMENT.to_owned(),
                pointer => below(pointer, name),
            };
            let kind = self.shape(node, base, &pointer, depth + 1);
            let whole = pointer == ELEMENT || self.is_whole(&pointer);
            // A group is laid over the chart's own member by member: it has no default as a whole.
            let laid_over = matches!(kind, Kind::Object(_)) && base.is_object();
            let default = Some(base).filter(|base| !base.is_null() && whole && !laid_over);
            let default = default.cloned();
            let must = if laid_over {
                true
            } else if base.is_null() {
                needed.contains(&name.as_str())
            } else {
                !whole
            };
            Member {
                name: name.clone(),
                choices: choices(node, &kind),
                kind,
                optional: !must,
                default,
                description: description(node),
                never_empty: never_empty(&node.value()),
            }
        };
        // A dot would read as a step in a control's name.
        if properties
            .iter()
            .any(|(name, _)| name.contains('.') || name.is_empty())
        {
            return Kind::Other("a group whose keys hold dots".to_owned());
        }
        Kind::Object(properties.iter().map(member).collect())
    }

    fn map(&self, node: &Node, depth: usize) -> Kind {
        let types = node.get("type").map(Node::texts).unwrap_or_default();
        let scalars = types
            .iter()
            .all(|word| matches!(*word, "string" | "number" | "integer" | "boolean"));
        // Text that may as well be a number or a truth, such as the environment of a program: text says all of them.
        let inner = if types.len() > 1 && scalars && types.contains(&"string") {
            Kind::String
        } else {
            self.shape(node, &Value::Null, ELEMENT, depth + 1)
        };
        Kind::Map(Box::new(inner))
    }
}

/// The place of what stands in rows: the chart's own values say nothing about it.
const ELEMENT: &str = "*";

fn spoken(word: &str) -> &str {
    match word {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "true or false",
        "array" => "list",
        "object" => "group",
        word => word,
    }
}

fn type_text(node: &Node) -> String {
    node.get("type")
        .map(Node::texts)
        .unwrap_or_default()
        .join(" or ")
}

/// The listed values, where one select can show them all.
fn choices(node: &Node, kind: &Kind) -> Option<Vec<String>> {
    let listed = node.get("enum")?.items();
    let text = |node: &Node| match (kind, node.value()) {
        (_, Value::Null) => Some(String::new()),
        (Kind::String, Value::String(text)) => Some(text),
        (Kind::Number, Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let mut choices = listed.iter().map(text).collect::<Option<Vec<_>>>()?;
    // A blank select says these.
    choices.retain(|choice| !choice.is_empty());
    (!choices.is_empty()).then_some(choices)
}

/// The author's words, and the limits that a person wants to know before.
fn description(node: &Node) -> Option<String> {
    let words = ["description", "title"]
        .iter()
        .find_map(|key| node.get(key)?.as_str())
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let limits = limits(node);
    match (words, limits) {
        (None, limits) => limits,
        (Some(words), None) => Some(words.to_owned()),
        (Some(words), Some(limits)) => {
            let stop = if words.ends_with(['.', '?', '!', ':', '…']) {
                ""
            } else {
                "."
            };
            Some(format!("{words}{stop} {limits}"))
        }
    }
}

fn limits(node: &Node) -> Option<String> {
    let number = |key: &str| match node.get(key)?.value() {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let whole = node
        .get("type")
        .map(Node::texts)
        .unwrap_or_default()
        .contains(&"integer");
    let range = match (number("minimum"), number("maximum")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("at least {low}")),
        (None, Some(high)) => Some(format!("at most {high}")),
        (None, None) => None,
    };
    let length = match (
        number("minLength").filter(|n| n != "0" && n != "1"),
        number("maxLength"),
    ) {
        (Some(low), Some(high)) => Some(format!("{low} to {high} characters")),
        (Some(low), None) => Some(format!("at least {low} characters")),
        (None, Some(high)) => Some(format!("at most {high} characters")),
        (None, None) => None,
    };
    let rows = match (number("minItems").filter(|n| n != "0"), number("maxItems")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high} rows")),
        (Some(low), None) => Some(format!("at least {low} rows")),
        (None, Some(high)) => Some(format!("at most {high} rows")),
        (None, None) => None,
    };
    let text = range.or(length).or(rows).map(|text| {
        if whole {
            format!("a whole number, {text}")
        } else {
            text
        }
    });
    let text = text.or_else(|| whole.then(|| "a whole number".to_owned()))?;
    let mut chars = text.chars();
    let first = chars.next()?.to_uppercase();
    Some(format!("{}{}.", first, chars.as_str()))
}
