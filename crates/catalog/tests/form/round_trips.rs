//! A form gives back what it shows, whatever it is; and nothing that is posted breaks the reader.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};
use slipway_catalog::{Number, decode};
use slipway_domain::{
    field::{Field, Kind},
    form::{Edit, Entered, Limits, edit, from_values, parse_pairs},
};

use crate::{field, list, member, posted_again};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,5}",
        "[ \n\"'<>&=.%🦀é-]{1,6}",
        Just("true".to_owned()),
        Just("5".to_owned())
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(|n| Number::parse(&n.to_string()).expect("a number").to_json()),
        "[1-9][0-9]{20,40}(\\.[0-9]{0,20}[1-9])?"
            .prop_map(|n| Number::parse(&n).expect("a number").to_json()),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::String),
        Just(Kind::Number),
        Just(Kind::Bool),
        Just(Kind::Any)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let plain = inner
            .clone()
            .prop_filter("no free JSON in collections", |kind| *kind != Kind::Any);
        prop_oneof![
            plain.clone().prop_map(list),
            plain.clone().prop_map(|kind| Kind::Set(Box::new(kind))),
            plain.prop_map(|kind| Kind::Map(Box::new(kind))),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Kind::Tuple),
            proptest::collection::vec((inner, 0_u8..3), 0..4)
                .prop_flat_map(|members| {
                    let members = members.into_iter().enumerate().map(|(n, (kind, how))| {
                        let name = format!("m{n}");
                        match how {
                            0 => Just(member(&name, kind, false, None)).boxed(),
                            1 => Just(member(&name, kind, true, None)).boxed(),
                            _ => value(&kind)
                                .prop_map(move |default| {
                                    member(&name, kind.clone(), true, Some(default))
                                })
                                .boxed(),
                        }
                    });
                    members.collect::<Vec<_>>()
                })
                .prop_map(Kind::Object),
        ]
    })
}

fn value(kind: &Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::String => text().prop_map(Value::from).boxed(),
        Kind::Number => number().boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Any | Kind::Other(_) => prop_oneof![
            text().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            proptest::collection::vec(text(), 0..3).prop_map(Value::from),
        ]
        .boxed(),
        Kind::List(inner) => proptest::collection::vec(value(inner), 0..4)
            .prop_map(Value::Array)
            .boxed(),
        Kind::Set(inner) => proptest::collection::vec(value(inner), 0..4)
            .prop_map(|items| {
                let mut unique: Vec<Value> = Vec::new();
                for item in items {
                    if !unique.contains(&item) {
                        unique.push(item);
                    }
                }
                Value::Array(unique)
            })
            .boxed(),
        Kind::Map(inner) => proptest::collection::btree_map(text(), value(inner), 0..4)
            .prop_map(|items| Value::Object(items.into_iter().collect()))
            .boxed(),
        Kind::Tuple(kinds) => kinds
            .iter()
            .map(value)
            .collect::<Vec<_>>()
            .prop_map(Value::Array)
            .boxed(),
        Kind::Object(members) => members
            .iter()
            .map(|member| {
                let name = member.name.clone();
                let given = if member.optional && member.default.is_none() {
                    proptest::option::of(value(&member.kind)).boxed()
                } else {
                    value(&member.kind).prop_map(Some).boxed()
                };
                given.prop_map(move |value| value.map(|value| (name.clone(), value)))
            })
            .collect::<Vec<_>>()
            .prop_map(|items| Value::Object(items.into_iter().flatten().collect()))
            .boxed(),
    }
}

fn field_and_value() -> impl Strategy<Value = (Field, Value)> {
    (kind(), 0_u8..3).prop_flat_map(|(kind, how)| {
        let default = match how {
            0 => Just(None).boxed(),
            1 => Just(Some(Value::Null)).boxed(),
            _ => value(&kind).prop_map(Some).boxed(),
        };
        let given = if how == 1 {
            prop_oneof![Just(Value::Null), value(&kind)].boxed()
        } else {
            value(&kind)
        };
        (default, given).prop_map(move |(default, given)| {
            (
                Field {
                    default,
                    ..field("f", kind.clone())
                },
                given,
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_form_gives_back_what_it_shows((field, given) in field_and_value()) {
        let fields = [field];
        let current = Map::from_iter([("f".to_owned(), given.clone())]);
        let form = posted_again(&from_values(&fields, Some(&current), &BTreeSet::new()));
        let decoded = decode(&fields, &form, &BTreeSet::new());
        prop_assert!(decoded.errors.is_empty(), "{:?}\n{:?}", decoded.errors, form.iter().collect::<Vec<_>>());
        let got = decoded.values.get("f").cloned().unwrap_or(Value::Null);
        prop_assert_eq!(got, given, "{:?}", form.iter().collect::<Vec<_>>());
        // A draft is the same form again.
        let draft = Entered::from_draft(form.for_draft(&fields));
        prop_assert_eq!(draft, form);
    }

    #[test]
    fn no_form_breaks_the_reader((field, _) in field_and_value(), pairs in proptest::collection::vec(("(in\\.f|empty\\.in\\.f|keep\\.f)(\\.([0-9]{1,4}|key|value|m[0-3]|x)){0,5}", text()), 0..12), button in "(add|remove|up|down):in\\.f(\\.([0-9]{1,3}|value|m[0-3])){0,4}") {
        let fields = [field];
        let mut form = match parse_pairs(pairs, Limits::FORM) {
            Ok(form) => form,
            Err(too_much) => too_much.kept.unwrap_or_default(),
        };
        let _ = decode(&fields, &form, &BTreeSet::from(["f".to_owned()]));
        let before = form.clone();
        if let Some(command) = Edit::parse(&button)
            && edit(&mut form, &fields, &command).is_err()
        {
            prop_assert_eq!(&form, &before);
        }
        let _ = decode(&fields, &form, &BTreeSet::new());
    }
}
