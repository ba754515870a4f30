//! One `variable` block becomes one field.

use hcl_edit::{
    Span,
    expr::{BinaryOperator, Expression, FuncCall, TraversalOperator},
    structure::{Attribute, Block, Structure},
};
use slipway_domain::field::{Checked, Field, Kind, Validation};

use crate::{
    broken::Broken,
    eval,
    kind::{BadType, constant, kind},
    module::Source,
    value::Val,
};

/// Names that Terraform keeps for itself, because modules take variables as arguments.
const RESERVED: [&str; 8] = [
    "source",
    "version",
    "providers",
    "count",
    "for_each",
    "lifecycle",
    "depends_on",
    "locals",
];

/// Reads a block.
///
/// # Errors
/// When Terraform would refuse it, or it says something that this portal does not know.
pub(crate) fn read(source: &Source<'_>, block: &Block) -> Result<Field, Broken> {
    let name = match &block.labels[..] {
        [label] => label.as_str().to_owned(),
        _ => return Err(source.broken(block, "A variable has exactly one name.", "")),
    };
    if !is_identifier(&name) {
        return Err(source.broken(
            block,
            format!("“{name}” is no name for a variable."),
            "Use letters, digits and _.",
        ));
    }
    if RESERVED.contains(&name.as_str()) {
        return Err(source.broken(
            block,
            format!("Terraform keeps the name “{name}” for itself."),
            "Rename it.",
        ));
    }
    let mut field = Field {
        name,
        kind: Kind::Any,
        type_text: String::new(),
        description: None,
        default: None,
        sensitive: false,
        nullable: true,
        ephemeral: false,
        validations: Vec::new(),
        choices: None,
        file: source.path.to_owned(),
        line: source.line(block),
        rules: None,
    };
    let mut default = None;
    for structure in &block.body {
        match structure {
            Structure::Attribute(attribute) => match attribute.key.value().as_str() {
                "type" => {
                    field.type_text = one_line(source.text(&attribute.value));
                    field.kind = kind(&attribute.value, &field.type_text).map_err(|bad| {
                        located(source, attribute, bad, "See Terraform's type constraints.")
                    })?;
                }
                "default" => default = Some(attribute),
                "description" => field.description = text(source, attribute)?,
                "sensitive" => field.sensitive = flag(source, attribute)?,
                "nullable" => field.nullable = flag(source, attribute)?,
                "ephemeral" => field.ephemeral = flag(source, attribute)?,
                "deprecated" => {
                    text(source, attribute)?;
                }
                other => {
                    let reason = format!("A variable has no argument “{other}”.");
                    return Err(source.broken(
                        attribute,
                        reason,
                        "Remove it, or correct its spelling.",
                    ));
                }
            },
            Structure::Block(inner) if inner.ident.value().as_str() == "validation" => {
                let validation = validation(source, &field.name, inner)?;
                field.validations.push(validation);
            }
            Structure::Block(inner) => {
                let reason = format!("A variable has no block “{}”.", inner.ident.value());
                return Err(source.broken(inner, reason, "Remove it."));
            }
        }
    }
    if let Some(attribute) = default {
        field.default = Some(default_value(source, &field, attribute)?);
    }
    field.choices = block
        .body
        .blocks()
        .find_map(|inner| choices(&field, inner.body.get_attribute("condition")?));
    Ok(field)
}

fn default_value(
    source: &Source<'_>,
    field: &Field,
    attribute: &Attribute,
) -> Result<serde_json::Value, Broken> {
    let value = constant(&attribute.value)
        .map_err(|bad| located(source, attribute, bad, "Write the value itself."))?;
    if matches!(value, Val::Null) && !field.nullable {
        return Err(source.broken(
            attribute,
            "The default is null, but the variable is not nullable.",
            "Give another default, or none.",
        ));
    }
    let value = value.convert(&field.kind).map_err(|misfit| {
        let place = if misfit.at.is_empty() {
            String::new()
        } else {
            format!(" at {}", misfit.at)
        };
        let reason = format!(
            "The default does not fit the type{place}: {}.",
            misfit.wanted
        );
        source.broken(attribute, reason, "Change the default or the type.")
    })?;
    Ok(value.to_json())
}

