//! Mistakes in a module, and in its folder.

use std::{collections::BTreeMap, os::unix::fs::symlink};

use slipway_catalog::{Bundle, Template, read_catalog};

use crate::{GOOD, broken, bundle};

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

/// A worker reads the catalog: a file that nests without end must cost a refusal, not the process.
#[test]
fn a_module_that_nests_without_end_is_refused_and_overflows_nothing() {
    const LEVELS: usize = 50_000;
    let nested =
        |open: &str, inner: &str, close: &str| open.repeat(LEVELS) + inner + &close.repeat(LEVELS);
    let default = |value: String| format!("variable \"x\" {{\n  default = {value}\n}}\n");
    let kind = |value: String| format!("variable \"x\" {{\n  type = {value}\n}}\n");
    let all = [
        default(nested("[", "", "]")),
        default("[".repeat(LEVELS)),
        default(nested("{ a = ", "1", " }")),
        default(nested("(", "1", ")")),
        default(nested("\"${", "1", "}\"")),
        default(nested("f(", "1", ")")),
        default(nested("!", "true", "")),
        default(nested("-", "1", "")),
        default(nested("1 + ", "1", "")),
        default(nested("true ? 1 : ", "1", "")),
        default(nested("[for x in ", "[]", " : x]")),
        default(nested("a[", "0", "]")),
        default(format!("a{}", "[0]".repeat(LEVELS))),
        default(format!("a{}", ".b".repeat(LEVELS))),
        default(format!(
            "<<E\n{}\nE\n",
            nested("%{ if true }", "", "%{ endif }")
        )),
        kind(nested("list(", "string", ")")),
        kind(nested("object({ a = ", "string", " })")),
        kind(nested("tuple([", "string", "])")),
        kind(nested("object({ a = optional(", "string", ") })")),
        nested("locals {\n", "", "}\n"),
        nested("locals {\n", "", ""),
        nested("/* ", "", ""),
    ];
    let mut read = Vec::new();
    for text in &all {
        let files = bundle(&[("template.toml", GOOD), ("main.tf", text)]);
        match Template::parse(&files) {
            Ok(_) => read.push(&text[..40]),
            Err(found) => {
                assert_eq!(found.file, "main.tf", "{}", &text[..60]);
                assert!(found.reason.len() < 400, "it repeats what it read");
            }
        }
    }
    assert_eq!(read, Vec::<&str>::new());
}
