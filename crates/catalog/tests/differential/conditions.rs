//! Conditions: the engine's verdict and ours.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use slipway_catalog::{Verdict, judge};

use crate::{
    conversions::parse,
    engine::{engine, refused},
};

/// Whether we must come to a verdict, or may leave it to the engine.
#[derive(Clone, Copy, PartialEq)]
enum Sure {
    Yes,
    No,
}
use Sure::{No, Yes};

type Case = (Sure, &'static str, &'static str, &'static [&'static str]);

const TEXTS: &[&str] = &[
    r#""""#, r#""a""#, r#""abc""#, r#"" a ""#, r#""A-1""#, r#""5""#, "null",
];
const MORE: &[&str] = &[
    r#""é""#,
    r#""aé日本""#,
    r#""a\nb""#,
    r#""true""#,
    r#""10.0.0.0/16""#,
    r#""-3""#,
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2.5",
    "10",
    "100000000000000000000",
    "0.1",
    "null",
];
const LISTS: &[&str] = &[
    "[]",
    r#"["a"]"#,
    r#"["a","b"]"#,
    r#"["a","a"]"#,
    r#"["b","a",""]"#,
    r#"["5","true"]"#,
    "null",
];
const MAPS: &[&str] = &["{}", r#"{"a":"1"}"#, r#"{"a":"x","b":"y"}"#, "null"];
const OBJECTS: &[&str] = &[
    r#"{"name":"a"}"#,
    r#"{"name":"a","size":5}"#,
    r#"{"name":"","size":0,"tags":["x","y"]}"#,
    r#"{"name":"abc","inner":{"on":true}}"#,
    "null",
];

const TEXT_RULES: &[(Sure, &str)] = &[
    (Yes, "length(var.v) > 0"),
    (Yes, "length(var.v) == 3"),
    (Yes, "var.v == null"),
    (Yes, "var.v != \"\""),
    (Yes, "var.v == \"a\" || var.v == \"abc\""),
    (No, "var.v == null || length(var.v) > 0"),
    (Yes, "var.v == null ? true : length(var.v) > 1"),
    (Yes, "try(length(var.v) > 1, true)"),
    (Yes, "contains([\"a\", \"abc\"], var.v)"),
    (Yes, "contains([\"a\", null], var.v)"),
    (Yes, "!contains([\"a\"], var.v)"),
    (Yes, "can(regex(\"^[a-z]+$\", var.v))"),
    (
        Yes,
        "can(regex(\"^[A-Za-z][A-Za-z0-9 ._-]{2,39}$\", var.v))",
    ),
    (Yes, "can(regex(\"^(a|b)?$\", var.v))"),
    (Yes, "can(regex(\"\\\\d+\", var.v))"),
    (Yes, "can(regex(\"^\\\\S*$\", var.v))"),
    (Yes, "can(regex(\"^\\\\w+$\", var.v))"),
    (Yes, "can(regex(\"(?i)^ABC$\", var.v))"),
    (Yes, "can(regex(\"^.b\", var.v))"),
    (Yes, "can(regex(\"[[:upper:]]\", var.v))"),
    (Yes, "can(regex(\"[^a-c]\", var.v))"),
    (Yes, "can(regex(\"[]a]\", var.v))"),
    (Yes, "can(regex(\"[a-]\", var.v))"),
    (No, "can(regex(\"[[a]\", var.v))"),
    (No, "can(regex(\"a{,3}\", var.v))"),
    (No, "can(regex(\"\\\\pL\", var.v))"),
    (No, "can(regex(\"(?<n>a)\", var.v))"),
    (No, "can(regex(\"(\", var.v))"),
    (No, "can(regex(\"a**\", var.v))"),
    (No, "can(regex(\"(?!a)\", var.v))"),
    (Yes, "regex(\"a\", var.v) == \"a\""),
    (Yes, "try(regex(\"^(a)(b)\", var.v)[1], \"x\") == \"b\""),
    (
        Yes,
        "try(regex(\"^(?P<first>.)\", var.v).first, \"x\") == \"a\"",
    ),
    (Yes, "length(regexall(\"[a-z]\", var.v)) > 1"),
    (No, "length(regexall(\"a*\", var.v)) > 1"),
    (Yes, "lower(var.v) == var.v"),
    (Yes, "upper(var.v) == \"ABC\""),
    (Yes, "trimspace(var.v) == var.v"),
    (Yes, "startswith(var.v, \"a\")"),
    (Yes, "endswith(var.v, \"c\")"),
    (Yes, "strcontains(var.v, \"b\")"),
    (Yes, "trimprefix(var.v, \"a\") == \"bc\""),
    (Yes, "trimsuffix(var.v, \"c\") == \"ab\""),
    (Yes, "trim(var.v, \"a \") == \"\""),
    (Yes, "replace(var.v, \"b\", \"\") == \"ac\""),
    (Yes, "replace(var.v, \"/[a-z]/\", \"\") == \"\""),
    (Yes, "length(split(\"-\", var.v)) == 2"),
    (Yes, "split(\"b\", var.v)[0] == \"a\""),
    (Yes, "join(\"\", [var.v, \"x\"]) == \"ax\""),
    (No, "substr(var.v, 0, 1) == \"a\""),
    (Yes, "\"${var.v}x\" == \"ax\""),
    (Yes, "\"${var.v}\" == \"a\""),
    (Yes, "var.v == 5"),
    (Yes, "var.v == true"),
    (Yes, "tonumber(var.v) == 5"),
    (Yes, "can(tonumber(var.v))"),
    (Yes, "can(tobool(var.v))"),
    (Yes, "can(var.v + 1)"),
    (Yes, "try(var.v > 1, false)"),
    (Yes, "can(var.v.x)"),
    (Yes, "can(var.v[0])"),
    (Yes, "can(cidrnetmask(var.v))"),
    (Yes, "can(cidrhost(var.v, 5))"),
    (Yes, "can(cidrsubnet(var.v, 4, 3))"),
    (
        Yes,
        "try(cidrsubnet(var.v, 4, 3), \"\") == \"10.0.48.0/20\"",
    ),
    (Yes, "try(cidrhost(var.v, -2), \"\") == \"10.0.255.254\""),
    (Yes, "try(cidrnetmask(var.v), \"\") == \"255.255.0.0\""),
    (No, "coalesce(var.v, \"x\") == \"x\""),
    (No, "var.v != null && length(var.v) > 1"),
    (Yes, "var.v"),
    (No, "var.v == \"a\" && var.v"),
    (Yes, "alltrue([var.v == \"a\"])"),
    (Yes, "alltrue([])  || var.v == null"),
    (No, "length(toset([var.v, \"a\"])) == 1"),
    (Yes, "one([var.v]) == \"a\""),
    (No, "sha256(var.v) == \"\""),
    (No, "can(formatdate(\"YYYY\", var.v))"),
    (No, "\"%{if var.v == null}x%{endif}\" == \"x\""),
    (Yes, "!can(regex(\"[^ -~]\", var.v))"),
    (Yes, "chomp(var.v) == var.v"),
];

const NUMBER_RULES: &[(Sure, &str)] = &[
    (Yes, "var.v > 0"),
    (Yes, "var.v >= 1 && var.v <= 10"),
    (No, "var.v == null || var.v > 0"),
    (Yes, "floor(var.v) == var.v"),
    (Yes, "ceil(var.v) == var.v"),
    (Yes, "abs(var.v) == 1"),
    (No, "signum(var.v) == 1"),
    (No, "var.v % 2 == 0"),
    (No, "var.v * 2 == 5"),
    (No, "var.v / 4 == 2.5"),
    (No, "1 / var.v > 0"),
    (No, "can(1 / 0) || var.v == null"),
    (No, "can(var.v / 0)"),
    (No, "var.v + 0.1 == 0.2"),
    (Yes, "-var.v < 0"),
    (Yes, "min(var.v, 5) == var.v"),
    (Yes, "max(1, var.v, 3) == 3"),
    (Yes, "max([1, var.v]...) == var.v"),
    (Yes, "contains([0, 1, 2.5], var.v)"),
    (Yes, "contains([\"1\"], tostring(var.v))"),
    (Yes, "tostring(var.v) == \"100000000000000000000\""),
    (Yes, "var.v == \"1\""),
    (Yes, "var.v == 1.0"),
    (Yes, "length(var.v) > 0"),
    (Yes, "can(regex(\"^[0-9]+$\", var.v))"),
    (Yes, "startswith(var.v, \"1\")"),
    (Yes, "var.v != 0"),
    (Yes, "!(var.v < 1)"),
    (Yes, "var.v ? true : false"),
    (Yes, "\"${var.v}\" == \"2.5\""),
    (No, "sum([var.v, 1]) == 2"),
    (No, "var.v > 1 ? true : var.v"),
    (Yes, "(var.v > 1) == true"),
    (Yes, "1 < var.v == true"),
    (No, "parseint(tostring(var.v), 10) == 1"),
];

const BOOL_RULES: &[(Sure, &str)] = &[
    (Yes, "var.v"),
    (Yes, "!var.v"),
    (Yes, "var.v == true"),
    (Yes, "var.v == \"true\""),
    (Yes, "tostring(var.v) == \"true\""),
    (No, "var.v || var.v == null"),
    (Yes, "var.v == null ? false : var.v"),
    (Yes, "can(var.v + 1)"),
];

const LIST_RULES: &[(Sure, &str)] = &[
    (Yes, "length(var.v) > 0"),
    (Yes, "alltrue([for x in var.v : length(x) > 0])"),
    (Yes, "anytrue([for x in var.v : x == \"a\"])"),
    (Yes, "alltrue([for i, x in var.v : i < 2])"),
    (
        Yes,
        "alltrue([for x in var.v : contains([\"a\", \"b\"], x)])",
    ),
    (
        Yes,
        "length([for x in var.v : x if x != \"\"]) == length(var.v)",
    ),
    (Yes, "contains(var.v, \"a\")"),
    (Yes, "contains(var.v, \"\")"),
    (Yes, "length(distinct(var.v)) == length(var.v)"),
    (Yes, "length(toset(var.v)) == length(var.v)"),
    (Yes, "var.v[0] == \"a\""),
    (Yes, "try(var.v[1], \"none\") == \"none\""),
    (Yes, "can(var.v[2])"),
    (Yes, "can(var.v[\"0\"])"),
    (Yes, "can(var.v.a)"),
    (No, "var.v == []"),
    (No, "var.v == tolist([\"a\"])"),
    (No, "var.v == [\"a\"]"),
    (Yes, "join(\",\", var.v) == \"a,b\""),
    (No, "element(var.v, 3) == \"b\""),
    (Yes, "length(concat(var.v, [\"x\"])) == 3"),
    (Yes, "length(flatten([var.v, [\"x\"]])) == 3"),
    (No, "length(compact(var.v)) == 2"),
    (Yes, "sort(var.v)[0] == \"a\""),
    (Yes, "reverse(var.v)[0] == \"a\""),
    (Yes, "one(var.v) == \"a\""),
    (No, "var.v[*] != null"),
    (No, "length(var.v[*]) == 2"),
    (No, "var.v[*] == [\"a\", \"b\"]"),
    (Yes, "length([for x in var.v : x if null]) == 0"),
    (Yes, "length({ for x in var.v : x => true }) > 1"),
    (No, "length({ for x in var.v : x => true... }) > 1"),
    (Yes, "alltrue(var.v)"),
    (Yes, "sum(var.v) == 5"),
    (No, "max(var.v...) == 5"),
    (Yes, "length(keys({ for x in var.v : x => 1 })) == 2"),
    (No, "length(slice(var.v, 0, 1)) == 1"),
    (Yes, "(length(var.v) > 1 ? var.v : null) != null"),
];

const SET_RULES: &[(Sure, &str)] = &[
    (Yes, "length(var.v) == 1"),
    (Yes, "contains(var.v, \"a\")"),
    (Yes, "alltrue([for x in var.v : length(x) == 1])"),
    (Yes, "[for x in var.v : x][0] == \"a\""),
    (Yes, "can(var.v[0])"),
    (Yes, "tolist(var.v)[0] == \"a\""),
    (Yes, "join(\"\", var.v) == \"ab\""),
    (Yes, "alltrue([for k, x in var.v : k == x])"),
    (No, "element(var.v, 0) == \"a\""),
];

const MAP_RULES: &[(Sure, &str)] = &[
    (Yes, "length(var.v) > 0"),
    (
        Yes,
        "alltrue([for k, x in var.v : length(k) == 1 && length(x) == 1])",
    ),
    (Yes, "alltrue([for x in var.v : x == \"1\"])"),
    (Yes, "contains(keys(var.v), \"b\")"),
    (Yes, "contains(values(var.v), \"1\")"),
    (Yes, "lookup(var.v, \"a\", \"none\") == \"1\""),
    (Yes, "lookup(var.v, \"c\", \"none\") == \"none\""),
    (Yes, "can(lookup(var.v, \"a\"))"),
    (Yes, "can(var.v.a)"),
    (Yes, "can(var.v[\"a\"])"),
    (Yes, "try(var.v.b, \"\") == \"y\""),
    (No, "var.v == {}"),
    (No, "length(merge(var.v, { c = \"z\" })) == 2"),
    (
        Yes,
        "alltrue([for key in keys(var.v) : !startswith(lower(key), \"aws:\")])",
    ),
    (Yes, "length([for k, x in var.v : k if x == \"1\"]) == 1"),
    (Yes, "can(var.v[0])"),
];

const OBJECT_RULES: &[(Sure, &str)] = &[
    (Yes, "length(var.v.name) > 0"),
    (Yes, "var.v.size == 3"),
    (Yes, "var.v.size > 0"),
    (Yes, "var.v.tags == null"),
    (Yes, "length(var.v.tags) == 2"),
    (Yes, "try(length(var.v.tags), 0) == 0"),
    (Yes, "var.v.inner.on"),
    (Yes, "var.v.inner == null"),
    (Yes, "try(var.v.inner.level, -1) == 7"),
    (Yes, "can(var.v.other)"),
    (Yes, "can(var.v[\"name\"])"),
    (Yes, "contains(keys(var.v), \"size\")"),
    (Yes, "length(var.v) == 4"),
    (No, "var.v == null || can(var.v.name)"),
    (Yes, "var.v == null ? true : var.v.name != \"\""),
    (No, "coalesce(var.v.tags, tolist([])) != null"),
    (No, "var.v.tags != null && contains(var.v.tags, \"x\")"),
];

const GROUPS: &[&str] = &[
    "[]",
    r#"[{"name":"a"}]"#,
    r#"[{"name":"a","ports":[80,443]},{"name":"b","ports":[0]}]"#,
    r#"[{"name":"a"},{"name":"a","labels":{"k":"v"}}]"#,
];

const GROUP_RULES: &[(Sure, &str)] = &[
    (
        Yes,
        "length(var.v) == length(distinct([for s in var.v : s.name]))",
    ),
    (Yes, "length(var.v) == length(distinct(var.v[*].name))"),
    (
        Yes,
        "alltrue(flatten([for s in var.v : [for p in s.ports : p >= 1 && p <= 65535]]))",
    ),
    (
        Yes,
        "alltrue([for s in var.v : alltrue([for k, x in s.labels : k != x])])",
    ),
    (Yes, "length(flatten(var.v[*].ports)) > 1"),
    (
        Yes,
        "alltrue([for s in var.v : try(s.labels.k, \"v\") == \"v\"])",
    ),
    (Yes, "contains(var.v.*.name, \"b\")"),
    (
        Yes,
        "sum(concat([0], [for s in var.v : length(s.ports)])) < 3",
    ),
];

const GROUP_SET_RULES: &[(Sure, &str)] = &[
    (Yes, "alltrue([for s in var.v : length(s.name) == 1])"),
    (Yes, "length(var.v) == 2"),
    (
        Yes,
        "length(distinct([for s in var.v : s.name])) >= 0 || length(var.v) > 9",
    ),
    (No, "[for s in var.v : s.name][0] == \"a\""),
    (Yes, "contains([for s in var.v : s.name], \"b\")"),
    (
        Yes,
        "anytrue(flatten([for s in var.v : [for p in s.ports : p == 443]]))",
    ),
];

const ANY: &[&str] = &["1", r#""x""#, "[1,\"x\"]", r#"{"a":{"b":[true]}}"#, "null"];

const ANY_RULES: &[(Sure, &str)] = &[
    (Yes, "can(var.v.a.b)"),
    (Yes, "try(var.v.a.b[0], false)"),
    (Yes, "can(length(var.v))"),
    (Yes, "var.v == 1"),
    (Yes, "can(tostring(var.v))"),
    (No, "try(var.v[1], 0) == \"x\""),
];

const GROUP_TYPE: &str = "object({ name = string, ports = optional(list(number), [80]), labels = optional(map(string), {}) })";

fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut add = |kind: &'static str,
                   rules: &'static [(Sure, &'static str)],
                   values: &[&'static [&'static str]]| {
        for (sure, rule) in rules {
            all.extend(values.iter().map(|values| (*sure, kind, *rule, *values)));
        }
    };
    add("string", TEXT_RULES, &[TEXTS]);
    let unsure: Vec<(Sure, &'static str)> =
        TEXT_RULES.iter().map(|(_, rule)| (No, *rule)).collect();
    add("string", Vec::leak(unsure), &[MORE]);
    add("number", NUMBER_RULES, &[NUMBERS]);
    add("bool", BOOL_RULES, &[&["true", "false", "null"]]);
    add("list(string)", LIST_RULES, &[LISTS]);
    add(
        "set(string)",
        SET_RULES,
        &[&["[]", r#"["a"]"#, r#"["b","a","a"]"#]],
    );
    add("map(string)", MAP_RULES, &[MAPS]);
    add(
        "object({ name = string, size = optional(number, 3), tags = optional(list(string)), inner = optional(object({ on = optional(bool, false), level = optional(number, 7) })) })",
        OBJECT_RULES,
        &[OBJECTS],
    );
    add(
        Box::leak(format!("list({GROUP_TYPE})").into_boxed_str()),
        GROUP_RULES,
        &[GROUPS],
    );
    add(
        Box::leak(format!("set({GROUP_TYPE})").into_boxed_str()),
        GROUP_SET_RULES,
        &[GROUPS],
    );
    add("any", ANY_RULES, &[ANY]);
    all
}

#[test]
fn verdicts_are_the_engines() {
    let Some(engine) = engine() else { return };
    let mut asked = Vec::new();
    for (sure, kind, rule, values) in cases() {
        let body = format!(
            "  type = {kind}\n  validation {{\n    condition     = {rule}\n    error_message = \"violated\"\n  }}"
        );
        let field = parse(&body).unwrap_or_else(|broken| panic!("{rule}: {broken}"));
        for value in values {
            let json: Value = serde_json::from_str(value).expect("JSON");
            let values = Map::from_iter([("v".to_owned(), json.clone())]);
            let verdict =
                judge(std::slice::from_ref(&field), &values, &BTreeSet::new()).remove("v");
            asked.push((
                sure,
                kind,
                rule,
                *value,
                verdict.expect("a verdict"),
                body.clone(),
                json,
            ));
        }
    }
    let questions: Vec<_> = asked
        .iter()
        .map(|case| (case.5.clone(), case.6.clone()))
        .collect();
    let refused = refused(&engine, &questions);
    let (mut wrong, mut left) = (Vec::new(), 0);
    for (n, (sure, kind, rule, value, verdict, ..)) in asked.iter().enumerate() {
        let engine_holds = !refused.contains(&n);
        match verdict {
            Verdict::AtPreview if *sure == Sure::No => left += 1,
            Verdict::Holds if engine_holds => {}
            Verdict::Violated(_) if !engine_holds => {}
            _ => wrong.push(format!(
                "{kind} | {rule} | {value} | here {verdict:?}, engine holds: {engine_holds}"
            )),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        asked.len(),
        wrong.join("\n")
    );
    // A table that leaves everything to the engine would prove nothing.
    assert!(
        asked.len() - left > 900,
        "only {} of {} were decided here",
        asked.len() - left,
        asked.len()
    );
    assert!(
        refused.len() > 300,
        "the engine refused only {}",
        refused.len()
    );
}
