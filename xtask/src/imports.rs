//! Who may import whom: the arrows of docs/architecture.md, kept over `cargo metadata`.

use crate::json::Json;
use crate::ui::Step;
use crate::{Result, cmd};
use std::process::Command;

/// One room and the rooms that it may import. What is not listed here is refused: a new crate is a decision.
const ARROWS: &[(&str, &[&str])] = &[
    ("slipway-domain", &[]),
    ("slipway-seal", &[]),
    ("slipway-call", &[]),
    ("slipway-oidc", &["slipway-call"]),
    ("slipway-policy", &["slipway-domain"]),
    ("slipway-catalog", &["slipway-domain", "slipway-seal"]),
    (
        "slipway-services",
        &[
            "slipway-policy",
            "slipway-catalog",
            "slipway-seal",
            "slipway-domain",
        ],
    ),
    (
        "slipway-adapters",
        &["slipway-call", "slipway-seal", "slipway-domain"],
    ),
    (
        "slipway-worker",
        &[
            "slipway-services",
            "slipway-adapters",
            "slipway-catalog",
            "slipway-seal",
            "slipway-domain",
        ],
    ),
    (
        "slipway-app",
        &["slipway-domain", "slipway-services", "slipway-catalog"],
    ),
    (
        "slipway",
        &[
            "slipway-app",
            "slipway-services",
            "slipway-worker",
            "slipway-catalog",
            "slipway-oidc",
            "slipway-call",
            "slipway-seal",
            "slipway-domain",
        ],
    ),
    ("slipway-hydrate", &["slipway-app"]),
    (
        "slipway-testkit",
        &[
            "slipway-services",
            "slipway-catalog",
            "slipway-policy",
            "slipway-seal",
            "slipway-domain",
        ],
    ),
    ("slipway-browser", &[]),
    ("xtask", &[]),
];

/// What the front rooms import for the server alone, so that the browser never loads it.
const ONLY_WITH_SSR: &[&str] = &["slipway-services", "slipway-catalog"];

/// What the browser's side may never contain.
const NOT_IN_THE_BROWSER: &[&str] = &[
    "tokio",
    "sqlx",
    "sqlx-core",
    "sqlx-postgres",
    "reqwest",
    "hyper",
    "axum",
    "tower-http",
    "rustls",
    "ring",
    "mio",
    "regorus",
    "slipway-services",
    "slipway-catalog",
    "slipway-policy",
    "slipway-seal",
    "slipway-oidc",
    "slipway-call",
    "slipway-adapters",
    "slipway-worker",
    "slipway",
];

/// One import of a crate of ours by another.
#[derive(Debug)]
pub struct Import {
    from: String,
    to: String,
    dev: bool,
    optional: bool,
}

