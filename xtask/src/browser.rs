//! The browser tier: Playwright over a Chromium that is on the machine. A browser is never downloaded.

use crate::json::Json;
use crate::tiers::{self, Count};
use crate::ui::Step;
use crate::{Result, cmd, test, tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// `journeys`: builds what changed and runs the journeys alone; `args` are Playwright's (a file, `-g name`, `--headed`).
pub fn journeys(args: &[String]) -> Result<()> {
    let env = test::environment()?;
    let count = run(&env, args)?;
    println!(
        "{} passed, {} failed, {} skipped",
        count.passed, count.failed, count.skipped
    );
    if count.failed == 0 {
        Ok(())
    } else {
        Err("a journey failed".into())
    }
}

/// Runs the journeys. An error is a part that is missing: the tier is skipped.
pub fn run(env: &[(&'static str, String)], words: &[String]) -> Result<Count> {
    println!("\n━━ browser");
    let log = tree::target().join("xtask/browser.log");
    node(&log)?;
    let chromium = chromium(&log)?;
    packages(&log)?;
    let report = tree::target().join("test/playwright.json");
    let _ = fs::remove_file(&report);
    let mut journeys = Command::new("node_modules/.bin/playwright");
    journeys
        .arg("test")
        .args(words)
        .current_dir("end2end")
        .stdin(Stdio::null());
    journeys
        .env("SLIPWAY_CHROMIUM", chromium)
        .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &report)
        .envs(env.iter().map(|(name, value)| (name, value)));
    journeys
        .env_remove("SLIPWAY_DATABASE_URL")
        .env_remove("SLIPWAY_DATA");
    let status = journeys
        .status()
        .map_err(|error| format!("playwright did not start: {error}"))?;
    let text = fs::read_to_string(&report).unwrap_or_default();
    let mut count = Json::read(&text)
        .map(|report| tiers::playwright(&report))
        .unwrap_or_default();
    if !status.success() {
        count.failed = count.failed.max(1);
    }
    Ok(count)
}

fn node(log: &Path) -> Result<()> {
    if cmd::find("node").is_some() && cmd::find("npm").is_some() {
        return Ok(());
    }
    if !cmd::may_apt() {
        return Err("node and npm are missing: please install Node 18 or newer".into());
    }
    let mut step = Step::begin("Node");
    step.working("installing Debian's by apt");
    cmd::apt(&["nodejs", "npm"], log)?;
    step.done("installed");
    Ok(())
}

fn chromium(log: &Path) -> Result<PathBuf> {
    let found = || {
        let named = std::env::var_os("SLIPWAY_CHROMIUM").map(PathBuf::from);
        let on_path = ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .filter_map(|name| cmd::find(name));
        let mac = [
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
        ];
        named
            .into_iter()
            .chain(on_path)
            .chain(mac.iter().map(PathBuf::from))
            .find(|file| cmd::is_executable(file))
    };
    if let Some(found) = found() {
        return Ok(found);
    }
    if !cmd::may_apt() {
        return Err("Chromium is missing: please install it, or set SLIPWAY_CHROMIUM".into());
    }
    let mut step = Step::begin("Chromium");
    step.working("installing Debian's by apt");
    cmd::apt(&["chromium"], log)?;
    step.done("installed");
    found().ok_or_else(|| "Chromium was installed and cannot be found".to_owned())
}

fn packages(log: &Path) -> Result<()> {
    let stamp = tree::Stamp::of(
        "end2end",
        &["end2end/package.json", "end2end/package-lock.json"],
        "",
    );
    let mut step = Step::begin("Playwright and axe");
    if stamp.is_fresh() && Path::new("end2end/node_modules").is_dir() {
        step.done("nothing changed");
        return Ok(());
    }
    step.working("npm ci");
    let mut install = Command::new("npm");
    install
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir("end2end")
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    cmd::logged(&mut install, log)?;
    stamp.set()?;
    step.done("installed");
    Ok(())
}
