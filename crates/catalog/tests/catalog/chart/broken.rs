//! Charts that are broken or hostile.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use slipway_catalog::{Broken, read_catalog};

use super::{CHART, TEMPLATE, fill};

fn broken(files: &[(&str, &str)]) -> Broken {
    let whole = [
        ("template.toml", TEMPLATE),
        ("Chart.yaml", CHART),
        (
            "values.schema.json",
            r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
        ),
        ("values.yaml", "a: b\n"),
    ];
    let mut all: Vec<(&str, &str)> = whole
        .into_iter()
        .filter(|(path, _)| files.iter().all(|(other, _)| other != path))
        .collect();
    // An empty text takes the file away.
    all.extend(files.iter().filter(|(_, text)| !text.is_empty()));
    crate::broken(&all)
}

#[test]
fn a_broken_chart_says_where_and_why() {
    let schema = |text: &str| {
        let text = format!("{{\n\"properties\": {{\n\"a\": {text}\n}}}}");
        broken(&[("values.schema.json", &text)])
    };
    let release = |from: &str, to: &str| {
        assert!(TEMPLATE.contains(from), "{from}");
        broken(&[("template.toml", &TEMPLATE.replace(from, to))])
    };
    let cases = [
        (broken(&[("Chart.yaml", "")]), "Chart.yaml", 1, "missing"),
        (
            broken(&[("Chart.yaml", "name: x\nversion: 1.0.0\napiVersion: v1\n")]),
            "Chart.yaml",
            3,
            "v2",
        ),
        (
            broken(&[("Chart.yaml", "apiVersion: v2\nversion: 1.0.0\n")]),
            "Chart.yaml",
            1,
            "“name”",
        ),
        (
            broken(&[(
                "Chart.yaml",
                "apiVersion: v2\nname: x\nversion: 1.0.0\ntype: library\n",
            )]),
            "Chart.yaml",
            4,
            "by itself",
        ),
        (
            broken(&[(
                "Chart.yaml",
                "apiVersion: v2\nname: x\nversion: 1.0.0\ndependencies:\n  - name: db\n    version: 1\n",
            )]),
            "Chart.yaml",
            5,
            "“db”",
        ),
        (
            broken(&[("values.schema.json", "")]),
            "values.schema.json",
            1,
            "form is drawn from it",
        ),
        (
            broken(&[("values.schema.json", "{\n\"properties\": {},\n}")]),
            "values.schema.json",
            3,
            "JSON",
        ),
        (
            broken(&[("values.schema.json", "{\"type\": \"object\"}")]),
            "values.schema.json",
            1,
            "properties",
        ),
        (
            broken(&[("values.schema.json", "[]")]),
            "values.schema.json",
            1,
            "schema is an object",
        ),
        (
            schema("{\"type\": \"strin\"}"),
            "values.schema.json",
            3,
            "schema is wrong",
        ),
        (
            schema("{\"$ref\": \"#/$defs/x\"}"),
            "values.schema.json",
            3,
            "does not exist",
        ),
        (
            schema("{\"$ref\": \"https://example.com/x.json\"}"),
            "values.schema.json",
            3,
            "not in this file",
        ),
        (
            schema("{\"$ref\": \"#/properties/a\"}"),
            "values.schema.json",
            3,
            "circle",
        ),
        (
            schema(
                "{\"type\": \"object\", \"properties\": {\"b\":\n{\"type\": \"array\", \"items\": {\"$ref\": \"#\"}}}}",
            ),
            "values.schema.json",
            4,
            "circle",
        ),
        (
            schema("{\"pattern\": \"a(?=b)\"}"),
            "values.schema.json",
            3,
            "pattern",
        ),
        (
            schema("{\"pattern\": \"((a{900}){900}){900}\"}"),
            "values.schema.json",
            3,
            "pattern",
        ),
        (
            broken(&[("values.yaml", "a: b\nc: [\n")]),
            "values.yaml",
            3,
            "YAML",
        ),
        (
            broken(&[("values.yaml", "- a\n")]),
            "values.yaml",
            1,
            "no map",
        ),
        (
            broken(&[("values.yaml", "b: 1\n\na: 5\n")]),
            "values.yaml",
            3,
            "refuses “a”: This must be text.",
        ),
        (
            release("needs = [\"kubernetes\"]", "needs = []"),
            "template.toml",
            5,
            "kubernetes",
        ),
        (
            release(
                "[release]\ncluster = \"lab\"\nnamespace = \"{team}-{environment}\"\n",
                "",
            ),
            "template.toml",
            8,
            "[release]",
        ),
        (
            release("name = \"helm\"", "name = \"terraform\""),
            "template.toml",
            11,
            "Only a chart",
        ),
        (
            release("\"lab\"", "\"Lab 1\""),
            "template.toml",
            12,
            "cluster",
        ),
        (
            release("{environment}", "x"),
            "template.toml",
            13,
            "{environment}",
        ),
        (
            release("[request]", "volatile = [\"Secret\"]\n[request]"),
            "template.toml",
            15,
            "names no field",
        ),
        (
            release(
                "[request]",
                "namespace_labels = {\"a b\" = \"c\"}\n[request]",
            ),
            "template.toml",
            15,
            "label",
        ),
        (
            release("[request]", "ask = [\"b\"]\n[request]"),
            "template.toml",
            15,
            "“b”",
        ),
        (
            release("[request]", "ask = [\"a\", \"a\"]\n[request]"),
            "template.toml",
            15,
            "twice",
        ),
        (
            release("[request]", "ask = [\"a.b\"]\n[request]"),
            "template.toml",
            15,
            "“a.b”",
        ),
        (
            release("needs =", "keeps_data = [\"a.b\"]\nneeds ="),
            "template.toml",
            5,
            "keeps_data",
        ),
    ];
    for (broken, file, line, says) in cases {
        assert!(broken.reason.contains(says), "{says}: {broken}");
        assert_eq!(
            (broken.file.as_str(), broken.line),
            (file, line),
            "{broken}"
        );
        assert!(broken.reason.ends_with('.'), "{broken}");
    }
    let needed = [
        (
            "template.toml",
            TEMPLATE.replace("[request]", "ask = []\n[request]"),
        ),
        (
            "values.schema.json",
            r#"{"required": ["a"], "properties": {"a": {"type": "string"}}}"#.to_owned(),
        ),
        ("values.yaml", "# nothing\n".to_owned()),
    ];
    let needed: Vec<_> = needed
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    assert!(broken(&needed).reason.contains("needs “a”"));
}

