//! `.sqlx`: what PostgreSQL said about every checked query in the house.
//!
//! Ordinary builds never need a database: they read these files. This command makes them, by
//! compiling the crates that hold SQL against a private PostgreSQL with our migrations applied.
//! sqlx's macros look every query up and write what they learn into SQLX_OFFLINE_DIR.

use crate::ui::Step;
use crate::{Result, cmd, pg, tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The major that the committed files were made with: another one may judge nullability otherwise.
const MADE_WITH: u32 = 15;
const FOLDER: &str = ".sqlx";

/// `queries`: write; `queries --check`: only compare, and fail where they differ.
pub fn run(args: &[String]) -> Result<()> {
    let check = args.iter().any(|arg| arg == "--check");
    if check {
        compare().map(|_| ())
    } else {
        write()
    }
}

/// Compares the committed files with what the SQL of now needs. True when there was anything to compare.
pub fn compare() -> Result<bool> {
    let binaries = pg::ensure()?;
    let fresh = learn(&binaries, false)?;
    let step = Step::begin("query data");
    let differences = differences(
        &read(Path::new(FOLDER)),
        &fresh,
        binaries.major() == MADE_WITH,
    );
    if differences.is_empty() {
        step.done(&format!("{} queries, all as committed", fresh.len()));
        return Ok(!fresh.is_empty());
    }
    drop(step);
    let lines: Vec<String> = differences.iter().map(|line| format!("  {line}")).collect();
    Err(format!(
        "{FOLDER} does not fit the SQL:\n{}\nrun `make queries` and commit {FOLDER}",
        lines.join("\n")
    ))
}

fn write() -> Result<()> {
    let binaries = pg::ensure()?;
    let fresh = learn(&binaries, true)?;
    let step = Step::begin("query data");
    let old = read(Path::new(FOLDER));
    for (name, text) in fresh
        .iter()
        .filter(|(name, text)| old.get(*name) != Some(text))
    {
        tree::write(&Path::new(FOLDER).join(name), text.as_bytes())?;
    }
    let stale: Vec<&String> = old
        .keys()
        .filter(|name| !fresh.contains_key(*name))
        .collect();
    for name in &stale {
        fs::remove_file(Path::new(FOLDER).join(name))
            .map_err(|error| format!("{name}: {error}"))?;
    }
    let new = fresh.keys().filter(|name| !old.contains_key(*name)).count();
    step.done(&format!(
        "{} queries in {FOLDER}, {new} new, {} gone",
        fresh.len(),
        stale.len()
    ));
    Ok(())
}

/// Asks a private PostgreSQL about every query. Keeps what could be learnt when the code does not compile.
fn learn(binaries: &pg::Binaries, own: bool) -> Result<BTreeMap<String, String>> {
    let packages = packages_with_queries();
    let step = Step::begin("a private database with our migrations");
    let cluster = pg::Cluster::start(binaries, false)?;
    cluster
        .session("postgres")?
        .run("create database slipway")?;
    let mut migrations = tree::files(&["migrations"]);
    migrations.retain(|file| file.extension().is_some_and(|end| end == "sql"));
    for file in &migrations {
        let sql =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        cluster
            .session("slipway")?
            .run(&sql)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    step.done(&format!("{} applied", migrations.len()));

    let out = tree::target().join("queries/data");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    if packages.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut step = Step::begin("asking it about every query");
    step.hand_over(&packages.join(", "));
    let mut outcome = Ok(());
    for package in &packages {
        let mut build = ask(package, own, &out)?;
        // The process environment wins over `SQLX_OFFLINE = "true"` in .cargo/config.toml.
        build
            .env("SQLX_OFFLINE", "false")
            .env("DATABASE_URL", cluster.url("slipway"))
            .env("SQLX_OFFLINE_DIR", &out);
        outcome = outcome.and(cmd::visible(&mut build));
    }
    drop(cluster);
    let fresh = read(&out);
    if let Err(error) = outcome {
        for (name, text) in &fresh {
            tree::write(&Path::new(FOLDER).join(name), text.as_bytes())?;
        }
        let learnt = fresh.len();
        return Err(format!(
            "{error}; the {learnt} queries that could be asked about are in {FOLDER}, nothing was removed"
        ));
    }
    step.done("answered");
    Ok(fresh)
}

/// The cargo command that compiles one package and is certain to run its macros.
///
/// For a person who writes queries, in a target folder of our own: no other build waits or is disturbed,
/// and cargo forgets just this package first. For `make check`, in the common folder, whose dependencies
/// are built already; there a `--cfg` that was never used before makes cargo compile it again.
fn ask(package: &str, own: bool, answers: &Path) -> Result<Command> {
    let mut build = Command::new("cargo");
    if own {
        let target = tree::target().join("queries");
        let mut clean = Command::new("cargo");
        clean
            .args(["clean", "--quiet", "-p", package, "--target-dir"])
            .arg(&target);
        cmd::output(&mut clean)?;
        build
            .args(["check", "--quiet", "-p", package, "--target-dir"])
            .arg(target);
    } else {
        // The moment at which the folder for the answers was made: never the same twice.
        let made = fs::metadata(answers).and_then(|meta| meta.modified());
        let since = made
            .ok()
            .and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
        let unique = since.map_or(0, |time| time.as_nanos());
        build.args(["rustc", "--quiet", "--profile", "check", "-p", package]);
        build.args(["--lib", "--", "--cfg", &format!("asked_{unique}")]);
    }
    Ok(build)
}

/// The packages whose sources call sqlx's checked macros.
fn packages_with_queries() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec!["app".into(), "server".into()];
    folders.extend(
        fs::read_dir("crates")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    folders.sort();
    for folder in folders {
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
            continue;
        };
        let source = folder.join("src").to_string_lossy().into_owned();
        let asks = tree::files(&[&source]).iter().any(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            ["query!(", "query_as!(", "query_scalar!("]
                .iter()
                .any(|call| text.contains(call))
        });
        let name = manifest
            .lines()
            .find_map(|line| line.strip_prefix("name = "))
            .map(|name| name.trim_matches('"'));
        if let (true, Some(name)) = (asks, name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"))
        .filter_map(|entry| {
            Some((
                entry.file_name().into_string().ok()?,
                fs::read_to_string(entry.path()).ok()?,
            ))
        })
        .collect()
}

/// What differs, a line each: missing, extra, or (when the same major made both) other in content.
fn differences(
    committed: &BTreeMap<String, String>,
    fresh: &BTreeMap<String, String>,
    contents: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, text) in fresh {
        match committed.get(name) {
            None => lines.push(format!("missing: {name}")),
            Some(old) if contents && old != text => lines.push(format!("stale:   {name}")),
            Some(_) => {}
        }
    }
    lines.extend(
        committed
            .keys()
            .filter(|name| !fresh.contains_key(*name))
            .map(|name| format!("extra:   {name}")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::differences;
    use std::collections::BTreeMap;

    fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn missing_stale_and_extra_files_are_each_named() {
        let committed = data(&[("a", "1"), ("b", "1"), ("d", "1")]);
        let fresh = data(&[("a", "1"), ("b", "2"), ("c", "1")]);
        assert_eq!(
            differences(&committed, &fresh, true),
            ["stale:   b", "missing: c", "extra:   d"]
        );
    }

    #[test]
    fn another_major_is_not_asked_about_contents() {
        assert!(differences(&data(&[("a", "1")]), &data(&[("a", "2")]), false).is_empty());
    }
}
