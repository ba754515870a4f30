//! Which types and defaults are accepted, and what becomes of text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use slipway_catalog::{Bundle, Template, decode};
use slipway_domain::{field::Field, form::Entered};

use crate::engine::{Module, engine};

const MANIFEST: &str = "title = \"T\"\nsummary = \"S\"\nowner = \"o\"\nclass = \"preview\"\n[engine]\nname = \"terraform\"\nversion = \">= 1\"\n[request]\nwho = \"member\"\n";

/// The one variable of a module, or why there is none.
pub fn parse(body: &str) -> Result<Field, String> {
    let module = format!("variable \"v\" {{\n{body}\n}}\n");
    let files = [("template.toml", MANIFEST), ("main.tf", &module)];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let bundle = Bundle::from_files(BTreeMap::from(files)).expect("a bundle");
    let mut template = Template::parse(&bundle).map_err(|broken| broken.to_string())?;
    Ok(template.fields.remove(0))
}

const BLOCKS: &[&str] = &[
    "type = string",
    "type = \"string\"",
    "type = list",
    "type = map",
    "type = set",
    "type = any",
    "type = null",
    "type = strin",
    "type = any(string)",
    "type = string(any)",
    "type = (string)",
    "type = list(string, number)",
    "type = list()",
    "type = list(strin)",
    "type = optional(string)",
    "type = list(optional(string))",
    "type = tuple([])",
    "type = tuple(string)",
    "type = tuple([string, optional(string)])",
    "type = object({})",
    "type = object(string)",
    "type = object({ a = string, a = number })",
    "type = object({ \"a\" = string })",
    "type = object({ (a) = string })",
    "type = object({ a : string })",
    "type = object({\n    a = string\n    b = optional(list(object({ c = optional(bool, true) })), [{}])\n  })",
    "type = object({ a = optional(string, null) })",
    "type = object({ a = optional() })",
    "type = object({ a = optional(string, \"a\", \"b\") })",
    "type = object({ a = optional(number, \"x\") })",
    "type = object({ a = optional(number, \"5\") })",
    "type = object({ a = optional(number, 2 + 3) })",
    "type = object({ a = optional(string, upper(\"x\")) })",
    "type = object({ a = optional(list(string), [1]) })",
    "default = upper(\"x\")",
    "default = x",
    "default = var.x",
    "default = 60 * 60",
    "default = -1",
    "default = true ? 1 : 2",
    "default = \"a${1}\"",
    "default = [for x in [1, 2] : x]",
    "default = <<-EOT\n    text\n  EOT",
    "type = string\n  default = null",
    "type = string\n  default = null\n  nullable = false",
    "type = string\n  default = 5",
    "type = string\n  default = true",
    "type = string\n  default = []",
    "type = string\n  default = {}",
    "type = number\n  default = \"5\"",
    "type = number\n  default = \"x\"",
    "type = number\n  default = \"\"",
    "type = number\n  default = true",
    "type = number\n  default = \"0x10\"",
    "type = number\n  default = \"1_0\"",
    "type = number\n  default = \" 1\"",
    "type = number\n  default = \"+1\"",
    "type = number\n  default = \".5\"",
    "type = number\n  default = \"5.\"",
    "type = number\n  default = \"-0\"",
    "type = number\n  default = \"1e400\"",
    "type = bool\n  default = \"true\"",
    "type = bool\n  default = \"1\"",
    "type = bool\n  default = \"0\"",
    "type = bool\n  default = \"True\"",
    "type = bool\n  default = \"yes\"",
    "type = bool\n  default = \"\"",
    "type = bool\n  default = 1",
    "type = list(string)\n  default = []",
    "type = list(string)\n  default = {}",
    "type = list(string)\n  default = \"x\"",
    "type = list(string)\n  default = [1, true, \"x\", null]",
    "type = list(string)\n  default = [[]]",
    "type = list(number)\n  default = [\"1\"]",
    "type = list(number)\n  default = [\"x\"]",
    "type = set(string)\n  default = [\"a\", \"a\"]",
    "type = map(string)\n  default = []",
    "type = map(string)\n  default = { a = 1, b = true }",
    "type = map(number)\n  default = { a = \"x\" }",
    "type = object({ a = string })\n  default = {}",
    "type = object({ a = string })\n  default = { a = 1, b = 2 }",
    "type = object({ a = string })\n  default = { a = null }",
    "type = object({ a = optional(string) })\n  default = []",
    "type = object({ a = optional(number) })\n  default = { a = \"x\" }",
    "type = tuple([string, number])\n  default = [\"a\"]",
    "type = tuple([string, number])\n  default = [\"a\", \"1\"]",
    "type = tuple([string, number])\n  default = [\"a\", 1, 2]",
    "sensitive = \"true\"",
    "sensitive = \"yes\"",
    "sensitive = null",
    "nullable = 1",
    "ephemeral = true",
    "description = 5",
    "description = \"a${1 + 1}\"",
    "description = [1]",
    "description = upper(\"x\")",
    "unknown = 1",
    "unknown {}",
    "validation {\n    condition     = length(var.v) > 0\n    error_message = \"no\"\n  }",
    "validation {\n    condition     = true\n    error_message = \"no\"\n  }",
    "validation {\n    condition     = var.v == null\n  }",
    "validation {\n    error_message = \"No.\"\n  }",
    "validation {\n    condition     = var.v == null\n    error_message = \"no ${var.v}\"\n    extra = 1\n  }",
];

