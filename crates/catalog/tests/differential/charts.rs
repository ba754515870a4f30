//! A chart's form and Helm itself: the same verdict on the same values.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::{Map, Value, json};
use slipway_catalog::{Bundle, Template, decode, values};
use slipway_domain::form::from_given;

use crate::helm::{World, helm, same};

fn strings() -> Vec<Value> {
    let long = "x".repeat(300);
    let texts = [
        "",
        "a",
        "ab",
        "abc",
        "abcd",
        "ABC",
        "a b",
        " a",
        "a\n",
        "\n",
        "ä",
        "日本語",
        "e\u{301}",
        "😀",
        "😀😀😀",
        "0",
        "1.5",
        "true",
        "null",
        "~",
        "{}",
        "a@b.example",
        "2026-11-24",
        "2026-11-24T10:00:00Z",
        "10.0.0.1",
        "::1",
        "https://example.com/x",
        "sha256:aa",
        "-",
        "--",
        "a-b",
        "a_b",
        "\u{a0}",
        "\u{2028}",
        "٣",
        "K",
        "\\",
        "\"",
        long.as_str(),
    ];
    texts.iter().map(|text| json!(text)).collect()
}

fn numbers() -> Vec<Value> {
    [
        "0",
        "1",
        "-1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "9",
        "10",
        "10.5",
        "0.1",
        "0.3",
        "1e2",
        "100",
        "101",
        "65535",
        "65536",
        "9007199254740993",
        "-9007199254740993",
        "1.0",
        "0.30000000000000004",
        "1000000000000000000",
    ]
    .iter()
    .map(|text| serde_json::from_str(text).expect("a number"))
    .collect()
}

