//! Forms: what is shown, typed, posted and understood.

mod round_trips;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use slipway_catalog::{Decoded, decode};
use slipway_domain::{
    field::{Checked, Field, Kind, Member, Validation},
    form::{Edit, Entered, Limits, edit, from_values, parse_pairs},
};

fn field(name: &str, kind: Kind) -> Field {
    Field {
        name: name.to_owned(),
        kind,
        type_text: String::new(),
        description: None,
        default: None,
        sensitive: false,
        nullable: true,
        ephemeral: false,
        validations: Vec::new(),
        choices: None,
        file: "variables.tf".to_owned(),
        line: 1,
        rules: None,
    }
}

fn member(name: &str, kind: Kind, optional: bool, default: Option<Value>) -> Member {
    Member {
        name: name.to_owned(),
        kind,
        optional,
        default,
        description: None,
        choices: None,
        never_empty: false,
    }
}

fn list(kind: Kind) -> Kind {
    Kind::List(Box::new(kind))
}

fn entered(pairs: &[(&str, &str)]) -> Entered {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    parse_pairs(pairs, Limits::FORM).expect("within the limits")
}

fn understand(fields: &[Field], pairs: &[(&str, &str)]) -> Decoded {
    decode(fields, &entered(pairs), &BTreeSet::new())
}

fn posted_again(form: &Entered) -> Entered {
    let pairs = form
        .iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    parse_pairs(pairs, Limits::FORM).expect("within the limits")
}

#[test]
fn every_complaint_stands_at_its_control() {
    let db = Kind::Object(vec![
        member("name", Kind::String, false, None),
        member("size", Kind::Number, false, None),
        member("ports", list(Kind::Number), true, Some(json!([80]))),
    ]);
    let fields = [
        field("title", Kind::String),
        field("count_of", Kind::Number),
        field("on", Kind::Bool),
        field("tags", list(Kind::String)),
        field("labels", Kind::Map(Box::new(Kind::String))),
        field("db", db),
        field("raw", Kind::Any),
    ];
    let decoded = understand(
        &fields,
        &[
            ("in.title", ""),
            ("in.count_of", "1,5"),
            ("in.on", "maybe"),
            ("in.tags.0", "a"),
            ("in.tags.1", ""),
            ("in.labels.0.key", "a"),
            ("in.labels.0.value", "1"),
            ("in.labels.1.key", "a"),
            ("in.labels.1.value", "2"),
            ("in.labels.2.key", ""),
            ("in.labels.2.value", "3"),
            ("in.labels.3.key", ""),
            ("in.labels.3.value", ""),
            ("in.db.name", "x"),
            ("in.db.size", ""),
            ("in.db.ports.0", "80"),
            ("in.db.ports.7", "http"),
            ("in.raw", "{\"a\": 1,}"),
        ],
    );
    assert!(
        decoded.values.is_empty(),
        "a variable with a mistake somewhere inside is not handed on in part: {:?}",
        decoded.values
    );
    let at: Vec<&str> = decoded.errors.keys().map(String::as_str).collect();
    assert_eq!(
        at,
        [
            "in.count_of",
            "in.db.ports.7",
            "in.db.size",
            "in.labels.1.key",
            "in.labels.2.key",
            "in.on",
            "in.raw",
            "in.tags.1",
            "in.title",
        ]
    );
}

#[test]
fn blank_means_what_the_page_says() {
    let optional = |name: &str, kind: Kind, default: Value| Field {
        default: Some(default),
        ..field(name, kind)
    };
    let group = Kind::Object(vec![member("size", Kind::Number, true, Some(json!(3)))]);
    let fields = [
        optional("null_text", Kind::String, Value::Null),
        optional("text", Kind::String, json!("default")),
        optional("number", Kind::Number, json!(7)),
        optional("null_list", list(Kind::String), Value::Null),
        optional("list", list(Kind::String), json!(["x"])),
        optional("null_group", group.clone(), Value::Null),
        optional("group", group, json!({"size": 1})),
    ];
    let blank = understand(&fields, &[("in.text", "")]);
    assert!(blank.errors.is_empty(), "{:?}", blank.errors);
    assert_eq!(Value::from(blank.values), json!({"text": "", "list": []}));
    let empty = understand(
        &fields,
        &[
            ("empty.in.null_text", "1"),
            ("empty.in.null_list", "1"),
            ("empty.in.null_group", "1"),
            ("in.number", ""),
        ],
    );
    assert_eq!(
        Value::from(empty.values),
        json!({"null_text": "", "null_list": [], "null_group": {}, "text": "", "list": []})
    );
    // Text that was typed wins over a box that was left ticked.
    let typed = understand(
        &fields,
        &[
            ("empty.in.null_text", "1"),
            ("in.null_text", "x"),
            ("in.null_list.0", "y"),
        ],
    );
    assert_eq!(typed.values["null_text"], "x");
    assert_eq!(typed.values["null_list"], json!(["y"]));
}

