//! The templates that ship, and the mistakes that people make in templates.

use std::{collections::BTreeMap, os::unix::fs::symlink, path::PathBuf};

use slipway_catalog::{Broken, Bundle, Need, Template, read_catalog};
use slipway_domain::{
    environment::Class,
    field::{Checked, Kind},
};

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

#[test]
fn every_template_that_ships_can_be_requested() {
    let entries = read_catalog(&catalog()).expect("the catalog");
    let templates: BTreeMap<String, Template> = entries
        .into_iter()
        .map(|entry| match entry.template {
            Ok((bundle, template)) => {
                let stored = serde_json::to_string(&template).expect("JSON");
                assert_eq!(
                    serde_json::from_str::<Template>(&stored).expect("a template"),
                    template
                );
                assert_eq!(
                    Bundle::decode(&bundle.encode()).expect("decoded").digest(),
                    bundle.digest()
                );
                (entry.name, template)
            }
            Err(broken) => panic!("{}: {broken}", entry.name),
        })
        .collect();
    let classes: Vec<_> = templates
        .iter()
        .map(|(name, template)| (name.as_str(), template.class))
        .collect();
    for (name, class) in [
        ("every-input", Class::Shared),
        ("hello", Class::Preview),
        ("network-bucket", Class::Shared),
        ("playground", Class::Preview),
    ] {
        assert!(classes.contains(&(name, class)), "{name} in {classes:?}");
        assert_eq!(templates[name].needs.is_empty(), name != "network-bucket");
        for field in &templates[name].fields {
            assert!(
                field.description.is_some(),
                "{name}: {} has no description",
                field.name
            );
        }
        for output in &templates[name].outputs {
            assert!(
                output.description.is_some(),
                "{name}: the output {} has no description",
                output.name
            );
        }
    }
    assert_eq!(templates["network-bucket"].needs, [Need::Aws]);
    assert_eq!(
        templates["network-bucket"].providers[0].source,
        "hashicorp/aws"
    );
    assert!(
        templates["network-bucket"]
            .resources
            .contains(&"aws_s3_bucket".to_owned())
    );
    assert_eq!(templates["playground"].resources, ["terraform_data"]);
    assert!(
        templates["playground"].providers.is_empty(),
        "terraform_data needs no provider"
    );
}

#[test]
fn every_input_shows_every_kind_of_control() {
    let bundle = Bundle::read_dir(&catalog().join("every-input")).expect("read");
    let template = Template::parse(&bundle).expect("parsed");
    let field = |name: &str| {
        template
            .fields
            .iter()
            .find(|field| field.name == name)
            .expect(name)
    };
    assert!(field("title").required());
    assert_eq!(
        field("size").choices.as_deref(),
        Some(&["small".to_owned(), "medium".into(), "large".into()][..])
    );
    assert_eq!(field("replicas").kind, Kind::Number);
    assert_eq!(field("public").kind, Kind::Bool);
    assert!(field("password").sensitive && field("password").required());
    assert!(matches!(&field("zones").kind, Kind::List(inner) if **inner == Kind::String));
    assert!(matches!(&field("allowed_networks").kind, Kind::Set(_)));
    assert!(matches!(&field("labels").kind, Kind::Map(_)));
    assert!(matches!(&field("window").kind, Kind::Tuple(kinds) if kinds.len() == 2));
    assert_eq!(field("extra").kind, Kind::Any);
    let note = field("note").description.clone().expect("a description");
    assert!(
        note.starts_with("May stay unset") && note.contains("\n\nThis description"),
        "{note:?}"
    );
    // Conversions of the defaults, those of optional attributes included.
    let database = field("database").default.clone().expect("a default");
    assert_eq!(database["backup"]["keep_days"], 7);
    assert_eq!(database["storage"], 20);
    let rules = |name: &str| {
        field(name)
            .validations
            .iter()
            .map(|rule| rule.checked)
            .collect::<Vec<_>>()
    };
    assert_eq!(rules("replicas"), [Checked::Here, Checked::Here]);
    assert_eq!(rules("digest"), [Checked::AtPreview]);
    let here = template
        .fields
        .iter()
        .flat_map(|field| &field.validations)
        .filter(|v| v.checked == Checked::Here);
    assert_eq!(
        here.count(),
        14,
        "all rules but the one that says so are judged when the form is sent"
    );
}

