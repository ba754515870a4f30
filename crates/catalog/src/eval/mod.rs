//! Judges a validation's condition as Terraform would, or says that it cannot.
//!
//! An allow-list, never a guess: what is not listed stops with `Stop::Undecided` and is checked by the engine while it
//! plans. The same happens where versions of Terraform differ (does `&&` look at its right side?), where Unicode tables
//! could, or where 512-bit floats would round. `tests/differential.rs` compares verdicts with the real engine.

mod cidr;
mod each;
mod equal;
mod functions;
mod pattern;
mod survey;
mod text;

use std::collections::BTreeMap;

use hcl_edit::{
    expr::{
        BinaryOp, BinaryOperator, Conditional, Expression, FuncCall, ObjectKey, Traversal,
        TraversalOperator, UnaryOperator,
    },
    template::{Element, Strip, Template},
};

pub(crate) use pattern::{Pattern, pattern};
pub(crate) use survey::survey;

use equal::{equal, is_plain, shape};

use crate::{number::Number, value::Val};

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Terraform would report an error here: a `can(…)` around it is false.
    Failed,
    /// Not ours to decide.
    Undecided,
}

pub(crate) type Outcome = Result<Val, Stop>;

const FAILED: Outcome = Err(Stop::Failed);
const UNDECIDED: Outcome = Err(Stop::Undecided);

/// Elements looked at in one condition; more is left to the engine.
const MAX_STEPS: usize = 200_000;

/// What a condition may see.
pub(crate) struct Scope<'v> {
    /// Variables by name; `None` for one whose value is not known here.
    variables: &'v BTreeMap<String, Option<Val>>,
    locals: Vec<(String, Val)>,
    functions: bool,
    steps: usize,
}

impl<'v> Scope<'v> {
    /// Variables by name; a variable that is missing or `None` is not known, and nothing is decided that needs it.
    pub fn new(variables: &'v BTreeMap<String, Option<Val>>) -> Self {
        Self {
            variables,
            locals: Vec::new(),
            functions: true,
            steps: 0,
        }
    }