#[test]
fn helm_and_the_form_agree_about_texts_and_numbers() {
    let Some(helm) = helm() else { return };
    let rules_of_text = [
        r#"{"type": "string", "minLength": 2}"#,
        r#"{"type": "string", "maxLength": 3}"#,
        r#"{"type": "string", "pattern": "^[a-z]+$"}"#,
        r#"{"type": "string", "pattern": "\\d"}"#,
        r#"{"type": "string", "pattern": "^\\w*\\s?\\w*$"}"#,
        r#"{"type": "string", "pattern": "^$|^(a|b-?)+$"}"#,
        r#"{"type": "string", "pattern": "^.$"}"#,
        r#"{"type": "string", "enum": ["a", "ab", "", "0"]}"#,
        r#"{"type": "string", "const": "abc"}"#,
        r#"{"type": "string", "not": {"pattern": "a"}}"#,
        r#"{"type": "string", "format": "email"}"#,
        r#"{"type": "string", "format": "date-time"}"#,
        r#"{"type": "string", "format": "ipv4"}"#,
        r#"{"type": "string", "format": "uri"}"#,
        r#"{"type": "string", "anyOf": [{"maxLength": 1}, {"pattern": "^ab"}]}"#,
        r#"{"type": "string", "oneOf": [{"maxLength": 2}, {"pattern": "^a"}]}"#,
        r#"{"type": "string", "if": {"pattern": "^a"}, "then": {"maxLength": 2}, "else": {"minLength": 2}}"#,
        r##"{"$ref": "#/definitions/short"}"##,
        r##"{"$ref": "#/definitions/short", "minLength": 3}"##,
    ];
    let rules_of_number = [
        r#"{"type": "number", "minimum": 1, "maximum": 10}"#,
        r#"{"type": "integer"}"#,
        r#"{"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 10}"#,
        r#"{"type": "integer", "maximum": 9007199254740991, "multipleOf": 3}"#,
        r#"{"type": "number", "multipleOf": 0.1}"#,
        r#"{"type": "number", "enum": [1, 2, 10.5]}"#,
        r#"{"type": "integer", "maximum": 9007199254740992}"#,
        r#"{"type": ["integer", "null"], "minimum": 2}"#,
    ];
    for draft in [
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
        "",
    ] {
        // Every question is a value of its own, so that Helm answers all of them at once.
        let texts = rules_of_text.iter().map(|rule| (*rule, strings()));
        let numbers = rules_of_number.iter().map(|rule| (*rule, numbers()));
        let (mut properties, mut given) = (Vec::new(), Map::new());
        for (rule, asked) in texts.chain(numbers) {
            for value in asked {
                properties.push(format!("\"q{}\": {rule}", properties.len()));
                given.insert(format!("q{}", given.len()), value);
            }
        }
        let head = match draft {
            "" => String::new(),
            draft => format!("\"$schema\": \"{draft}\", "),
        };
        let schema = format!(
            r#"{{{head} "type": "object", "definitions": {{"short": {{"type": "string", "maxLength": 2}}}}, "properties": {{{}}}}}"#,
            properties.join(", ")
        );
        let world = World::new(&helm, &schema, "");
        let decoded = decode(
            &world.template.fields,
            &world.form(&Value::Object(given.clone())),
            &BTreeSet::new(),
        );
        // A number beyond what a form holds exactly is text there, and would be another question.
        let complaint = world
            .helm(&Value::Object(given.clone()))
            .expect_err("some are refused");
        let theirs: BTreeSet<String> = complaint
            .match_indices("at '/q")
            .map(|(at, _)| {
                complaint[at + 5..]
                    .split(['\'', '/'])
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        let ours: BTreeSet<String> = decoded
            .errors
            .keys()
            .map(|control| control.trim_start_matches("in.").to_owned())
            .collect();
        for (name, value) in &given {
            let n: usize = name[1..].parse().expect("a number");
            // A blank control is what is left out, and is then nobody's to refuse.
            let blank = value == "" && !ours.contains(name) && decoded.values.get(name).is_none();
            // What is left to Helm is said to be.
            let left = decoded.at_preview.contains(name) && !ours.contains(name);
            assert!(
                blank || left || ours.contains(name) == theirs.contains(name),
                "{draft} {}: {value}: we refuse: {}, Helm refuses: {}",
                properties[n],
                ours.contains(name),
                theirs.contains(name)
            );
        }
        assert!(
            ours.len() > 200 && given.len() - ours.len() > 200,
            "{} of {}",
            ours.len(),
            given.len()
        );
        let mut sure = decoded.values.clone();
        sure.retain(|name, _| !decoded.at_preview.contains(name));
        let handed = values(&world.template, &sure);
        let seen = world.helm(&handed).expect("Helm takes what we take");
        assert!(same(&seen, &handed), "the chart sees what was handed over");
    }
}

#[test]
fn helm_and_the_form_agree_about_groups_and_rows() {
    let Some(helm) = helm() else { return };
    let schema = r#"{
      "type": "object", "additionalProperties": false, "required": ["image"],
      "properties": {
        "image": { "type": "object", "additionalProperties": false, "required": ["repository", "digest"], "properties": {
          "repository": { "type": "string", "minLength": 3 }, "digest": { "type": "string", "pattern": "^sha256:" }, "pull": { "enum": ["Always", "Never"] } } },
        "zones": { "type": "array", "uniqueItems": true, "minItems": 1, "maxItems": 3, "items": { "type": "string", "enum": ["a", "b", "c"] } },
        "env": { "type": "object", "additionalProperties": false, "patternProperties": { "^[A-Z_]+$": { "type": ["string", "number"], "minLength": 1 } } },
        "labels": { "type": "object", "maxProperties": 2, "propertyNames": { "maxLength": 3 }, "additionalProperties": { "type": "string" } },
        "free": { "type": "object", "dependentRequired": { "p": ["q"] }, "additionalProperties": { "type": ["number", "object"] } },
        "dbs": { "type": "array", "items": { "type": "object", "required": ["name"], "additionalProperties": false, "properties": {
          "name": { "type": "string", "minLength": 1 }, "size": { "type": "integer", "minimum": 1 } } } },
        "maybe": { "type": ["string", "null"], "minLength": 2 },
        "unset": { "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "integer" } } },
        "key": { "type": "string", "writeOnly": true, "minLength": 4 }
      }
    }"#;
    let own = "image: {repository: '', pull: Always}\nzones: [a]\nenv: {LEVEL: info, PORT: '80'}\nlabels: {a: '1'}\nfree: {p: 1, q: {r: 1}}\ndbs: []\nmaybe:\nunset: {a: , b: 1}\nkey: abcd\n";
    let world = World::new(&helm, schema, own);
    let image = json!({ "repository": "abc", "digest": "sha256:x" });
    let cases = [
        json!({}),
        json!({ "repository": "ab" }),
        json!({ "zones": [] }),
        json!({ "zones": ["a", "b"] }),
        json!({ "zones": ["a", "a"] }),
        json!({ "zones": ["d"] }),
        json!({ "zones": ["c", "b", "a", "b"] }),
        json!({ "env": {} }),
        json!({ "env": { "LEVEL": "debug" } }),
        json!({ "env": { "lower": "x" } }),
        json!({ "env": { "LEVEL": "" } }),
        json!({ "labels": { "b": "2" } }),
        json!({ "labels": { "b": "2", "c": "3" } }),
        json!({ "labels": { "a": "2", "b": "2", "c": "3" } }),
        json!({ "labels": { "long": "2" } }),
        json!({ "labels": {} }),
        json!({ "free": {} }),
        json!({ "free": { "p": 1 } }),
        json!({ "free": { "q": { "s": 2 } } }),
        json!({ "free": { "q": { "s": null, "r": null } } }),
        json!({ "free": { "q": "x" } }),
        json!({ "free": { "p": null, "q": 2 } }),
        json!({ "dbs": [{ "name": "x", "size": 1 }, { "name": "y" }] }),
        json!({ "dbs": [{ "name": "x", "size": 0 }] }),
        json!({ "dbs": [{ "name": "" }] }),
        json!({ "unset": { "b": 2 } }),
        json!({ "maybe": "x" }),
        json!({ "maybe": "xy" }),
        json!({ "key": "abc" }),
        json!({ "key": "abcde" }),
    ];
    let mut taken = 0;
    for case in &cases {
        let mut case = case.as_object().cloned().expect("values");
        let image = match case.remove("repository") {
            Some(repository) => json!({ "repository": repository, "digest": "sha256:x" }),
            None => image.clone(),
        };
        case.insert("image".to_owned(), image);
        taken += usize::from(world.ask(&Value::Object(case)));
    }
    assert_eq!(taken, 15, "of {}", cases.len());
    for image in [
        json!({ "repository": "abc", "digest": "x" }),
        json!({ "repository": "abc", "digest": "sha256:x", "pull": "Sometimes" }),
        json!({ "digest": "sha256:x" }),
        json!({}),
    ] {
        assert!(!world.ask(&json!({ "image": image })));
    }
}

#[test]
fn helm_takes_what_the_forms_that_ship_give() {
    let Some(helm) = helm() else { return };
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
    let digest = format!("sha256:{}", "a".repeat(64));
    let memory = json!({ "cpu": "50m", "memory": "32Mi" });
    let service = json!({
        "image": { "repository": "registry.example/shop/cart", "digest": digest },
        "replicas": 3, "env": { "LOG_LEVEL": "debug" }, "ingress": { "host": "cart.example.com" },
        "resources": { "requests": memory, "limits": { "memory": "64Mi" } },
    });
    for (name, given, kinds) in [
        ("hello-release", json!({}), vec!["ConfigMap", "Deployment"]),
        (
            "hello-release",
            json!({ "greeting": "Hi: \"you\"\n- x", "password": "p: '\"{{ x }}", "crash": true, "replicas": 0 }),
            vec!["ConfigMap", "Secret", "Deployment"],
        ),
        (
            "service",
            service,
            vec![
                "Deployment",
                "Service",
                "ServiceAccount",
                "Ingress",
                "NetworkPolicy",
                "PodDisruptionBudget",
            ],
        ),
    ] {
        let bundle = Bundle::read_dir(&catalog.join(name)).expect("read");
        let template = Template::parse(&bundle).expect("parsed");
        let folder = tempfile::tempdir().expect("a folder");
        bundle.write_to(folder.path()).expect("written");
        let given = given.as_object().cloned().expect("values");
        let entered = from_given(&template.fields, given).expect("a form");
        let decoded = decode(&template.fields, &entered, &BTreeSet::new());
        assert!(decoded.errors.is_empty(), "{name}: {:?}", decoded.errors);
        let mut all = decoded.values;
        for (name, secret) in &decoded.secrets {
            all.insert(
                name.clone(),
                serde_json::from_str(secret.expose()).expect("JSON"),
            );
        }
        let file = folder.path().join("given.json");
        fs::write(&file, values(&template, &all).to_string()).expect("written");
        let output = Command::new(&helm)
            .args(["template", "it"])
            .arg(folder.path())
            .arg("-f")
            .arg(&file)
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .expect("helm runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {told}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        for kind in kinds {
            assert!(
                text.contains(&format!("\nkind: {kind}\n")),
                "{name} has no {kind}:\n{text}"
            );
        }
        if all.contains_key("password") {
            assert!(text.contains(r#"password: "p: '\"{{ x }}""#), "{text}");
        }
    }
}
