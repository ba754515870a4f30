//! The templates that ship, and the mistakes that people make in templates.

mod chart;
mod manifest;
mod module;
mod shipped;

use std::{collections::BTreeMap, path::PathBuf};

use slipway_catalog::{Broken, Bundle, Template};

const GOOD: &str = r#"title = "A title"
summary = "A summary."
owner = "platform"
class = "preview"
needs = []

[engine]
name = "terraform"
version = ">= 1.9"

[life]
default = "8h"
greatest = "7d"

[request]
who = "member"
"#;

fn catalog() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/catalog")
}

fn bundle(files: &[(&str, &str)]) -> Bundle {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    Bundle::from_files(files.collect::<BTreeMap<_, _>>()).expect("paths and sizes are allowed")
}

fn broken(files: &[(&str, &str)]) -> Broken {
    Template::parse(&bundle(files)).expect_err("this template is broken")
}