    /// For defaults and descriptions: constants only.
    pub fn constants(variables: &'v BTreeMap<String, Option<Val>>) -> Self {
        Self {
            functions: false,
            ..Self::new(variables)
        }
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            Err(Stop::Undecided)
        } else {
            Ok(())
        }
    }

    /// The value of an expression.
    pub fn eval(&mut self, expression: &Expression) -> Outcome {
        self.step()?;
        match expression {
            Expression::Null(_) => Ok(Val::Null),
            Expression::Bool(value) => Ok(Val::Bool(*value.value())),
            Expression::Number(number) => {
                let text = number
                    .as_repr()
                    .map(|repr| repr.to_string())
                    .ok_or(Stop::Undecided)?;
                let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                Number::parse(&text).map(Val::Number).ok_or(Stop::Undecided)
            }
            Expression::String(text) => Ok(Val::Text(text.value().clone())),
            Expression::StringTemplate(template) => {
                let elements: Vec<&Element> = template.iter().collect();
                self.template(&elements)
            }
            Expression::HeredocTemplate(heredoc) => {
                let mut heredoc = heredoc.clone();
                heredoc.dedent();
                self.heredoc(&heredoc.template)
            }
            Expression::Array(items) => Ok(Val::Tuple(
                items
                    .iter()
                    .map(|item| self.eval(item))
                    .collect::<Result<_, _>>()?,
            )),
            Expression::Object(object) => {
                let mut items = BTreeMap::new();
                for (key, value) in object {
                    let key = match key {
                        ObjectKey::Ident(name) => name.value().to_string(),
                        ObjectKey::Expression(key) => {
                            self.eval(key)?.as_text().ok_or(Stop::Failed)?
                        }
                    };
                    let value = self.eval(value.expr())?;
                    items.insert(key, value);
                }
                Ok(Val::Object(items))
            }
            Expression::Parenthesis(inner) => self.eval(inner.inner()),
            Expression::Variable(name) => {
                let name = name.value().as_str();
                let found = self.locals.iter().rev().find(|(local, _)| local == name);
                found.map(|(_, value)| value.clone()).ok_or(Stop::Undecided)
            }
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::UnaryOp(op) => {
                let value = self.eval(&op.expr)?;
                match op.operator.value() {
                    UnaryOperator::Not => {
                        value.as_bool().map(|b| Val::Bool(!b)).ok_or(Stop::Failed)
                    }
                    UnaryOperator::Neg => as_number(&value).map(|n| Val::Number(n.negated())),
                }
            }
            Expression::BinaryOp(op) => self.binary(op),
            Expression::ForExpr(expression) => self.for_each(expression),
        }
    }

    fn template(&mut self, elements: &[&Element]) -> Outcome {
        // `"${x}"` alone is x itself, of whatever type.
        if let [Element::Interpolation(only)] = elements {
            return self.eval(&only.expr);
        }
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(part) if part.strip == Strip::None => {
                    text.push_str(&self.eval(&part.expr)?.as_text().ok_or(Stop::Failed)?);
                }
                Element::Interpolation(_) | Element::Directive(_) => return UNDECIDED,
            }
        }
        Ok(Val::Text(text))
    }

    fn heredoc(&mut self, template: &Template) -> Outcome {
        if template
            .iter()
            .any(|element| !matches!(element, Element::Literal(_)))
        {
            return UNDECIDED;
        }
        let elements: Vec<&Element> = template.iter().collect();
        self.template(&elements)
    }

    fn conditional(&mut self, conditional: &Conditional) -> Outcome {
        let condition = self
            .eval(&conditional.cond_expr)?
            .as_bool()
            .ok_or(Stop::Failed)?;
        let (taken, other) = if condition {
            (&conditional.true_expr, &conditional.false_expr)
        } else {
            (&conditional.false_expr, &conditional.true_expr)
        };
        let taken = self.eval(taken)?;
        // Both arms get one type; an arm that fails is not looked at when it is not taken.
        match self.eval(other) {
            Ok(other) => one_type(taken, &other),
            Err(Stop::Failed) => Ok(taken),
            Err(Stop::Undecided) => UNDECIDED,
        }
    }

    fn binary(&mut self, op: &BinaryOp) -> Outcome {
        let operator = *op.operator.value();
        if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
            return self.logical(operator == BinaryOperator::And, &op.lhs_expr, &op.rhs_expr);
        }
        let (left, right) = (self.eval(&op.lhs_expr)?, self.eval(&op.rhs_expr)?);
        match operator {
            BinaryOperator::Eq => Ok(Val::Bool(equal(&left, &right)?)),
            BinaryOperator::NotEq => Ok(Val::Bool(!equal(&left, &right)?)),
            BinaryOperator::LessEq
            | BinaryOperator::GreaterEq
            | BinaryOperator::Less
            | BinaryOperator::Greater => {
                let order = as_number(&left)?.cmp(&as_number(&right)?);
                Ok(Val::Bool(match operator {
                    BinaryOperator::LessEq => order.is_le(),
                    BinaryOperator::GreaterEq => order.is_ge(),
                    BinaryOperator::Less => order.is_lt(),
                    _ => order.is_gt(),
                }))
            }
            _ => {
                let sign = match operator {
                    BinaryOperator::Plus => '+',
                    BinaryOperator::Minus => '-',
                    BinaryOperator::Mul => '*',
                    BinaryOperator::Div => '/',
                    _ => '%',
                };
                match as_number(&left)?.arithmetic(sign, &as_number(&right)?) {
                    Some(number) => Ok(Val::Number(number)),
                    None => UNDECIDED,
                }
            }
        }
    }

    /// One side may decide alone, and before Terraform 1.12 it did not: then an error on the other side was an error of
    /// the whole. Where that matters, nothing is decided.
    fn logical(&mut self, and: bool, left: &Expression, right: &Expression) -> Outcome {
        let mut side = |expression| match self.eval(expression)? {
            // An error once, and something else since, depending on the other side.
            Val::Null => Err(Stop::Undecided),
            value => value.as_bool().ok_or(Stop::Failed),
        };
        match (side(left), side(right)) {
            (Ok(left), Ok(right)) => Ok(Val::Bool(if and { left && right } else { left || right })),
            (Err(Stop::Failed), Err(Stop::Failed)) => FAILED,
            (Ok(one), Err(Stop::Failed)) | (Err(Stop::Failed), Ok(one)) if one == and => FAILED,
            _ => UNDECIDED,
        }
    }

    fn traversal(&mut self, traversal: &Traversal) -> Outcome {
        let mut operators: Vec<&TraversalOperator> =
            traversal.operators.iter().map(|op| op.value()).collect();
        let root = match &traversal.expr {
            Expression::Variable(name)
                if name.value().as_str() == "var" && !self.has_local("var") =>
            {
                let Some(TraversalOperator::GetAttr(name)) = operators.first() else {
                    return UNDECIDED;
                };
                let name = name.value().as_str();
                operators.remove(0);
                self.variables
                    .get(name)
                    .and_then(Clone::clone)
                    .ok_or(Stop::Undecided)?
            }
            root => self.eval(root)?,
        };
        self.walk(root, &operators)
    }

    fn has_local(&self, name: &str) -> bool {
        self.locals.iter().any(|(local, _)| local == name)
    }

    fn walk(&mut self, value: Val, operators: &[&TraversalOperator]) -> Outcome {
        let Some((first, rest)) = operators.split_first() else {
            return Ok(value);
        };
        self.step()?;
        let next = match first {
            TraversalOperator::GetAttr(name) => attribute(value, name.value().as_str())?,
            TraversalOperator::LegacyIndex(n) => index(
                value,
                &Val::Number(Number::from_i128(i128::from(*n.value()))),
            )?,
            TraversalOperator::Index(key) => {
                let key = self.eval(key)?;
                index(value, &key)?
            }
            TraversalOperator::FullSplat(_) => return self.splat(value, rest, &[]),
            TraversalOperator::AttrSplat(_) => {
                // `.*` takes the attributes that follow; an index after them applies to the result.
                let end = rest
                    .iter()
                    .position(|op| !matches!(op, TraversalOperator::GetAttr(_)))
                    .unwrap_or(rest.len());
                return self.splat(value, &rest[..end], &rest[end..]);
            }
        };
        self.walk(next, rest)
    }

    fn call(&mut self, call: &FuncCall) -> Outcome {
        if !self.functions || call.name.is_namespaced() {
            return UNDECIDED;
        }
        let name = call.name.name.value().as_str();
        match name {
            "can" => {
                let [only] = call.args.iter().collect::<Vec<_>>()[..] else {
                    return FAILED;
                };
                return match self.eval(only) {
                    Ok(_) => Ok(Val::Bool(true)),
                    Err(Stop::Failed) => Ok(Val::Bool(false)),
                    Err(Stop::Undecided) => UNDECIDED,
                };
            }
            "try" => {
                for arg in call.args.iter() {
                    match self.eval(arg) {
                        Err(Stop::Failed) => {}
                        decided => return decided,
                    }
                }
                return FAILED;
            }
            _ => {}
        }
        let mut args = call
            .args
            .iter()
            .map(|arg| self.eval(arg))
            .collect::<Result<Vec<_>, _>>()?;
        if call.args.expand_final() {
            let last = args.pop().ok_or(Stop::Failed)?;
            let (items, ordered) = last.elements().ok_or(Stop::Failed)?;
            if !ordered && !matches!(name, "max" | "min") {
                return UNDECIDED;
            }
            args.extend(items.to_vec());
        }
        self.step()?;
        functions::call(name, &args)
    }
}