/// A `template.toml` with one line exchanged, what is said about it, and where.
#[test]
fn a_broken_manifest_says_where_and_why() {
    let cases: &[(&str, &str, u32, &str)] = &[
        ("title = \"A title\"", "title = \"A title", 1, "string"),
        ("title = \"A title\"", "", 1, "title"),
        ("title = \"A title\"", "title = \"\"", 1, "1 to 80"),
        ("title = \"A title\"", "title = 5", 1, "invalid type"),
        (
            "owner = \"platform\"",
            "owner = \"platform\"\nownr = \"x\"",
            4,
            "ownr",
        ),
        (
            "class = \"preview\"",
            "class = \"staging\"",
            4,
            "“staging” is no class.",
        ),
        (
            "needs = []",
            "needs = [\"aws\", \"azure\"]",
            5,
            "“azure” is no need.",
        ),
        (
            "name = \"terraform\"",
            "name = \"pulumi\"",
            8,
            "“pulumi” is no engine.",
        ),
        (
            "version = \">= 1.9\"",
            "version = \"newest\"",
            9,
            "no version constraint",
        ),
        (
            "default = \"8h\"",
            "default = \"8 hours\"",
            12,
            "no length of time",
        ),
        (
            "default = \"8h\"",
            "default = \"9d\"",
            12,
            "longer than the greatest",
        ),
        ("default = \"8h\"", "", 13, "no default one"),
        (
            "who = \"member\"",
            "who = \"everybody\"",
            16,
            "“everybody” is no group of people.",
        ),
        (
            "who = \"member\"",
            "who = \"member\"\nwho = \"lead\"",
            17,
            "duplicate key",
        ),
    ];
    for (from, to, line, reason) in cases {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(&text, GOOD, "{from} must occur");
        let broken = broken(&[("template.toml", &text), ("main.tf", "")]);
        assert_eq!(broken.file, "template.toml", "{to}");
        assert_eq!(broken.line, *line, "{to}: {broken}");
        assert!(
            broken
                .reason
                .to_lowercase()
                .contains(&reason.to_lowercase()),
            "{to}: {broken}"
        );
    }
    assert_eq!(broken(&[("main.tf", "")]).reason, "The file is missing.");
}