#[test]
fn blocks_are_accepted_as_the_engine_accepts_them() {
    let Some(engine) = engine() else { return };
    // Some mistakes hide others of the same file from the engine, so each that it can name is asked again without it.
    let mut waiting: Vec<&str> = BLOCKS.to_vec();
    let mut refused_by_engine: Vec<&str> = Vec::new();
    loop {
        let mut module = Module::new(engine.clone());
        for body in &waiting {
            module.ask(&format!("  {body}"), None);
        }
        let answer: Value =
            serde_json::from_str(&module.run(&["validate", "-json"])).expect("JSON");
        let refused: BTreeSet<usize> =
            module.refused(answer["diagnostics"].as_array().expect("a list").iter());
        if refused.is_empty() {
            break;
        }
        refused_by_engine.extend(refused.iter().map(|n| waiting[*n]));
        let mut n = 0;
        waiting.retain(|_| {
            n += 1;
            !refused.contains(&(n - 1))
        });
    }
    let mut wrong = Vec::new();
    for body in BLOCKS {
        let ours = parse(&format!("  {body}"));
        if ours.is_err() != refused_by_engine.contains(body) {
            wrong.push(format!(
                "{body}\n    here: {ours:?}\n    engine refuses: {}",
                ours.is_ok()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        refused_by_engine.len() > 40,
        "the engine refused only {}",
        refused_by_engine.len()
    );
}

/// Types and defaults whose conversion is worth a look.
const DEFAULTS: &[(&str, &str)] = &[
    ("string", "5"),
    ("string", "0.10"),
    ("string", "1e3"),
    ("string", "true"),
    ("string", "12345678901234567890123"),
    ("string", "-0.5"),
    ("string", "\"tab\\there \\u00e9 $${x} %%{y}\""),
    ("string", "<<-EOT\n    one\n      two\n  EOT"),
    ("number", "\"0.1\""),
    ("number", "\"1e3\""),
    ("number", "60 * 60 * 24"),
    ("bool", "\"1\""),
    ("list(string)", "[1, true, \"x\"]"),
    ("list(number)", "[\"1\", 2.50]"),
    ("set(string)", "[\"b\", \"a\", \"b\", 1]"),
    ("set(number)", "[10, 9, \"9\", 1.5]"),
    ("set(bool)", "[true, false, \"true\"]"),
    ("map(string)", "{ b = 1, a = true, \"c d\" = \"x\" }"),
    ("map(list(number))", "{ a = [\"1\"], b = [] }"),
    ("tuple([string, bool])", "[1, \"true\"]"),
    ("object({ a = string })", "{ a = 1, b = 2 }"),
    ("object({ a = string, b = optional(number) })", "{ a = 1 }"),
    ("object({ a = optional(string, \"x\") })", "{ a = null }"),
    (
        "object({ a = optional(object({ b = optional(number, \"7\") }), {}) })",
        "{}",
    ),
    (
        "object({ a = optional(object({ b = optional(number, 7) })) })",
        "{}",
    ),
    (
        "object({ a = optional(list(object({ b = optional(bool, true) })), [{}]) })",
        "{}",
    ),
    (
        "list(object({ a = string, b = optional(set(string), [\"y\", \"x\"]) }))",
        "[{ a = \"1\" }, { a = 2, b = [3] }]",
    ),
    (
        "map(object({ a = optional(map(string), { k = 1 }) }))",
        "{ x = {}, y = { a = {} } }",
    ),
    ("any", "{ a = [1, \"x\", { b = null }] }"),
];

#[test]
fn defaults_are_converted_as_the_engine_converts_them() {
    let Some(engine) = engine() else { return };
    let mut module = Module::new(engine);
    let mut outputs = String::new();
    for (n, (kind, default)) in DEFAULTS.iter().enumerate() {
        let name = module.ask(&format!("  type = {kind}\n  default = {default}"), None);
        outputs.push_str(&format!("output \"o{n}\" {{\n  value = var.{name}\n}}\n"));
    }
    module.add(&outputs);
    module.run(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    let answer: Value = serde_json::from_str(&module.run(&["output", "-json"])).expect("JSON");
    for (n, (kind, default)) in DEFAULTS.iter().enumerate() {
        let field = parse(&format!("  type = {kind}\n  default = {default}")).expect(default);
        let value = &answer[format!("o{n}")]["value"];
        assert_eq!(field.default.as_ref(), Some(value), "{kind} | {default}");
    }
}

/// (The engine knows a negative zero, which is equal to zero; here there is one.)
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "007",
    "+5",
    ".5",
    "5.",
    "1.50",
    "-12.25",
    "1e3",
    "1E-3",
    "2.5e+2",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "0.1",
    "0.30000000000000004",
    "0.12345678901234567890123456789",
    "1e21",
    "1e-7",
    "123456789.123456789",
    "679540278697216.3",
    "1e100",
];

/// What is typed into a number's box arrives as the same number, to the last digit.
#[test]
fn numbers_arrive_exactly() {
    let Some(engine) = engine() else { return };
    let field = parse("  type = number").expect("a field");
    let mut module = Module::new(engine);
    let mut outputs = String::new();
    for (n, text) in NUMBERS.iter().enumerate() {
        let mut entered = Entered::default();
        entered.set("in.v", *text);
        let decoded = decode(std::slice::from_ref(&field), &entered, &BTreeSet::new());
        assert!(decoded.errors.is_empty(), "{text}: {:?}", decoded.errors);
        let name = module.ask("  type = number", Some(decoded.values["v"].clone()));
        outputs.push_str(&format!("output \"o{n}\" {{\n  value = [tostring(var.{name}), tostring(tonumber(\"{text}\"))]\n}}\n"));
    }
    module.add(&outputs);
    module.run(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    let answer: Value = serde_json::from_str(&module.run(&["output", "-json"])).expect("JSON");
    for (n, text) in NUMBERS.iter().enumerate() {
        let pair = &answer[format!("o{n}")]["value"];
        assert_eq!(pair[0], pair[1], "{text}");
        let ours = slipway_catalog::Number::parse(text)
            .expect("a number")
            .to_text();
        assert_eq!(pair[1], ours.as_str(), "{text} as text");
    }
}
