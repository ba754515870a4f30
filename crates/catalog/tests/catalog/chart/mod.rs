//! Templates that are charts: the form that a schema draws, what Helm is handed, and the mistakes that people make.

mod broken;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use slipway_catalog::{Bundle, Decoded, Template, decode, values};
use slipway_domain::{
    field::{Blank, Field, Kind},
    form::{Limits, from_values, parse_pairs},
};

use crate::catalog;

const TEMPLATE: &str = r#"title = "A title"
summary = "A summary."
owner = "platform"
class = "preview"
needs = ["kubernetes"]

[engine]
name = "helm"
version = ">= 4.1"

[release]
cluster = "lab"
namespace = "{team}-{environment}"

[request]
who = "member"
"#;

const CHART: &str = "apiVersion: v2\nname: it\nversion: 1.2.3\nappVersion: \"4\"\n";

fn bundle(schema: &str, own: &str) -> Bundle {
    crate::bundle(&[
        ("template.toml", TEMPLATE),
        ("Chart.yaml", CHART),
        ("values.schema.json", schema),
        ("values.yaml", own),
    ])
}

fn template(properties: Value, own: &str) -> Template {
    let schema =
        json!({ "type": "object", "additionalProperties": false, "properties": properties });
    Template::parse(&bundle(&schema.to_string(), own)).expect("a good chart")
}

fn shipped(name: &str) -> Template {
    let bundle = Bundle::read_dir(&catalog().join(name)).expect("read");
    Template::parse(&bundle).expect("parsed")
}

fn field<'t>(template: &'t Template, name: &str) -> &'t Field {
    let found = template.fields.iter().find(|field| field.name == name);
    found.unwrap_or_else(|| panic!("no field {name}"))
}

/// The form as it is first shown, with these controls filled in.
fn fill(template: &Template, typed: &[(&str, &str)]) -> Decoded {
    let mut entered = from_values(&template.fields, None, &BTreeSet::new());
    for (name, text) in typed {
        entered.set(*name, *text);
    }
    let pairs = entered
        .iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let entered = parse_pairs(pairs, Limits::FORM).expect("within the limits");
    decode(&template.fields, &entered, &BTreeSet::new())
}

fn errors(decoded: &Decoded) -> Vec<(&str, &str)> {
    let errors = decoded.errors.iter();
    errors
        .map(|(at, why)| (at.as_str(), why.as_str()))
        .collect()
}

#[test]
fn a_schema_draws_a_form_in_its_own_order() {
    let template = template(json!({}), "");
    assert!(template.fields.is_empty());
    let schema = r##"{
      "$schema": "http://json-schema.org/draft-07/schema#",
      "type": "object",
      "required": ["zone", "db"],
      "$defs": {},
      "definitions": { "port": { "type": "integer", "minimum": 1, "maximum": 65535, "description": "A port" } },
      "properties": {
        "zone": { "type": "string", "enum": ["a", "b"], "title": "Where" },
        "size": { "type": "integer", "description": "How many", "minimum": 1 },
        "ratio": { "type": ["number", "null"] },
        "on": { "type": "boolean" },
        "names": { "type": "array", "items": { "type": "string" }, "maxItems": 3 },
        "labels": { "type": "object", "additionalProperties": { "type": "string" } },
        "env": { "type": "object", "additionalProperties": false, "patternProperties": { "^[A-Z_]+$": { "type": ["string", "number"] } } },
        "db": { "type": "object", "required": ["host"], "properties": {
          "host": { "type": "string" }, "port": { "$ref": "#/definitions/port" }, "class": { "enum": ["s", "m"] }, "note": { "type": "string" } } },
        "tuple": { "type": "array", "items": [{ "type": "string" }, { "type": "number" }] },
        "either": { "oneOf": [{ "type": "string" }, { "type": "object" }] },
        "key": { "type": "string", "writeOnly": true },
        "alpha": {},
        "global": { "type": "object" }
      }
    }"##;
    let own = "size: 2\nnames: [x]\ndb: {host: '', port: 5432, note: ~}\nratio:\n";
    let template = Template::parse(&bundle(schema, own)).expect("a good chart");
    let names: Vec<_> = template
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "zone", "size", "ratio", "on", "names", "labels", "env", "db", "tuple", "either",
            "key", "alpha"
        ]
    );
    let kinds: Vec<_> = template
        .fields
        .iter()
        .map(|field| field.kind.words())
        .collect();
    assert_eq!(
        kinds,
        [
            "text",
            "number",
            "number",
            "yes or no",
            "list of text",
            "map of text",
            "map of text",
            "group",
            "JSON (list of unlike values)",
            "JSON (one of several forms)",
            "text",
            "JSON (any value)"
        ]
    );
    let zone = field(&template, "zone");
    assert_eq!(
        zone.choices.as_deref(),
        Some(&["a".to_owned(), "b".into()][..])
    );
    assert_eq!((zone.description.as_deref(), zone.line), (Some("Where"), 8));
    assert!(zone.required() && !field(&template, "on").required());
    let size = field(&template, "size");
    assert_eq!(
        size.description.as_deref(),
        Some("How many. A whole number, at least 1.")
    );
    assert_eq!(size.default, Some(json!(2)));
    assert_eq!(field(&template, "ratio").blank(), Blank::Null);
    assert!(field(&template, "key").sensitive);
    let Kind::Object(members) = &field(&template, "db").kind else {
        panic!("a group")
    };
    let told: Vec<_> = members
        .iter()
        .map(|m| (m.name.as_str(), m.optional, m.default.clone()))
        .collect();
    // The order of the schema.
    assert_eq!(
        told,
        [
            ("host", true, Some(json!(""))),
            ("port", true, Some(json!(5432))),
            ("class", true, None),
            ("note", true, None)
        ]
    );
    assert_eq!(
        members[1].description.as_deref(),
        Some("A port. A whole number, 1 to 65535.")
    );
    assert_eq!(
        members[2].choices.as_deref(),
        Some(&["s".to_owned(), "m".into()][..])
    );
    let chart = template.chart.clone().expect("a chart");
    assert_eq!(
        (
            chart.name.as_str(),
            chart.version.as_str(),
            chart.app_version.as_deref()
        ),
        ("it", "1.2.3", Some("4"))
    );
    // A row of the database reads back, and one of before charts, too.
    let stored = serde_json::to_value(&template).expect("JSON");
    assert_eq!(
        serde_json::from_value::<Template>(stored).expect("read"),
        template
    );
    let mut before = serde_json::to_value(shipped("hello")).expect("JSON");
    for field in before["fields"].as_array_mut().expect("fields") {
        field.as_object_mut().expect("a field").remove("rules");
    }
    serde_json::from_value::<Template>(before).expect("an old row");
}

