//! From what a form gave to the document that Helm is handed, and to what the chart then sees.
//!
//! Helm lays the document over the chart's own values: maps are united, a null deletes. So what was left out is not in
//! the document, and a key of a map that was taken away is in it as null: otherwise the chart's own would come back.

use serde_json::{Map, Value};
use slipway_domain::field::Kind;

use crate::template::Template;

/// The values document that is handed to Helm for these inputs. What was left out keeps the chart's default and is not
/// in it; nulls stand there only for keys of the chart's own that were taken away.
#[must_use]
pub fn values(template: &Template, inputs: &Map<String, Value>) -> Value {
    let given = template.fields.iter().filter_map(|field| {
        let value = inputs.get(&field.name).filter(|value| !value.is_null())?;
        let base = field
            .rules
            .as_ref()
            .map_or(&Value::Null, |rules| &rules.base);
        Some((field.name.clone(), handed(&field.kind, value, base)))
    });
    Value::Object(given.collect())
}

/// One value as it is handed over.
pub(super) fn handed(kind: &Kind, value: &Value, base: &Value) -> Value {
    match (kind, value) {
        (Kind::Object(members), Value::Object(items)) => {
            let given = members.iter().filter_map(|member| {
                let value = items.get(&member.name).filter(|value| !value.is_null())?;
                let base = base.get(&member.name).unwrap_or(&Value::Null);
                Some((member.name.clone(), handed(&member.kind, value, base)))
            });
            Value::Object(given.collect())
        }
        (Kind::List(inner), Value::Array(items)) => Value::Array(
            items
                .iter()
                .map(|item| handed(inner, item, &Value::Null))
                .collect(),
        ),
        (Kind::Map(inner), Value::Object(items)) => {
            let given = items.iter().map(|(key, item)| {
                let base = base.get(key).unwrap_or(&Value::Null);
                (key.clone(), handed(inner, item, base))
            });
            taken_away(given.collect(), base)
        }
        _ => instead(value, base),
    }
}

/// JSON that stands instead of the chart's own.
fn instead(value: &Value, base: &Value) -> Value {
    let Value::Object(items) = value else {
        return value.clone();
    };
    let given = items
        .iter()
        .filter(|(_, item)| !item.is_null())
        .map(|(key, item)| {
            let base = base.get(key).unwrap_or(&Value::Null);
            (key.clone(), instead(item, base))
        });
    taken_away(given.collect(), base)
}

fn taken_away(mut given: Map<String, Value>, base: &Value) -> Value {
    for (key, own) in base.as_object().into_iter().flatten() {
        if !own.is_null() && !given.contains_key(key) {
            given.insert(key.clone(), Value::Null);
        }
    }
    Value::Object(given)
}

/// Helm takes out of a chart's own maps what is null there.
pub(super) fn drop_nulls(value: &mut Value) {
    if let Value::Object(items) = value {
        items.retain(|_, item| !item.is_null());
        items.values_mut().for_each(drop_nulls);
    }
}

/// What the chart sees: the document laid over its own values.
pub(super) fn laid_over(base: &Value, handed: &Value) -> Value {
    let (Value::Object(own), Value::Object(given)) = (base, handed) else {
        return handed.clone();
    };
    let mut seen = own.clone();
    for (key, value) in given {
        if value.is_null() {
            seen.remove(key);
            continue;
        }
        let value = laid_over(own.get(key).unwrap_or(&Value::Null), value);
        seen.insert(key.clone(), value);
    }
    Value::Object(seen)
}