#[test]
fn secrets_are_kept_replaced_or_asked_for_and_never_shown() {
    let secret = |name: &str, default: Option<Value>| Field {
        sensitive: true,
        default,
        ..field(name, Kind::String)
    };
    let fields = [
        secret("must", None),
        secret("may", Some(Value::Null)),
        field("plain", Kind::String),
    ];
    let stored = BTreeSet::from(["must".to_owned()]);
    let form = from_values(
        &fields,
        Some(&Map::from_iter([("must".to_owned(), json!("CANARY"))])),
        &stored,
    );
    assert!(form.iter().all(|(_, text)| text != "CANARY"));
    assert!(form.is_keep_ticked("must") && !form.is_keep_ticked("may"));

    let kept = decode(
        &fields,
        &entered(&[("keep.must", "1"), ("in.plain", "x")]),
        &stored,
    );
    assert!(kept.errors.is_empty() && kept.secrets.is_empty());
    assert_eq!(kept.kept, stored);

    let pairs = [
        ("keep.must", "1"),
        ("in.must", "CANARY"),
        ("in.may", ""),
        ("in.plain", "x"),
    ];
    let replaced = decode(&fields, &entered(&pairs), &stored);
    assert!(replaced.kept.is_empty());
    assert_eq!(replaced.secrets["must"].expose(), "\"CANARY\"");
    assert_eq!(Value::from(replaced.values.clone()), json!({"plain": "x"}));
    assert!(
        !format!("{replaced:?}{:?}", entered(&pairs)).contains("CANARY"),
        "nothing prints a secret"
    );
    let draft = entered(&pairs).for_draft(&fields);
    assert!(draft.values().all(|text| text != "CANARY") && draft["in.plain"] == "x");

    // A box that was forged keeps nothing that is not stored.
    let forged = decode(
        &fields,
        &entered(&[("keep.must", "1"), ("in.plain", "x")]),
        &BTreeSet::new(),
    );
    assert_eq!(forged.errors.keys().collect::<Vec<_>>(), ["in.must"]);
    let unticked = decode(&fields, &entered(&[("in.plain", "x")]), &stored);
    assert!(unticked.errors["in.must"].contains("keep"));
}

#[test]
fn rules_are_judged_and_what_cannot_be_is_said() {
    let rule = |condition: &str, message: &str, literal: bool, checked| Validation {
        condition: condition.to_owned(),
        message: message.to_owned(),
        message_literal: literal,
        checked,
        line: 2,
    };
    let mut a = field("a", Kind::Number);
    a.validations = vec![
        rule("var.a > 1", "Above one.", true, Checked::Here),
        rule("var.a < var.b", "\"Below ${var.b}.\"", false, Checked::Here),
        rule("sha1(var.a) == \"\"", "Never.", true, Checked::AtPreview),
    ];
    let b = field("b", Kind::Number);
    let mut password = Field {
        sensitive: true,
        ..field("password", Kind::String)
    };
    password.validations = vec![rule(
        "length(var.password) > 7",
        "\"Too short: ${var.password}\"",
        false,
        Checked::Here,
    )];
    let fields = [a, b, password];

    let wrong = understand(
        &fields,
        &[("in.a", "1"), ("in.b", "1"), ("in.password", "CANARY")],
    );
    assert_eq!(wrong.errors["in.a"], "Above one.\nBelow 1.");
    assert!(!wrong.errors["in.password"].contains("CANARY"));
    let right = understand(
        &fields,
        &[("in.a", "2"), ("in.b", "3"), ("in.password", "long enough")],
    );
    assert!(right.errors.is_empty(), "{:?}", right.errors);
    assert_eq!(right.at_preview.iter().collect::<Vec<_>>(), ["a"]);
    // What is violated is not handed on: the portal seals and keeps what is.
    assert!(wrong.secrets.is_empty() && !wrong.values.contains_key("a"));
    // A rule that looks at a field with a mistake is not judged.
    let half = understand(
        &fields,
        &[("in.a", "9"), ("in.b", "x"), ("in.password", "long enough")],
    );
    assert_eq!(half.errors.keys().collect::<Vec<_>>(), ["in.b"]);
}