fn as_number(value: &Val) -> Result<Number, Stop> {
    match value {
        // A number that Terraform would take and we do not keep exactly is not ours to decide.
        Val::Text(text)
            if Number::parse(text).is_none() && !text.is_empty() && looks_numeric(text) =>
        {
            Err(Stop::Undecided)
        }
        value => value.as_number().ok_or(Stop::Failed),
    }
}

fn looks_numeric(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let rest = text.trim_start_matches(['+', '-']);
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') || rest.starts_with("inf")
}

/// The arm of a conditional that was taken, in the type that both arms share.
fn one_type(taken: Val, other: &Val) -> Outcome {
    match (&taken, other) {
        (_, Val::Null) | (Val::Null, _) => Ok(taken),
        (Val::Text(_), Val::Text(_))
        | (Val::Number(_), Val::Number(_))
        | (Val::Bool(_), Val::Bool(_)) => Ok(taken),
        (Val::Text(_), other) if other.is_scalar() => Ok(taken),
        (value, Val::Text(_)) if value.is_scalar() => {
            Ok(Val::Text(value.as_text().ok_or(Stop::Failed)?))
        }
        (a, b) => match (shape(a), shape(b)) {
            (Some(a), Some(b)) if a == b => Ok(taken),
            _ => UNDECIDED,
        },
    }
}

fn attribute(value: Val, name: &str) -> Outcome {
    match value {
        Val::Object(mut items) | Val::Map(mut items) => items.remove(name).ok_or(Stop::Failed),
        _ => FAILED,
    }
}

fn index(value: Val, key: &Val) -> Outcome {
    match value {
        Val::List(mut items) | Val::Tuple(mut items) => {
            let n = as_number(key)?
                .to_i64()
                .and_then(|n| usize::try_from(n).ok())
                .ok_or(Stop::Failed)?;
            if n < items.len() {
                Ok(items.swap_remove(n))
            } else {
                FAILED
            }
        }
        Val::Map(mut items) | Val::Object(mut items) => {
            let key = key.as_text().ok_or(Stop::Failed)?;
            match items.remove(&key) {
                Some(item) => Ok(item),
                None if is_plain(&key) && items.keys().all(|key| is_plain(key)) => FAILED,
                None => UNDECIDED,
            }
        }
        Val::Bag(_) => UNDECIDED,
        _ => FAILED,
    }
}
