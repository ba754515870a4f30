//! The templates that ship, looked at by the engine itself.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use slipway_catalog::{Bundle, Template, decode, read_catalog};
use slipway_domain::form::from_values;

use crate::engine::{engine, run_in};

/// A folder from which the engine can take providers, for templates that need one.
fn mirror() -> Option<PathBuf> {
    let named = std::env::var_os("SLIPWAY_PROVIDERS").map(PathBuf::from);
    let found = std::fs::read_dir("/opt")
        .ok()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let holds_aws = |folder: &PathBuf| {
        let hosts = std::fs::read_dir(folder)
            .ok()
            .into_iter()
            .flatten()
            .flatten();
        hosts
            .into_iter()
            .any(|host| host.path().join("hashicorp/aws").is_dir())
    };
    named.into_iter().chain(found).find(holds_aws)
}

/// Whether a mirror is expected to hold a provider. The others' templates are checked where their schema is built:
/// the platform's catalog tier (`infra/tests/catalog.sh`).
fn from_the_mirror(source: &str) -> bool {
    source.ends_with("hashicorp/aws")
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped proof must be seen")]
fn the_engine_accepts_every_template_that_ships() {
    let Some(engine) = engine() else { return };
    let mirror = mirror();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
    let mut checked = 0;
    for entry in read_catalog(&catalog).expect("the catalog") {
        let (bundle, template): (Bundle, Template) = entry.template.expect("a whole template");
        let folder = tempfile::tempdir().expect("a folder");
        bundle.write_to(folder.path()).expect("written");
        if !template
            .providers
            .iter()
            .all(|provider| from_the_mirror(&provider.source))
        {
            continue;
        }
        checked += 1;
        let unformatted = run_in(&engine, folder.path(), &["fmt", "-check", "-recursive"]);
        assert_eq!(unformatted, "", "{}: run “terraform fmt”", entry.name);
        let mut init = vec![
            "init".to_owned(),
            "-backend=false".to_owned(),
            "-input=false".to_owned(),
        ];
        match &mirror {
            Some(mirror) => init.push(format!("-plugin-dir={}", mirror.display())),
            None if !template.providers.is_empty() => {
                eprintln!(
                    "skipped: {} needs a provider, and no folder of providers was found",
                    entry.name
                );
                continue;
            }
            None => {}
        }
        let init: Vec<&str> = init.iter().map(String::as_str).collect();
        run_in(&engine, folder.path(), &init);
        let answer: Value =
            serde_json::from_str(&run_in(&engine, folder.path(), &["validate", "-json"]))
                .expect("JSON");
        assert_eq!(answer["valid"], true, "{}: {answer:#}", entry.name);
        assert_eq!(
            answer["diagnostics"].as_array().map(Vec::len),
            Some(0),
            "{}: {answer:#}",
            entry.name
        );
    }
    assert!(checked > 5, "only {checked} templates were looked at");
}

/// The form as it is shown, with what must be typed, is what the engine plans: no value is lost or refused on the way.
#[test]
fn the_engine_plans_what_the_form_says() {
    let Some(engine) = engine() else { return };
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
    for (name, typed, output, wanted) in [
        (
            "hello",
            vec![("in.who", "Ada"), ("in.language", "日本語")],
            "greeting",
            json!("こんにちは, Ada!"),
        ),
        (
            "every-input",
            vec![
                ("in.title", "My thing"),
                ("in.password", "CANARY-8chars"),
                ("in.ratio", "0.12345678901234567890123456789"),
                ("in.zones.2", "c"),
                ("in.services.0.ports.2", "8080"),
                ("in.extra", "[1, {\"a\": null}]"),
            ],
            "collections",
            json!({
                "zones": ["a", "b", "c"],
                "allowed_networks": ["10.0.0.0/8"],
                "labels": {"team": "platform"},
                "window": ["sun", 3],
            }),
        ),
        (
            "playground",
            vec![("in.steps", "2"), ("in.seconds", "0")],
            "steps",
            json!(2),
        ),
    ] {
        let bundle = Bundle::read_dir(&catalog.join(name)).expect("read");
        let fields = Template::parse(&bundle).expect("parsed").fields;
        let mut form = from_values(&fields, None, &BTreeSet::new());
        typed
            .iter()
            .for_each(|(control, text)| form.set(*control, *text));
        let decoded = decode(&fields, &form, &BTreeSet::new());
        assert!(decoded.errors.is_empty(), "{name}: {:?}", decoded.errors);
        let mut values = decoded.values;
        for (field, secret) in &decoded.secrets {
            values.insert(
                field.clone(),
                serde_json::from_str(secret.expose()).expect("JSON"),
            );
        }
        let folder = tempfile::tempdir().expect("a folder");
        bundle.write_to(folder.path()).expect("written");
        let inputs = folder.path().join("terraform.tfvars.json");
        std::fs::write(inputs, Value::Object(values).to_string()).expect("written");
        run_in(&engine, folder.path(), &["init", "-input=false"]);
        let applied = run_in(
            &engine,
            folder.path(),
            &["apply", "-auto-approve", "-input=false", "-no-color"],
        );
        let outputs: Value =
            serde_json::from_str(&run_in(&engine, folder.path(), &["output", "-json"]))
                .expect("JSON");
        assert_eq!(outputs[output]["value"], wanted, "{name}\n{applied}");
        assert!(
            !applied.contains("CANARY"),
            "a secret is in the engine's output"
        );
        let again = run_in(
            &engine,
            folder.path(),
            &["plan", "-input=false", "-no-color"],
        );
        assert!(again.contains("No changes."), "{name}\n{again}");
    }
}
