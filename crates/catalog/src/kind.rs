//! Type constraints: `list(object({ size = optional(number, 1) }))` and the like.

use std::{collections::BTreeMap, ops::Range};

use hcl_edit::{
    Span,
    expr::{Array, Expression, FuncCall, Object, ObjectKey},
};
use slipway_domain::field::{Kind, MAX_DEPTH, Member};

use crate::{
    eval::{Scope, Stop},
    value::Val,
};

/// A constraint that Terraform would refuse: where in the source, and why.
#[derive(Debug)]
pub(crate) struct BadType {
    pub span: Option<Range<usize>>,
    pub reason: String,
}

fn bad<T>(at: &impl Span, reason: impl Into<String>) -> Result<T, BadType> {
    Err(BadType {
        span: at.span(),
        reason: reason.into(),
    })
}

/// The kind of a constraint, whose source text is `text`. What no control can show becomes `Kind::Other(text)`.
///
/// # Errors
/// When the constraint is not valid.
pub(crate) fn kind(expression: &Expression, text: &str) -> Result<Kind, BadType> {
    // Terraform's old shorthand.
    if let Expression::Variable(name) = expression
        && matches!(name.value().as_str(), "list" | "map")
    {
        return Ok(Kind::Other(text.to_owned()));
    }
    if matches!(expression, Expression::String(_)) {
        return bad(expression, "The type stands in quotes.");
    }
    let kind = inner(expression)?;
    let shown = kind.depth() <= MAX_DEPTH && !has_any_inside(&kind, false);
    Ok(if shown {
        kind
    } else {
        Kind::Other(text.to_owned())
    })
}

fn inner(expression: &Expression) -> Result<Kind, BadType> {
    match expression {
        Expression::Variable(name) => match name.value().as_str() {
            "string" => Ok(Kind::String),
            "number" => Ok(Kind::Number),
            "bool" => Ok(Kind::Bool),
            "any" => Ok(Kind::Any),
            word @ ("list" | "set" | "map" | "tuple" | "object") => bad(
                expression,
                format!("The type “{word}” needs an argument in parentheses."),
            ),
            word => bad(expression, format!("“{word}” is no type.")),
        },
        Expression::FuncCall(call) => constructor(expression, call),
        _ => bad(expression, "This is no type."),
    }
}

fn constructor(expression: &Expression, call: &FuncCall) -> Result<Kind, BadType> {
    let name = call.name.name.value().as_str();
    let only = || match call.args.iter().collect::<Vec<_>>()[..] {
        [only] if !call.args.expand_final() && !call.name.is_namespaced() => Ok(only),
        _ => bad(expression, format!("The type “{name}” takes one argument.")),
    };
    match name {
        "list" => Ok(Kind::List(Box::new(inner(only()?)?))),
        "set" => Ok(Kind::Set(Box::new(inner(only()?)?))),
        "map" => Ok(Kind::Map(Box::new(inner(only()?)?))),
        "tuple" => match only()? {
            Expression::Array(kinds) => tuple(kinds),
            other => bad(other, "The type “tuple” takes a list of types."),
        },
        "object" => match only()? {
            Expression::Object(members) => object(members),
            other => bad(
                other,
                "The type “object” takes attribute names with their types.",
            ),
        },
        "optional" => bad(
            expression,
            "“optional” is allowed only for an attribute of an object.",
        ),
        "string" | "number" | "bool" | "any" => {
            bad(expression, format!("The type “{name}” takes no argument."))
        }
        word => bad(expression, format!("“{word}” is no type.")),
    }
}

fn tuple(kinds: &Array) -> Result<Kind, BadType> {
    Ok(Kind::Tuple(
        kinds.iter().map(inner).collect::<Result<_, _>>()?,
    ))
}

fn object(object: &Object) -> Result<Kind, BadType> {
    let mut members: Vec<Member> = Vec::new();
    for (key, value) in object {
        let ObjectKey::Ident(name) = key else {
            return bad(
                value.expr(),
                "An attribute's name must stand without quotes.",
            );
        };
        let name = name.value().to_string();
        if members.iter().any(|member| member.name == name) {
            return bad(value.expr(), format!("The attribute “{name}” comes twice."));
        }
        members.push(member(name, value.expr())?);
    }
    Ok(Kind::Object(members))
}

fn member(name: String, expression: &Expression) -> Result<Member, BadType> {
    let call = match expression {
        Expression::FuncCall(call) if call.name.name.value().as_str() == "optional" => call,
        _ => {
            return Ok(Member {
                name,
                kind: inner(expression)?,
                optional: false,
                default: None,
                description: None,
                choices: None,
                never_empty: false,
            });
        }
    };
    let args: Vec<&Expression> = call.args.iter().collect();
    let (kind, default) = match args[..] {
        [kind] => (inner(kind)?, None),
        [kind, default] => {
            let kind = inner(kind)?;
            let value = constant(default)?;
            let value = value.convert(&kind).map_err(|misfit| BadType {
                span: default.span(),
                reason: format!(
                    "The default of the attribute “{name}” does not fit its type: {}.",
                    misfit.wanted
                ),
            })?;
            (kind, Some(value.to_json()))
        }
        _ => return bad(expression, "“optional” takes a type and perhaps a default."),
    };
    // A null default is no default.
    let default = default.filter(|value| !value.is_null());
    Ok(Member {
        name,
        kind,
        optional: true,
        default,
        description: None,
        choices: None,
        never_empty: false,
    })
}

/// The value of an expression that must be constant.
///
/// # Errors
/// When it names a variable or calls a function, which Terraform refuses, or cannot be worked out here.
pub(crate) fn constant(expression: &Expression) -> Result<Val, BadType> {
    let none = BTreeMap::new();
    Scope::constants(&none)
        .eval(expression)
        .map_err(|stop| BadType {
            span: expression.span(),
            reason: match stop {
                Stop::Failed => "This value cannot be worked out.".to_owned(),
                Stop::Undecided => {
                    "This must be a constant: no variable, function or directive.".to_owned()
                }
            },
        })
}

/// Whether the elements of a collection have no declared type: they must then agree with each other, which rows of
/// free JSON cannot promise.
fn has_any_inside(kind: &Kind, collection: bool) -> bool {
    match kind {
        Kind::Any => collection,
        Kind::List(inner) | Kind::Set(inner) | Kind::Map(inner) => has_any_inside(inner, true),
        Kind::Tuple(kinds) => kinds.iter().any(|kind| has_any_inside(kind, collection)),
        Kind::Object(members) => members
            .iter()
            .any(|member| has_any_inside(&member.kind, collection)),
        _ => false,
    }
}
