//! Which test program belongs to which tier of docs/testing.md, and what it said.

use crate::json::Json;
use std::path::PathBuf;

/// The tiers of the Rust tests, in the order in which they run: the fastest to fail first.
pub const ORDER: &[&str] = &["tools", "rules", "office", "engine", "door"];

/// The tier of a package's tests.
pub fn of(package: &str) -> &'static str {
    match package {
        "slipway-domain" | "slipway-policy" | "slipway-seal" | "slipway-catalog" => "rules",
        "slipway-services" => "office",
        "slipway-adapters" | "slipway-worker" => "engine",
        "slipway-app" | "slipway" => "door",
        _ => "tools",
    }
}

/// How many tests did what.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Count {
    /// Adds another count.
    pub fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// A built test program.
#[derive(Debug, PartialEq)]
pub struct Program {
    pub package: String,
    pub target: String,
    pub executable: PathBuf,
    pub folder: PathBuf,
}

/// The test programs in the lines that `cargo test --no-run --message-format=json` writes.
pub fn programs(lines: &str) -> Vec<Program> {
    let mut found = Vec::new();
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        let Ok(message) = Json::read(line) else {
            continue;
        };
        let executable = message.get("executable").text();
        if executable.is_empty() || !message.get("profile").get("test").is_true() {
            continue;
        }
        let manifest = PathBuf::from(message.get("manifest_path").text());
        found.push(Program {
            package: package(message.get("package_id").text()),
            target: message.get("target").get("name").text().to_owned(),
            executable: PathBuf::from(executable),
            folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
        });
    }
    found
}

/// The name in a package id: `path+file:///x/crates/domain#slipway-domain@0.1.0`, or `…/server#slipway@0.1.0`,
/// or, where the folder has the package's name, `…/xtask#0.1.0`.
fn package(id: &str) -> String {
    let (path, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match fragment.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// Sums the lines `test result: ok. 4 passed; 0 failed; 1 ignored; …` of a program's output.
pub fn count(output: &str) -> Count {
    let mut total = Count::default();
    for line in output
        .lines()
        .filter(|line| line.starts_with("test result:"))
    {
        let number = |word: &str| -> u64 {
            let parts = line.split([';', '.']).map(str::trim);
            parts
                .filter_map(|part| part.strip_suffix(word)?.trim().parse().ok())
                .next()
                .unwrap_or(0)
        };
        total.add(Count {
            passed: number("passed"),
            failed: number("failed"),
            skipped: number("ignored"),
        });
    }
    total
}

/// What a program's tests said that they skipped, as `skipped: why` at the start of a line. Each reason once.
pub fn skips(output: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for why in output
        .lines()
        .filter_map(|line| line.strip_prefix("skipped: "))
    {
        if !found.iter().any(|old| old == why) {
            found.push(why.to_owned());
        }
    }
    found
}

/// What Playwright's JSON report counts. A flaky test failed once, so it failed.
pub fn playwright(report: &Json) -> Count {
    let stats = report.get("stats");
    let number = |key: &str| stats.get(key).number().max(0.0) as u64;
    Count {
        passed: number("expected"),
        failed: number("unexpected") + number("flaky"),
        skipped: number("skipped"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, count, package, playwright, programs, skips};
    use crate::json::Json;

    #[test]
    fn results_are_summed() {
        let text = "running 3 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                    test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured\n";
        assert_eq!(
            count(text),
            Count {
                passed: 3,
                failed: 4,
                skipped: 1
            }
        );
    }

    #[test]
    fn skips_are_told_once_and_only_at_the_start_of_a_line() {
        let text = "skipped: no tofu\nx skipped: y\nskipped: no tofu\nskipped: no mirror\n";
        assert_eq!(skips(text), ["no tofu", "no mirror"]);
    }

    #[test]
    fn a_flaky_journey_failed() {
        let report = Json::read(r#"{"stats":{"expected":7,"unexpected":1,"flaky":1,"skipped":2}}"#)
            .expect("JSON");
        assert_eq!(
            playwright(&report),
            Count {
                passed: 7,
                failed: 2,
                skipped: 2
            }
        );
    }

    #[test]
    fn packages_are_read_from_their_ids() {
        assert_eq!(
            package("path+file:///x/crates/domain#slipway-domain@0.1.0"),
            "slipway-domain"
        );
        assert_eq!(package("path+file:///x/xtask#0.1.0"), "xtask");
    }

    #[test]
    fn only_test_programs_are_taken() {
        let lines = concat!(
            r#"{"package_id":"p#a@1","manifest_path":"/x/a/Cargo.toml","target":{"name":"t"},"profile":{"test":true},"executable":"/t/a"}"#,
            "\n",
            r#"{"package_id":"p#a@1","manifest_path":"/x/a/Cargo.toml","target":{"name":"a"},"profile":{"test":false},"executable":"/t/b"}"#,
            "\nnoise\n",
        );
        let found = programs(lines);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].package.as_str(), found[0].folder.to_str()),
            ("a", Some("/x/a"))
        );
    }
}