/// What stands in `main.tf`, the line that is blamed, and what is said.
#[test]
fn a_broken_module_says_where_and_why() {
    let cases: &[(&str, u32, &str)] = &[
        ("variable \"a\" {\n  type = string\n", 2, "syntax is wrong"),
        (
            "variable \"a\" {\n  type = = string\n}",
            2,
            "syntax is wrong",
        ),
        (
            "variable \"a\" {}\n\nvariable \"a\" {}",
            3,
            "already declared in main.tf:1",
        ),
        (
            "variable \"a\" {\n  type = strin\n}",
            2,
            "“strin” is no type.",
        ),
        (
            "variable \"a\" {\n  type = list(\n    strin)\n}",
            3,
            "“strin” is no type.",
        ),
        (
            "variable \"a\" {\n  type = \"string\"\n}",
            2,
            "stands in quotes",
        ),
        ("variable \"a\" {\n  type = set\n}", 2, "needs an argument"),
        (
            "variable \"a\" {\n  type = optional(string)\n}",
            2,
            "only for an attribute",
        ),
        (
            "variable \"a\" {\n  type = list(optional(string))\n}",
            2,
            "only for an attribute",
        ),
        (
            "variable \"a\" {\n  type = any(string)\n}",
            2,
            "takes no argument",
        ),
        (
            "variable \"a\" {\n  type = tuple(string)\n}",
            2,
            "takes a list of types",
        ),
        (
            "variable \"a\" {\n  type = object({ a = string, \"b\" = string })\n}",
            2,
            "without quotes",
        ),
        (
            "variable \"a\" {\n  type = object({ a = optional(number, \"x\") })\n}",
            2,
            "does not fit its type",
        ),
        (
            "variable \"a\" {\n  type = object({ a = optional(string, upper(\"x\")) })\n}",
            2,
            "must be a constant",
        ),
        (
            "variable \"a\" {\n  type = number\n  default = \"x\"\n}",
            3,
            "default does not fit",
        ),
        (
            "variable \"a\" {\n  type = object({ a = string })\n  default = {}\n}",
            3,
            "attribute “a” is missing",
        ),
        (
            "variable \"a\" {\n  type = tuple([string, number])\n  default = [\"x\"]\n}",
            3,
            "exactly 2 values",
        ),
        (
            "variable \"a\" {\n  default = local.x\n}",
            2,
            "must be a constant",
        ),
        (
            "variable \"a\" {\n  default = upper(\"x\")\n}",
            2,
            "must be a constant",
        ),
        (
            "variable \"a\" {\n  nullable = false\n  default = null\n}",
            3,
            "not nullable",
        ),
        (
            "variable \"a\" {\n  sensitive = null\n}",
            2,
            "true or false",
        ),
        (
            "variable \"a\" {\n  sensetive = true\n}",
            2,
            "no argument “sensetive”",
        ),
        (
            "variable \"a\" {\n  valdation {}\n}",
            2,
            "no block “valdation”",
        ),
        (
            "variable \"a\" {\n  validation {\n    condition = var.a == 1\n  }\n}",
            2,
            "no “error_message”",
        ),
        (
            "variable \"a\" {\n  validation {\n    condition = true\n    error_message = \"x\"\n  }\n}",
            3,
            "does not look at var.a",
        ),
        ("\nvariable \"a\" {\n  default = \"x\\u0000\"\n}", 2, "NUL"),
        ("variable \"count\" {}", 1, "for itself"),
        ("variable \"a\" \"b\" {}", 1, "exactly one name"),
        ("variabel \"a\" {}", 1, "no block “variabel”"),
        ("a = 1", 1, "outside of every block"),
        ("output \"a\" {}", 1, "no value"),
        (
            "output \"a\" {\n  value = 1\n}\noutput \"a\" {\n  value = 1\n}",
            4,
            "already declared",
        ),
        (
            "terraform {\n  backend \"s3\" {}\n}",
            2,
            "where its state is kept",
        ),
        ("terraform {\n  cloud {}\n}", 2, "where its state is kept"),
        ("provider \"aws\" {}", 1, "configures a provider"),
        (
            "module \"a\" {\n  source = \"../other\"\n}",
            2,
            "leaves the template's folder",
        ),
        (
            "module \"a\" {\n  source = \"./modules/../../other\"\n}",
            2,
            "leaves the template's folder",
        ),
        (
            "module \"a\" {\n  source = \"./modules/none\"\n}",
            2,
            "does not exist",
        ),
        (
            "module \"a\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}",
            2,
            "not part of the template",
        ),
        (
            "module \"a\" {\n  source = \"git::https://example.com/x.git\"\n}",
            2,
            "not part of the template",
        ),
        ("module \"a\" {\n}", 1, "no source"),
        ("resource \"terraform_data\" {}", 1, "a type and a name"),
    ];
    for (text, line, reason) in cases {
        let broken = broken(&[("template.toml", GOOD), ("main.tf", text)]);
        assert_eq!(
            (broken.file.as_str(), broken.line),
            ("main.tf", *line),
            "{text}\n{broken}"
        );
        assert!(broken.reason.contains(reason), "{text}\n{broken}");
    }
}

#[test]
fn a_mistake_in_a_module_of_its_own_is_found_there() {
    let call = "module \"a\" {\n  source = \"./modules/a\"\n}\n";
    let files = [
        ("template.toml", GOOD),
        ("main.tf", call),
        ("modules/a/main.tf", "\nprovider \"x\" {}"),
    ];
    let broken = broken(&files);
    assert_eq!(
        (broken.file.as_str(), broken.line),
        ("modules/a/main.tf", 2)
    );
    // Two modules that call each other end, too.
    let back = "module \"b\" {\n  source = \"../b\"\n}\n";
    let forth = "module \"a\" {\n  source = \"../a\"\n}\n";
    let files = [
        ("template.toml", GOOD),
        ("main.tf", call),
        ("modules/a/main.tf", back),
        ("modules/b/main.tf", forth),
    ];
    assert!(Template::parse(&bundle(&files)).is_ok());
}

