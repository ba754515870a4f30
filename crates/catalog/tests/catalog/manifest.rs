//! Mistakes in a `template.toml`.

use crate::{GOOD, broken};

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
            "needs = []",
            "needs = []\nkeeps_data = [\"aws_db_instance.main\"]",
            6,
            "no resource “aws_db_instance.main”",
        ),
        (
            "[engine]",
            "[aws]\naccount = \"live\"\n[engine]",
            8,
            "“needs” does not say “aws”",
        ),
        (
            "needs = []",
            "needs = [\"aws\"]\naws = { account = \" \" }",
            6,
            "1 to 40 characters",
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