/// Checks both rules over the workspace as it is. The number of imports that were judged.
pub fn check() -> Result<usize> {
    let step = Step::begin("import rules");
    let mut ask = Command::new("cargo");
    let metadata = cmd::output(ask.args(["metadata", "--format-version=1", "--no-deps"]))?;
    let imports = imports(&Json::read(&metadata)?);
    let mut tree = Command::new("cargo");
    tree.args([
        "tree",
        "-p",
        "slipway-hydrate",
        "--target",
        "wasm32-unknown-unknown",
    ]);
    let tree = cmd::output(tree.args([
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let mut broken = violations(&imports);
    broken.extend(in_the_browser(&tree));
    if broken.is_empty() {
        step.done(&format!("{} imports, all allowed", imports.len()));
        return Ok(imports.len());
    }
    drop(step);
    Err(format!("import rules:\n  {}", broken.join("\n  ")))
}

fn imports(metadata: &Json) -> Vec<Import> {
    let mut found = Vec::new();
    for package in metadata.get("packages").list() {
        for dependency in package.get("dependencies").list() {
            // A dependency with a path is one of ours.
            if dependency.get("path").text().is_empty() {
                continue;
            }
            found.push(Import {
                from: package.get("name").text().to_owned(),
                to: dependency.get("name").text().to_owned(),
                dev: dependency.get("kind").text() == "dev",
                optional: dependency.get("optional").is_true(),
            });
        }
    }
    found
}

/// Each import that breaks a rule, as a sentence that names both crates and the rule.
fn violations(imports: &[Import]) -> Vec<String> {
    let mut broken = Vec::new();
    for Import {
        from,
        to,
        dev,
        optional,
    } in imports
    {
        let mut refuse = |rule: &str| broken.push(format!("`{from}` imports `{to}`: {rule}"));
        if to == "slipway" {
            refuse("nothing imports the server");
        } else if to == "slipway-testkit" && !dev {
            refuse("the testkit is for tests alone ([dev-dependencies])");
        } else if *dev {
            // Tests may look at more than the room itself does.
        } else {
            match ARROWS.iter().find(|(name, _)| name == from) {
                None => refuse(
                    "a crate without a rule; give it one in xtask/src/imports.rs and docs/architecture.md",
                ),
                Some((_, [])) => refuse(&format!("`{from}` imports nothing of ours")),
                Some((_, allowed)) if !allowed.contains(&to.as_str()) => {
                    refuse(&format!("`{from}` may import {} only", allowed.join(", ")));
                }
                Some(_)
                    if from == "slipway-app"
                        && ONLY_WITH_SSR.contains(&to.as_str())
                        && !optional =>
                {
                    refuse(
                        "the front rooms import the office only with the feature `ssr` (optional = true)",
                    );
                }
                Some(_) => {}
            }
        }
    }
    broken
}

/// Each crate of the browser's tree that may not be there. `tree` has one `name version` a line.
fn in_the_browser(tree: &str) -> Vec<String> {
    let mut broken: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| NOT_IN_THE_BROWSER.contains(name))
        .map(|name| format!("`slipway-hydrate` brings `{name}` into the browser: it belongs to the server's side (feature `ssr`)"))
        .collect();
    broken.sort();
    broken.dedup();
    broken
}

#[cfg(test)]
mod tests {
    use super::{Import, imports, in_the_browser, violations};
    use crate::json::Json;

    fn import(from: &str, to: &str, kind: &str) -> Import {
        Import {
            from: from.into(),
            to: to.into(),
            dev: kind == "dev",
            optional: kind == "optional",
        }
    }

    #[test]
    fn the_arrows_of_the_plan_are_allowed() {
        let good = [
            import("slipway-hydrate", "slipway-app", ""),
            import("slipway-app", "slipway-services", "optional"),
            import("slipway-services", "slipway-policy", ""),
            import("slipway-services", "slipway-testkit", "dev"),
            import("slipway-worker", "slipway-adapters", ""),
            import("slipway", "slipway-worker", ""),
        ];
        assert!(violations(&good).is_empty());
    }

    #[test]
    fn each_broken_rule_names_both_crates_and_the_rule() {
        for (from, to, kind, rule) in [
            ("slipway-services", "slipway-adapters", "", "may import"),
            (
                "slipway-domain",
                "slipway-seal",
                "",
                "imports nothing of ours",
            ),
            (
                "slipway-policy",
                "slipway-services",
                "",
                "may import slipway-domain only",
            ),
            (
                "slipway-worker",
                "slipway",
                "",
                "nothing imports the server",
            ),
            (
                "slipway-services",
                "slipway",
                "dev",
                "nothing imports the server",
            ),
            ("slipway", "slipway-adapters", "", "may import"),
            ("slipway-services", "slipway-testkit", "", "for tests alone"),
            (
                "slipway-app",
                "slipway-services",
                "",
                "only with the feature `ssr`",
            ),
            (
                "slipway-new",
                "slipway-domain",
                "",
                "a crate without a rule",
            ),
        ] {
            let broken = violations(&[import(from, to, kind)]);
            assert_eq!(broken.len(), 1, "{from} → {to}");
            for part in [format!("`{from}`"), format!("`{to}`"), rule.to_owned()] {
                assert!(broken[0].contains(&part), "{} lacks {part}", broken[0]);
            }
        }
    }

    #[test]
    fn the_browser_gets_nothing_of_the_server() {
        let broken = in_the_browser(
            "slipway-hydrate v0.1.0 (/x)\nleptos v0.8.23\ntokio v1.54.0\ntokio v1.54.0 (*)\n",
        );
        assert_eq!(broken.len(), 1);
        assert!(broken[0].contains("`tokio`"));
    }

    #[test]
    fn imports_are_read_from_cargos_own_words() {
        let text = r#"{"packages":[{"name":"a","dependencies":[
            {"name":"b","kind":null,"optional":true,"path":"/x/b"},
            {"name":"serde","kind":null,"optional":false},
            {"name":"t","kind":"dev","optional":false,"path":"/x/t"}]}]}"#;
        let found = imports(&Json::read(text).expect("JSON"));
        let read: Vec<_> = found
            .iter()
            .map(|import| (import.to.as_str(), import.dev, import.optional))
            .collect();
        assert_eq!(read, [("b", false, true), ("t", true, false)]);
    }
}
