//! The templates that ship, looked at by the engine itself.

use std::path::{Path, PathBuf};

use serde_json::Value;
use slipway_catalog::{Bundle, Template, read_catalog};

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

#[test]
#[expect(clippy::print_stderr, reason = "a skipped proof must be seen")]
fn the_engine_accepts_every_template_that_ships() {
    let Some(engine) = engine() else { return };
    let mirror = mirror();
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog");
    for entry in read_catalog(&catalog).expect("the catalog") {
        let (bundle, template): (Bundle, Template) = entry.template.expect("a whole template");
        let folder = tempfile::tempdir().expect("a folder");
        bundle.write_to(folder.path()).expect("written");
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
}
