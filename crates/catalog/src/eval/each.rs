//! What goes over collections: splats and `for`.

use hcl_edit::expr::{ForExpr, TraversalOperator};

use super::*;

impl Scope<'_> {
    pub(super) fn splat(
        &mut self,
        value: Val,
        each: &[&TraversalOperator],
        after: &[&TraversalOperator],
    ) -> Outcome {
        let listed = matches!(value, Val::List(_) | Val::Set(_));
        let (items, ordered) = match &value {
            // Nothing or an error, depending on the type that it is null of.
            Val::Null => return UNDECIDED,
            _ => match value.elements() {
                Some((items, ordered)) => (items.to_vec(), ordered),
                None => (vec![value], true),
            },
        };
        let items = items
            .into_iter()
            .map(|item| self.walk(item, each))
            .collect::<Result<Vec<_>, _>>()?;
        let all = match (ordered, listed) {
            (false, _) => Val::Bag(items),
            (true, true) => Val::List(items),
            (true, false) => Val::Tuple(items),
        };
        self.walk(all, after)
    }

    pub(super) fn for_each(&mut self, expression: &ForExpr) -> Outcome {
        if expression.grouping {
            return UNDECIDED;
        }
        let collection = self.eval(&expression.intro.collection_expr)?;
        let mut ordered = true;
        let pairs: Vec<(Val, Val)> = match &collection {
            Val::Map(items) | Val::Object(items) => items
                .iter()
                .map(|(key, item)| (Val::Text(key.clone()), item.clone()))
                .collect(),
            Val::Set(items) => {
                ordered = collection.elements().is_some_and(|(_, ordered)| ordered);
                items
                    .iter()
                    .map(|item| (item.clone(), item.clone()))
                    .collect()
            }
            Val::List(items) | Val::Tuple(items) => {
                let key = |n| Val::Number(Number::from_count(n));
                items
                    .iter()
                    .enumerate()
                    .map(|(n, item)| (key(n), item.clone()))
                    .collect()
            }
            Val::Bag(_) => return UNDECIDED,
            _ => return FAILED,
        };
        let depth = self.locals.len();
        let result = self.for_pairs(expression, pairs, ordered);
        self.locals.truncate(depth);
        result
    }

    fn for_pairs(
        &mut self,
        expression: &ForExpr,
        pairs: Vec<(Val, Val)>,
        ordered: bool,
    ) -> Outcome {
        // The engine looks at the condition once before any element.
        if let (true, Some(condition)) = (pairs.is_empty(), &expression.cond) {
            match self.eval(&condition.expr) {
                Ok(value) if value.as_bool().is_none() => return FAILED,
                Err(Stop::Failed) => return UNDECIDED,
                Ok(_) | Err(Stop::Undecided) => {}
            }
        }
        let depth = self.locals.len();
        let mut list = Vec::new();
        let mut object = BTreeMap::new();
        for (key, value) in pairs {
            self.step()?;
            self.locals.truncate(depth);
            if let Some(name) = &expression.intro.key_var {
                self.locals.push((name.value().to_string(), key));
            }
            self.locals
                .push((expression.intro.value_var.value().to_string(), value));
            if let Some(condition) = &expression.cond
                && !self.eval(&condition.expr)?.as_bool().ok_or(Stop::Failed)?
            {
                continue;
            }
            let value = self.eval(&expression.value_expr)?;
            match &expression.key_expr {
                None => list.push(value),
                Some(key) => {
                    let key = self.eval(key)?.as_text().ok_or(Stop::Failed)?;
                    if object.insert(key, value).is_some() {
                        return FAILED;
                    }
                }
            }
        }
        Ok(match (&expression.key_expr, ordered) {
            (Some(_), _) => Val::Object(object),
            (None, true) => Val::Tuple(list),
            (None, false) => Val::Bag(list),
        })
    }
}