#[test]
fn what_the_schema_demands_is_said_at_its_control() {
    let template = template(
        json!({
            "name": { "type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5 },
            "size": { "type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 3 },
            "zones": { "type": "array", "uniqueItems": true, "maxItems": 3, "items": { "enum": ["a", "b", "c"] } },
            "env": { "type": "object", "additionalProperties": false, "patternProperties": { "^[A-Z]+$": { "type": "string", "minLength": 1 } } },
            "dbs": { "type": "array", "items": { "type": "object", "required": ["host"], "properties": {
                "host": { "type": "string", "minLength": 1 }, "port": { "type": "integer" } } } },
            "free": { "type": "object", "required": ["a"], "additionalProperties": { "type": "number" }, "properties": { "a": { "type": "string" } } },
        }),
        "name: abc\nsize: 3\nfree: {a: x}\n",
    );
    let good = fill(&template, &[]);
    assert_eq!(errors(&good), []);
    let bad = fill(
        &template,
        &[
            ("in.name", "TOOLONG"),
            ("in.size", "10"),
            // Rows were removed before these.
            ("in.zones.2", "a"),
            ("in.zones.5", "d"),
            ("in.env.1.key", "lower"),
            ("in.env.1.value", "x"),
            ("in.env.4.key", "GOOD"),
            ("in.env.4.value", ""),
            ("empty.in.env.4.value", "1"),
            ("in.dbs.3", ""),
            ("in.dbs.3.host", "h"),
            ("in.dbs.3.port", "1.5"),
            ("in.free", "{\"a\": 1, \"b\": \"x\"}"),
        ],
    );
    assert_eq!(
        errors(&bad),
        [
            ("in.dbs.3.port", "This must be a whole number."),
            ("in.env.1.key", "The chart takes no key of this name."),
            ("in.env.4.value", "Fill this in."),
            (
                "in.free",
                "a: This must be text.\nb: This must be a number."
            ),
            (
                "in.name",
                "This must hold at most 5 characters.\nThis has another form than the chart wants, which is ^[a-z]+$"
            ),
            (
                "in.size",
                "This must be at most 9.\nThis must be a multiple of 3."
            ),
            ("in.zones.5", "This must be one of: a, b, c."),
        ]
    );
    assert!(bad.values.is_empty(), "{:?}", bad.values);
    let same = fill(
        &template,
        &[
            ("in.zones.0", "a"),
            ("in.zones.1", "b"),
            ("in.zones.7", "a"),
        ],
    );
    assert_eq!(errors(&same), [("in.zones", "Rows 1 and 3 are the same.")]);
}

#[test]
fn a_secret_is_judged_and_never_repeated() {
    let template = template(
        json!({ "key": { "type": "object", "writeOnly": true, "additionalProperties": { "type": "number" }, "required": ["zz"], "properties": {"zz": {"type": "string"}} },
                "pin": { "type": "string", "writeOnly": true, "pattern": "^[0-9]{4}$" } }),
        "key: {zz: a}\n",
    );
    let bad = fill(
        &template,
        &[
            ("in.key", "{\"hunter2\": \"s3cret\"}"),
            ("in.pin", "s3cret"),
        ],
    );
    assert_eq!(bad.errors.len(), 2);
    let told = format!("{:?} {:?}", bad.errors, bad.values);
    assert!(
        !told.contains("hunter2") && !told.contains("s3cret"),
        "{told}"
    );
    let good = fill(&template, &[("in.pin", "1234")]);
    assert_eq!(errors(&good), []);
    assert!(good.secrets.contains_key("pin") && good.values.is_empty());
}

#[test]
fn helm_is_handed_what_was_given_and_nothing_else() {
    let template = template(
        json!({
            "name": { "type": "string" },
            "ratio": { "type": ["number", "null"] },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "db": { "type": "object", "properties": { "host": { "type": "string" }, "port": { "type": "integer" },
                    "tags": { "type": "object", "additionalProperties": { "type": "string" } } } },
            "free": { "type": "object" },
            "list": { "type": "array", "items": { "type": "string" } },
        }),
        "name: x\nlabels: {a: '1', b: '2'}\ndb: {port: 5432, tags: {t: '1'}}\nfree: {p: {q: 1, r: 2}, s: 3}\nlist: [a]\n",
    );
    let inputs = json!({
        "name": null, "labels": { "b": "3" }, "db": { "host": "h", "tags": {} },
        "free": { "p": { "q": 5, "n": null }, "u": [null] }, "list": [], "unknown": 1,
    });
    assert_eq!(
        values(&template, inputs.as_object().expect("a map")),
        json!({
            "labels": { "a": null, "b": "3" },
            "db": { "host": "h", "tags": { "t": null } },
            "free": { "p": { "q": 5, "r": null }, "s": null, "u": [null] },
            "list": [],
        })
    );
}

#[test]
fn the_service_asks_what_differs_from_service_to_service() {
    let service = shipped("service");
    let names: Vec<_> = service
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "image",
            "replicas",
            "port",
            "probes",
            "ingress",
            "env",
            "resources"
        ]
    );
    for field in &service.fields {
        assert!(
            field.description.is_some(),
            "{} has no description",
            field.name
        );
    }
    let release = service.release.clone().expect("a release");
    assert_eq!(release.namespace_for("shop", "pr-42"), "shop-pr-42");
    let untouched = fill(&service, &[]);
    let missing: Vec<_> = untouched.errors.keys().map(String::as_str).collect();
    assert_eq!(
        missing,
        [
            "in.image.digest",
            "in.image.repository",
            "in.resources.limits.memory",
            "in.resources.requests.cpu",
            "in.resources.requests.memory"
        ]
    );
    let digest = format!("sha256:{}", "a".repeat(64));
    let asked = [
        ("in.image.repository", "registry.example/shop/cart"),
        ("in.image.digest", digest.as_str()),
        ("in.resources.limits.memory", "64Mi"),
        ("in.resources.requests.cpu", "50m"),
        ("in.resources.requests.memory", "32Mi"),
        ("in.env.0.key", "LOG_LEVEL"),
        ("in.env.0.value", "debug"),
    ];
    let good = fill(&service, &asked);
    assert_eq!(errors(&good), []);
    let handed = values(&service, &good.values);
    assert_eq!(handed["env"], json!({ "LOG_LEVEL": "debug" }));
    assert_eq!(handed["resources"]["limits"], json!({ "memory": "64Mi" }));
    // Blank means what it says: no address, whatever the chart's own values are.
    assert_eq!(handed["ingress"], json!({ "host": "" }));
    let Kind::Object(members) = &field(&service, "image").kind else {
        panic!("a group")
    };
    assert!(
        members
            .iter()
            .all(|member| member.never_empty && !member.optional)
    );
    let mut latest = asked;
    latest[1].1 = "latest";
    let bad = fill(&service, &latest);
    assert_eq!(bad.errors.keys().collect::<Vec<_>>(), ["in.image.digest"]);
    // What is missing beside it does not hide it.
    latest[0].1 = "";
    let both = fill(&service, &latest);
    assert_eq!(
        both.errors.keys().collect::<Vec<_>>(),
        ["in.image.digest", "in.image.repository"]
    );
}

#[test]
fn what_only_helm_can_judge_is_left_to_it_and_said() {
    let schema = r#"{
      "properties": {
        "a": { "type": "string" }, "b": { "type": "string" }, "c": { "type": "string", "pattern": "^\\p{Lu}" }, "d": { "type": "string" }
      },
      "anyOf": [{ "required": ["a"] }, { "required": ["b"] }]
    }"#;
    let template = Template::parse(&bundle(schema, "")).expect("a good chart");
    let decoded = fill(&template, &[("in.c", "lower"), ("in.d", "x")]);
    assert_eq!(errors(&decoded), []);
    let left: Vec<_> = decoded.at_preview.iter().map(String::as_str).collect();
    assert_eq!(left, ["a", "b", "c"]);
}
