//! Inputs that a program gives by name, as a filled form: the same controls, so that the same rules are judged over them.
//!
//! A form cannot hold a list where a text belongs; JSON can. What does not fit its field is refused here, and never
//! dropped.

use serde_json::{Map, Value};

use super::{Entered, Errors, show, show_null};
use crate::field::{Field, Kind, Place};

/// The form for `fields` as a program fills it: what it gives, else the defaults. Null is the same as not given.
///
/// # Errors
/// By control: names that no field has, and values of another sort than their field's. None repeats a value.
pub fn from_given(fields: &[Field], mut given: Map<String, Value>) -> Result<Entered, Errors> {
    let mut entered = Entered::default();
    let mut errors = Errors::new();
    for field in fields {
        let path = field.path();
        match given.remove(&field.name).filter(|value| !value.is_null()) {
            Some(mut value) => {
                fit(&field.kind, &mut value, &path, &mut errors);
                show(
                    &mut entered,
                    &path,
                    &field.kind,
                    Place::Field(field),
                    Some(&value),
                );
            }
            None if field.sensitive => show_null(&mut entered, &path, &field.kind),
            None => show(
                &mut entered,
                &path,
                &field.kind,
                Place::Field(field),
                field.default.as_ref(),
            ),
        }
    }
    for name in given.keys().take(20) {
        let name: String = name.chars().take(100).collect();
        errors.insert(
            format!("in.{name}"),
            "The template has no input of this name.".into(),
        );
    }
    if errors.is_empty() {
        Ok(entered)
    } else {
        Err(errors)
    }
}

/// Looks whether a value is of the kind's sort, and takes out members that are null: those are not given.
fn fit(kind: &Kind, value: &mut Value, path: &str, errors: &mut Errors) {
    let wanted = match (kind, &mut *value) {
        (Kind::Any | Kind::Other(_), _)
        | (Kind::String, Value::String(_) | Value::Number(_) | Value::Bool(_))
        | (Kind::Number, Value::Number(_) | Value::String(_))
        | (Kind::Bool, Value::Bool(_) | Value::String(_)) => return,
        (Kind::List(inner) | Kind::Set(inner), Value::Array(items)) => {
            for (n, item) in items.iter_mut().enumerate() {
                fit(inner, item, &format!("{path}.{n}"), errors);
            }
            return;
        }
        (Kind::Map(inner), Value::Object(items)) => {
            for (n, (_, item)) in items.iter_mut().enumerate() {
                fit(inner, item, &format!("{path}.{n}.value"), errors);
            }
            return;
        }
        (Kind::Tuple(kinds), Value::Array(items)) if items.len() == kinds.len() => {
            for (n, (kind, item)) in kinds.iter().zip(items).enumerate() {
                fit(kind, item, &format!("{path}.{n}"), errors);
            }
            return;
        }
        (Kind::Object(members), Value::Object(items)) => {
            items.retain(|_, item| !item.is_null());
            for (name, item) in items.iter_mut() {
                match members.iter().find(|member| member.name == *name) {
                    Some(member) => fit(&member.kind, item, &format!("{path}.{name}"), errors),
                    None => {
                        let name: String = name.chars().take(100).collect();
                        errors.insert(
                            format!("{path}.{name}"),
                            "The group has no member of this name.".into(),
                        );
                    }
                }
            }
            return;
        }
        (Kind::String, _) => "This takes text.".to_owned(),
        (Kind::Number, _) => "This takes a number.".to_owned(),
        (Kind::Bool, _) => "This takes true or false.".to_owned(),
        (Kind::List(_) | Kind::Set(_), _) => "This takes a list.".to_owned(),
        (Kind::Tuple(kinds), _) => format!("This takes a list of {} values.", kinds.len()),
        (Kind::Map(_) | Kind::Object(_), _) => "This takes an object.".to_owned(),
    };
    errors.insert(path.to_owned(), wanted);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::Member;

    fn field(name: &str, kind: Kind, default: Option<Value>, sensitive: bool) -> Field {
        Field {
            name: name.into(),
            kind,
            type_text: String::new(),
            description: None,
            default,
            sensitive,
            nullable: true,
            ephemeral: false,
            validations: vec![],
            choices: None,
            file: "main.tf".into(),
            line: 1,
            rules: None,
        }
    }

    fn fields() -> Vec<Field> {
        let member = |name: &str, optional| Member {
            name: name.into(),
            kind: Kind::Number,
            optional,
            default: None,
            description: None,
            choices: None,
            never_empty: false,
        };
        vec![
            field("size", Kind::Number, Some(json!(1)), false),
            field(
                "tags",
                Kind::List(Box::new(Kind::String)),
                Some(json!([])),
                false,
            ),
            field("on", Kind::Bool, None, false),
            field(
                "db",
                Kind::Object(vec![member("cpu", false), member("disk", true)]),
                Some(Value::Null),
                false,
            ),
            field("secret", Kind::String, Some(json!("unset")), true),
        ]
    }

    fn given(value: Value) -> Result<Entered, Errors> {
        let Value::Object(map) = value else { panic!() };
        from_given(&fields(), map)
    }

    #[test]
    fn what_is_given_stands_in_the_controls_and_the_rest_has_its_default() {
        let entered = given(json!({
            "tags": ["a", "b"], "on": true, "db": { "cpu": 2, "disk": null }, "secret": "s3cret",
        }))
        .unwrap();
        assert_eq!(entered.get("in.size"), "1");
        assert_eq!(
            (entered.get("in.tags.0"), entered.get("in.tags.1")),
            ("a", "b")
        );
        assert_eq!(entered.get("in.on"), "true");
        assert_eq!(
            (entered.get("in.db.cpu"), entered.get("in.db.disk")),
            ("2", "")
        );
        assert_eq!(entered.get("in.secret"), "s3cret");
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_dropped_nor_repeated() {
        let errors = given(json!({
            "size": [1], "tags": "a", "on": 1, "db": { "cpu": {}, "gpu": 1 }, "secret": ["hunter2"], "sise": 2,
        }))
        .unwrap_err();
        let names: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "in.db.cpu",
                "in.db.gpu",
                "in.on",
                "in.secret",
                "in.sise",
                "in.size",
                "in.tags"
            ]
        );
        assert!(!format!("{errors:?}").contains("hunter2"));
        let errors = given(json!({ "tags": ["a", null] })).unwrap_err();
        assert!(errors.contains_key("in.tags.1"));
    }
}