#[test]
fn a_hostile_chart_is_refused_in_time_and_harms_no_other() {
    let root = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    };
    let chart = |name: &str| {
        write(&format!("{name}/template.toml"), TEMPLATE);
        write(&format!("{name}/Chart.yaml"), CHART);
        write(
            &format!("{name}/values.schema.json"),
            r#"{"properties": {}}"#,
        );
        write(&format!("{name}/.helmignore"), "old.yaml\n");
    };
    for name in ["link", "large", "whole", "bomb", "deep", "aliases", "slow"] {
        chart(name);
    }
    fs::create_dir_all(root.path().join("link/templates")).expect("a folder");
    symlink("/etc/passwd", root.path().join("link/templates/a.yaml")).expect("linked");
    let file = fs::File::create(root.path().join("large/big.tgz")).expect("made");
    file.set_len(50 * 1024 * 1024).expect("a large file");
    // Each definition twenty times the one before.
    let defs: Vec<String> = (1..8)
        .map(|n| {
            let again = vec![format!(r##"{{"$ref": "#/$defs/d{}"}}"##, n - 1); 20].join(",");
            format!(r#""d{n}": {{"allOf": [{again}]}}"#)
        })
        .collect();
    write(
        "bomb/values.schema.json",
        &format!(
            r##"{{"$defs": {{"d0": {{"type": "string"}}, {}}}, "properties": {{"a": {{"$ref": "#/$defs/d7"}}}}}}"##,
            defs.join(",")
        ),
    );
    // Ten levels less once filled the stack of a thread, which ends the process.
    let deep = format!(
        r#"{{"properties": {{"a": {}{{}}{} }} }}"#,
        r#"{"allOf": ["#.repeat(40),
        "]}".repeat(40)
    );
    write("deep/values.schema.json", &deep);
    write(
        "aliases/values.yaml",
        &format!("a: &a {}\n", "[".repeat(100_000)),
    );
    write(
        "slow/values.schema.json",
        r#"{"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}"#,
    );
    let started = Instant::now();
    let entries = read_catalog(root.path()).expect("the catalog");
    let mut slow = None;
    for entry in entries {
        let told = match &entry.template {
            Ok(_) => String::new(),
            Err(broken) => broken.to_string(),
        };
        match entry.name.as_str() {
            "link" => assert!(
                told.starts_with("templates/a.yaml:1: This is a symbolic link"),
                "{told}"
            ),
            "large" => assert!(
                told.starts_with("big.tgz:1: The template is larger"),
                "{told}"
            ),
            "bomb" => assert!(told.contains("20000 parts"), "{told}"),
            "deep" => assert!(told.contains("The schema nests too deep."), "{told}"),
            "aliases" => assert!(told.starts_with("values.yaml:1: "), "{told}"),
            "whole" => {
                let (bundle, _) = entry.template.expect("whole");
                assert!(
                    bundle.file(".helmignore").is_some(),
                    "Helm would render what it keeps out"
                );
            }
            _ => slow = Some(entry.template.expect("whole").1),
        }
    }
    let slow = slow.expect("read");
    let text = format!("{}!", "a".repeat(50_000));
    let decoded = fill(&slow, &[("in.a", &text)]);
    assert_eq!(decoded.errors.keys().collect::<Vec<_>>(), ["in.a"]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}