fn validation(source: &Source<'_>, name: &str, block: &Block) -> Result<Validation, Broken> {
    for structure in &block.body {
        let word = match structure {
            Structure::Attribute(attribute) => attribute.key.value().as_str(),
            Structure::Block(inner) => inner.ident.value().as_str(),
        };
        if !matches!(word, "condition" | "error_message") {
            return Err(source.broken(
                structure,
                format!("A validation has no argument “{word}”."),
                "Remove it.",
            ));
        }
    }
    let get = |key: &str| {
        let missing = || source.broken(block, format!("The validation has no “{key}”."), "Add it.");
        block.body.get_attribute(key).ok_or_else(missing)
    };
    let (condition, message) = (get("condition")?, get("error_message")?);
    let (variables, known) = eval::survey(&condition.value);
    if !variables.contains(name) {
        return Err(source.broken(
            condition,
            format!("The condition does not look at var.{name}."),
            "Terraform refuses such a rule.",
        ));
    }
    let literal = constant(&message.value)
        .ok()
        .and_then(|value| value.as_text());
    Ok(Validation {
        condition: source.text(&condition.value).trim().to_owned(),
        message_literal: literal.is_some(),
        message: literal.unwrap_or_else(|| source.text(&message.value).trim().to_owned()),
        checked: if known {
            Checked::Here
        } else {
            Checked::AtPreview
        },
        line: source.line(block),
    })
}

fn located(source: &Source<'_>, attribute: &Attribute, bad: BadType, hint: &str) -> Broken {
    let line = bad
        .span
        .map_or_else(|| source.line(attribute), |span| source.line_of(span.start));
    Broken::new(source.path, line, bad.reason, hint)
}

/// A constant text; null is none.
pub(crate) fn text(source: &Source<'_>, attribute: &Attribute) -> Result<Option<String>, Broken> {
    let wrong = |reason| source.broken(attribute, reason, "Write the text itself.");
    match constant(&attribute.value) {
        Ok(Val::Null) => Ok(None),
        Ok(value) => match value.as_text() {
            Some(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            None => Err(wrong(format!("“{}” must be text.", attribute.key.value()))),
        },
        Err(bad) => Err(wrong(bad.reason)),
    }
}

/// A constant bool.
pub(crate) fn flag(source: &Source<'_>, attribute: &Attribute) -> Result<bool, Broken> {
    constant(&attribute.value)
        .ok()
        .and_then(|value| value.as_bool())
        .ok_or_else(|| {
            let reason = format!("“{}” must be true or false.", attribute.key.value());
            source.broken(attribute, reason, "Write true or false.")
        })
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() <= 100
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The accepted texts, when the condition is `contains(["a", "b"], var.x)`, alone or as `var.x == null || contains(…)`.
fn choices(field: &Field, condition: &Attribute) -> Option<Vec<String>> {
    if !matches!(field.kind, Kind::String | Kind::Number) {
        return None;
    }
    match &condition.value {
        Expression::FuncCall(call) => listed(field, call),
        Expression::BinaryOp(op) if *op.operator.value() == BinaryOperator::Or => {
            let (null, list) = match (&op.lhs_expr, &op.rhs_expr) {
                (Expression::BinaryOp(null), Expression::FuncCall(list)) => (null, list),
                (Expression::FuncCall(list), Expression::BinaryOp(null)) => (null, list),
                _ => return None,
            };
            let of_null = *null.operator.value() == BinaryOperator::Eq
                && is_variable(&null.lhs_expr, &field.name)
                && null.rhs_expr.is_null();
            of_null.then(|| listed(field, list)).flatten()
        }
        _ => None,
    }
}

fn listed(field: &Field, call: &FuncCall) -> Option<Vec<String>> {
    let args: Vec<&Expression> = call.args.iter().collect();
    let [Expression::Array(items), value] = args[..] else {
        return None;
    };
    if call.name.name.value().as_str() != "contains"
        || !is_variable(value, &field.name)
        || items.is_empty()
    {
        return None;
    }
    let item = |item: &Expression| match (constant(item).ok()?, &field.kind) {
        (Val::Text(text), Kind::String) if !text.is_empty() => Some(text),
        (Val::Number(number), Kind::Number) => Some(number.to_text()),
        _ => None,
    };
    items.iter().map(item).collect()
}

/// Whether the expression is exactly `var.<name>`.
fn is_variable(expression: &Expression, name: &str) -> bool {
    let Expression::Traversal(traversal) = expression else {
        return false;
    };
    let root =
        matches!(&traversal.expr, Expression::Variable(root) if root.value().as_str() == "var");
    let [operator] = &traversal.operators[..] else {
        return false;
    };
    root && matches!(operator.value(), TraversalOperator::GetAttr(found) if found.value().as_str() == name)
}

impl Source<'_> {
    /// The line of a node.
    pub fn line(&self, node: &impl Span) -> u32 {
        self.line_of(node.span().map_or(0, |span| span.start))
    }
}