#[test]
fn a_template_that_needs_a_cloud_must_say_so() {
    for module in [
        "resource \"aws_vpc\" \"a\" {}",
        "data \"aws_region\" \"a\" {}",
        "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}",
        "terraform {\n  required_providers {\n    amazon = { source = \"registry.terraform.io/hashicorp/aws\" }\n  }\n}",
    ] {
        let broken = broken(&[("template.toml", GOOD), ("main.tf", module)]);
        assert_eq!(
            (broken.file.as_str(), broken.line),
            ("template.toml", 5),
            "{module}"
        );
        assert!(broken.reason.contains("hashicorp/aws"), "{broken}");
    }
}

#[test]
fn files_that_would_be_half_understood_are_refused() {
    for (name, reason) in [
        ("extra.tf.json", "Only .tf files"),
        ("extra.tofu", "Only .tf files"),
        ("main_override.tf", "Override files"),
    ] {
        let broken = broken(&[("template.toml", GOOD), ("main.tf", ""), (name, "{}")]);
        assert_eq!(broken.file, name);
        assert!(broken.reason.contains(reason), "{broken}");
    }
    let nothing = broken(&[("template.toml", GOOD)]);
    assert!(nothing.reason.contains("no .tf file"), "{nothing}");
}

#[test]
fn a_folder_is_read_without_leaving_it() {
    let root = tempfile::tempdir().expect("a folder");
    let outside = tempfile::NamedTempFile::new().expect("a file");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let good = root.path().join("good");
    write("good/template.toml", GOOD);
    write("good/main.tf", "variable \"a\" {}\n");
    for left_out in [
        ".terraform/x",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "my.tfvars",
        ".git/config",
    ] {
        write(&format!("good/{left_out}"), "secret");
    }
    write("good/.terraform.lock.hcl", "# lock");
    let read = Bundle::read_dir(&good).expect("read");
    let paths: Vec<&str> = read.iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [".terraform.lock.hcl", "main.tf", "template.toml"]);

    write("linked/template.toml", GOOD);
    symlink(outside.path(), root.path().join("linked/main.tf")).expect("a link");
    write("linked-folder/template.toml", GOOD);
    symlink("/etc", root.path().join("linked-folder/modules")).expect("a link");
    symlink(&good, root.path().join("whole")).expect("a link");
    write("large/template.toml", GOOD);
    write("large/main.tf", &" ".repeat(slipway_catalog::MAX_BYTES));
    write("many/template.toml", GOOD);
    for n in 0..=slipway_catalog::MAX_FILES {
        write(&format!("many/{n}.txt"), "");
    }
    write("Bad Name/template.toml", GOOD);
    write("README.md", "not a template");

    let entries = read_catalog(root.path()).expect("the catalog");
    let found: BTreeMap<&str, Result<(), (&str, &str)>> = entries
        .iter()
        .map(|entry| {
            let template = entry.template.as_ref().map(|_| ());
            (
                entry.name.as_str(),
                template.map_err(|broken| (broken.file.as_str(), broken.reason.as_str())),
            )
        })
        .collect();
    assert_eq!(found["good"], Ok(()), "a broken template harms no other");
    assert!(
        matches!(found["linked"], Err(("main.tf", reason)) if reason.contains("symbolic link"))
    );
    assert!(
        matches!(found["linked-folder"], Err(("modules", reason)) if reason.contains("symbolic link"))
    );
    assert!(matches!(found["whole"], Err((".", reason)) if reason.contains("not a folder")));
    assert!(matches!(found["large"], Err((_, reason)) if reason.contains("larger than 2 MiB")));
    assert!(matches!(found["many"], Err((_, reason)) if reason.contains("more than 200 files")));
    assert!(matches!(found["Bad Name"], Err((_, reason)) if reason.contains("address")));
    assert_eq!(found.len(), 7);
}

mod fuzz {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_manifest_breaks_the_reader(text in "(title|class|\\[|\\]|=|\"|[a-z]|\n| |\\PC){0,80}") {
            let _ = Template::parse(&bundle(&[("template.toml", &text), ("main.tf", "")]));
        }

        #[test]
        fn no_module_breaks_the_reader(text in "(variable \"a\" \\{\n|type *= |default *= |validation \\{\n|condition = |object\\(\\{|optional\\(|list\\(|string|[0-9.e]|\\}\n|\\)|,|\\?|&&|var\\.a|\"|\\$\\{|<<-X\n|X\n|\\PC){0,40}") {
            let _ = Template::parse(&bundle(&[("template.toml", GOOD), ("main.tf", &text)]));
        }
    }
}
