//! What an expression is made of, before any value is known.

use std::collections::BTreeSet;

use hcl_edit::{
    expr::{Expression, ObjectKey, TraversalOperator},
    template::{Directive, Element, Strip},
};

use super::functions;
use crate::number::Number;

/// The variables that an expression names, and whether every part of it is on the allow-list. Whether it can then be
/// decided still depends on the values.
pub(crate) fn survey(expression: &Expression) -> (BTreeSet<String>, bool) {
    let mut survey = Survey {
        variables: BTreeSet::new(),
        known: true,
        locals: Vec::new(),
    };
    survey.look(expression);
    (survey.variables, survey.known)
}

struct Survey {
    variables: BTreeSet<String>,
    known: bool,
    locals: Vec<String>,
}

impl Survey {
    fn look(&mut self, expression: &Expression) {
        match expression {
            Expression::Null(_) | Expression::Bool(_) | Expression::String(_) => {}
            Expression::Number(number) => {
                let text = number
                    .as_repr()
                    .map(|repr| repr.to_string())
                    .unwrap_or_default();
                let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                self.known &= Number::parse(&text).is_some();
            }
            Expression::StringTemplate(template) => self.template(template.iter(), false),
            Expression::HeredocTemplate(heredoc) => self.template(heredoc.template.iter(), true),
            Expression::Array(items) => items.iter().for_each(|item| self.look(item)),
            Expression::Object(object) => {
                for (key, value) in object {
                    if let ObjectKey::Expression(key) = key {
                        self.look(key);
                    }
                    self.look(value.expr());
                }
            }
            Expression::Parenthesis(inner) => self.look(inner.inner()),
            Expression::Variable(name) => {
                self.known &= self
                    .locals
                    .iter()
                    .any(|local| local == name.value().as_str())
            }
            Expression::Conditional(conditional) => {
                self.look(&conditional.cond_expr);
                self.look(&conditional.true_expr);
                self.look(&conditional.false_expr);
            }
            Expression::FuncCall(call) => {
                let name = call.name.name.value().as_str();
                self.known &= !call.name.is_namespaced()
                    && (matches!(name, "can" | "try")
                        || functions::NAMES.binary_search(&name).is_ok());
                call.args.iter().for_each(|arg| self.look(arg));
            }
            Expression::Traversal(traversal) => {
                match (
                    &traversal.expr,
                    traversal.operators.first().map(|op| op.value()),
                ) {
                    (Expression::Variable(root), Some(TraversalOperator::GetAttr(name)))
                        if root.value().as_str() == "var" =>
                    {
                        self.variables.insert(name.value().to_string());
                    }
                    (root, _) => self.look(root),
                }
                for operator in &traversal.operators {
                    if let TraversalOperator::Index(key) = operator.value() {
                        self.look(key);
                    }
                }
            }
            Expression::UnaryOp(op) => self.look(&op.expr),
            Expression::BinaryOp(op) => {
                self.look(&op.lhs_expr);
                self.look(&op.rhs_expr);
            }
            Expression::ForExpr(each) => {
                self.look(&each.intro.collection_expr);
                self.known &= !each.grouping;
                let depth = self.locals.len();
                self.locals.extend(
                    each.intro
                        .key_var
                        .iter()
                        .map(|name| name.value().to_string()),
                );
                self.locals.push(each.intro.value_var.value().to_string());
                each.key_expr.iter().for_each(|key| self.look(key));
                self.look(&each.value_expr);
                each.cond
                    .iter()
                    .for_each(|condition| self.look(&condition.expr));
                self.locals.truncate(depth);
            }
        }
    }

    fn template<'e>(&mut self, elements: impl Iterator<Item = &'e Element>, literal_only: bool) {
        for element in elements {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(part) => {
                    self.known &= part.strip == Strip::None && !literal_only;
                    self.look(&part.expr);
                }
                Element::Directive(directive) => {
                    // Not evaluated here, but what it names counts.
                    self.known = false;
                    self.directive(directive);
                }
            }
        }
    }

    fn directive(&mut self, directive: &Directive) {
        match directive {
            Directive::If(choice) => {
                self.look(&choice.if_expr.cond_expr);
                self.template(choice.if_expr.template.iter(), false);
                choice
                    .else_expr
                    .iter()
                    .for_each(|other| self.template(other.template.iter(), false));
            }
            Directive::For(each) => {
                self.look(&each.for_expr.collection_expr);
                self.template(each.for_expr.template.iter(), false);
            }
        }
    }
}