#[test]
fn rows_work_without_a_script() {
    let service = Kind::Object(vec![
        member("name", Kind::String, false, None),
        member("ports", list(Kind::Number), true, Some(json!([80]))),
    ]);
    let fields = [
        field("services", list(service)),
        field("labels", Kind::Map(Box::new(list(Kind::String)))),
        field("x", Kind::String),
    ];
    let mut form = from_values(&fields, None, &BTreeSet::new());
    let press = |form: &mut Entered, button: &str| {
        let command = Edit::parse(button).expect(button);
        let focus = edit(form, &fields, &command);
        *form = posted_again(form);
        focus
    };
    assert_eq!(
        press(&mut form, "add:in.services").as_deref(),
        Ok("in.services.0")
    );
    assert_eq!(
        form.get("in.services.0.ports.0"),
        "80",
        "a new row shows its defaults"
    );
    form.set("in.services.0.name", "first");
    press(&mut form, "add:in.services").expect("added");
    form.set("in.services.1.name", "second");
    press(&mut form, "add:in.services.1.ports").expect("added");
    form.set("in.services.1.ports.1", "443");
    assert_eq!(
        press(&mut form, "up:in.services.1").as_deref(),
        Ok("in.services.0")
    );
    press(&mut form, "down:in.services.1").expect("the last row stays where it is");
    press(&mut form, "add:in.labels").expect("added");
    form.set("in.labels.0.key", "k");
    form.set("in.x", "kept");
    let decoded = decode(&fields, &form, &BTreeSet::new());
    assert!(decoded.errors.is_empty(), "{:?}", decoded.errors);
    assert_eq!(
        Value::from(decoded.values),
        json!({
            "services": [{"name": "second", "ports": [80, 443]}, {"name": "first", "ports": [80]}],
            "labels": {"k": []},
            "x": "kept",
        })
    );
    assert_eq!(
        press(&mut form, "remove:in.services.0").as_deref(),
        Ok("in.services.0")
    );
    assert_eq!(form.get("in.services.0.name"), "first");
    assert_eq!(
        press(&mut form, "remove:in.services.0").as_deref(),
        Ok("in.services")
    );
    assert!(form.rows("in.services").is_empty());
    let before = form.clone();
    for wrong in [
        "add:in.x",
        "add:in.nothing",
        "remove:in.services.0",
        "remove:in.services",
        "up:in.labels.01",
    ] {
        assert!(press(&mut form, wrong).is_err(), "{wrong}");
        assert_eq!(form, before, "{wrong} must change nothing");
    }
    for other in ["save", "add:", "add:services", "delete:in.x", "addin.x"] {
        assert_eq!(Edit::parse(other), None, "{other}");
    }
}

#[test]
fn too_much_is_refused_by_name_and_the_rest_is_kept() {
    let pair = |name: &str, text: String| (name.to_owned(), text);
    let huge = parse_pairs(
        vec![
            pair("in.a", "small".into()),
            pair("in.big", "x".repeat(10 << 20)),
            pair("in.z", "after".into()),
        ],
        Limits::FORM,
    )
    .expect_err("10 MiB");
    assert!(
        huge.message.contains("“big”") && huge.message.contains("64 KiB"),
        "{}",
        huge.message
    );
    let kept = huge.kept.expect("it was read");
    assert_eq!((kept.get("in.a"), kept.get("in.z")), ("small", "after"));
    assert_eq!(huge.refused.keys().collect::<Vec<_>>(), ["in.big"]);

    let many = (0..2_000)
        .map(|n| pair(&format!("in.x{n}"), String::new()))
        .collect();
    let many = parse_pairs(many, Limits::FORM).expect_err("2,000 fields");
    assert_eq!(many.kept.expect("it was read").iter().count(), 1_000);
    assert_eq!(
        many.refused.len(),
        20,
        "the list of complaints is bounded, too"
    );

    let unread = (0..=Limits::FORM.fields)
        .map(|n| pair(&format!("x{n}"), String::new()))
        .collect();
    let unread = parse_pairs(unread, Limits::FORM).expect_err("4,001 fields that are none of ours");
    assert!(unread.kept.is_none(), "what was kept before stays");

    let total = (0..20)
        .map(|n| pair(&format!("in.x{n}"), "x".repeat(60_000)))
        .collect();
    let total = parse_pairs(total, Limits::FORM).expect_err("1.2 MB");
    assert!(
        total
            .kept
            .expect("it was read")
            .iter()
            .map(|(_, text)| text.len())
            .sum::<usize>()
            <= 1 << 20
    );

    for name in [
        format!("in.a{}", ".x".repeat(20)),
        "in.a.1000".into(),
        format!("in.{}", "é".repeat(700)),
    ] {
        assert!(
            parse_pairs(vec![pair(&name, String::new())], Limits::FORM).is_err(),
            "{name}"
        );
    }
    assert!(parse_pairs(vec![pair("in.a", "a\0b".into())], Limits::FORM).is_err());
    let other = parse_pairs(
        vec![pair("csrf", "x".into()), pair("do", "y".into())],
        Limits::FORM,
    )
    .expect("ignored");
    assert_eq!(other.iter().count(), 0);
    let lines = parse_pairs(vec![pair("in.a", "1\r\n2\r3\n4".into())], Limits::FORM).expect("read");
    assert_eq!(lines.get("in.a"), "1\n2\n3\n4");
}

#[test]
fn json_that_nests_without_end_is_refused() {
    let fields = [field("x", Kind::Any)];
    let mut form = Entered::default();
    for deep in ["[", "{\"a\":"] {
        for close in ["", "]"] {
            form.set("in.x", deep.repeat(100_000) + &close.repeat(100_000));
            let decoded = decode(&fields, &form, &BTreeSet::new());
            assert_eq!(
                decoded.errors["in.x"], "This nests deeper than 128 levels.",
                "{deep}"
            );
        }
    }
    form.set("in.x", "[".repeat(100) + &"]".repeat(100));
    assert!(decode(&fields, &form, &BTreeSet::new()).errors.is_empty());
}
