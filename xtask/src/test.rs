//! `make test`: everything, from a bare clone to one closing line `N passed, N failed, N skipped`.
//!
//! A part that this machine lacks is a skip that is named. In CI (`CI=true`) a skip is a failure.

use crate::tiers::{Count, ORDER, Program};
use crate::ui::Step;
use crate::{
    Result, aws, browser, check, engine, imports, lab, platform, queries, serve, tiers, tree,
};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A test program that hangs must not take the whole run with it.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// One line of the closing table.
struct Tier {
    name: &'static str,
    count: Count,
    seconds: f64,
}

/// Runs all tiers, or those named in `args`.
pub fn run(args: &[String]) -> Result<()> {
    let wanted = |name: &str| args.is_empty() || args.iter().any(|arg| arg == name);
    let began = Instant::now();
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut tiers: Vec<Tier> = Vec::new();
    let mut named: Vec<String> = Vec::new();

    if wanted("check") {
        tiers.push(timed("check", checks));
    }
    let env = full_environment(&mut named)?;
    if ORDER.iter().any(|name| wanted(name)) {
        let programs = build()?;
        for name in ORDER.iter().filter(|name| wanted(name)) {
            let mine = programs
                .iter()
                .filter(|program| tiers::of(&program.package) == *name);
            tiers.push(timed(name, || {
                mine.fold(Count::default(), |mut sum, program| {
                    sum.add(run_one(program, &env, &mut named));
                    sum
                })
            }));
        }
    }
    if wanted("browser") {
        let started = Instant::now();
        let outcome = browser::run(&env, &[]);
        let count = outcome.unwrap_or_else(|reason| {
            named.push(format!("browser: {reason}"));
            Count::default()
        });
        tiers.push(Tier {
            name: "browser",
            count,
            seconds: started.elapsed().as_secs_f64(),
        });
    }
    if wanted("platform") {
        tiers.push(timed("platform", || platform::tier(&env, ci, &mut named)));
    }
    if ci {
        stop_test_cluster();
    }
    close(&tiers, &named, ci, began.elapsed())
}

/// The environment with the parts that only tests use: a second engine, and an AWS.
fn full_environment(named: &mut Vec<String>) -> Result<Vec<(&'static str, String)>> {
    let mut env = environment()?;
    env.retain(|(name, _)| *name != "SLIPWAY_ENGINE_TOFU");
    match engine::opentofu(true) {
        Some(tofu) => env.push((
            "SLIPWAY_ENGINE_TOFU",
            tofu.program.to_string_lossy().into_owned(),
        )),
        None => {
            named.push("OpenTofu: neither installed nor is there a Go to build it with".to_owned());
        }
    }
    if std::env::var("AWS").map_or(true, |value| value.is_empty()) {
        env.extend(aws::ensure().env);
    }
    // Its parts are those of the platform's tiers, which CI builds anyway.
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if std::env::var_os("SLIPWAY_CLUSTERS").is_none() {
        match lab::ensure(ci) {
            Ok(lab) => env.extend(lab.env),
            Err(reason) => named.push(format!("the lab: {reason}")),
        }
    }
    let mirror = env
        .iter()
        .find(|(name, _)| *name == "SLIPWAY_PROVIDER_MIRROR")
        .map(|(_, mirror)| mirror.clone());
    env.extend(mirror.map(|mirror| ("SLIPWAY_PROVIDERS", mirror)));
    Ok(env)
}

/// Builds the house and says where its parts are, as tests read it.
pub fn environment() -> Result<Vec<(&'static str, String)>> {
    let program = serve::everything(false)?;
    let mut env = serve::parts()?;
    // A test makes its own data folders; the person's is none of its business.
    env.retain(|(name, _)| *name != "SLIPWAY_DATA");
    env.push(("SLIPWAY_BIN", program.to_string_lossy().into_owned()));
    env.push(("LEPTOS_OUTPUT_NAME", "slipway".to_owned()));
    Ok(env)
}

/// The testkit's PostgreSQL keeps running for a person's next run. CI has none, so it is stopped there.
fn stop_test_cluster() {
    // The folder's name as crates/testkit/src/cluster.rs makes it: FNV-1a of the workspace's path.
    let root = tree::root().to_string_lossy().into_owned();
    let key = root.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let file = std::env::temp_dir().join(format!("slipway-test-{key:016x}/pg/data/postmaster.pid"));
    let text = fs::read_to_string(file).unwrap_or_default();
    if let Some(pid) = text.lines().next() {
        let _ = Command::new("kill").args(["-INT", pid]).status();
    }
}

fn timed(name: &'static str, work: impl FnOnce() -> Count) -> Tier {
    println!("\n━━ {name}");
    let started = Instant::now();
    let count = work();
    Tier {
        name,
        count,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// The checks of `make check`, each counted as one test.
fn checks() -> Count {
    let mut count = Count::default();
    for outcome in [
        check::format(),
        imports::check().map(|_| ()),
        check::lints(),
        check::browser_lints(),
        check::scripts(),
        queries::compare().map(|_| ()),
    ] {
        match outcome {
            Ok(()) => count.passed += 1,
            Err(message) => {
                eprintln!("slipway: {message}");
                count.failed += 1;
            }
        }
    }
    count
}

fn build() -> Result<Vec<Program>> {
    let mut step = Step::begin("test programs");
    step.hand_over("building");
    let mut build = Command::new("cargo");
    build.args([
        "test",
        "--workspace",
        "--exclude",
        "slipway-hydrate",
        "--no-run",
        "--quiet",
    ]);
    build
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = build
        .output()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if !output.status.success() {
        return Err("the tests do not compile; what cargo said stands above".into());
    }
    let programs = tiers::programs(&String::from_utf8_lossy(&output.stdout));
    step.done(&format!("{} built", programs.len()));
    Ok(programs)
}

/// Runs one test program as cargo would; shows what it said only when something failed.
fn run_one(program: &Program, env: &[(&'static str, String)], named: &mut Vec<String>) -> Count {
    let name = if program.target.replace('_', "-") == program.package {
        program.package.clone()
    } else {
        format!("{} {}", program.package, program.target)
    };
    let step = Step::begin(&name);
    let log = tree::target()
        .join("test")
        .join(format!("{}.log", name.replace(' ', "-")));
    let outcome = execute(program, env, &log);
    let said = fs::read_to_string(&log).unwrap_or_default();
    let mut count = tiers::count(&said);
    let skips = tiers::skips(&said);
    count.passed = count.passed.saturating_sub(skips.len() as u64);
    match outcome {
        Ok(true) => step.done(&format!(
            "{} passed{}",
            count.passed,
            also(count.skipped + skips.len() as u64, "skipped")
        )),
        Ok(false) | Err(_) => {
            // A crash or a hang has no result line; it is a failure all the same.
            count.failed = count.failed.max(1);
            drop(step);
            println!("{said}");
            if let Err(reason) = outcome {
                println!("{name}: {reason}");
            }
        }
    }
    named.extend(skips.into_iter().map(|why| format!("{name}: {why}")));
    count
}

fn execute(program: &Program, env: &[(&'static str, String)], log: &Path) -> Result<bool> {
    let told = |error: std::io::Error| format!("{}: {error}", log.display());
    tree::write(log, b"")?;
    let file = crate::cmd::append(log)?;
    let copy = file.try_clone().map_err(told)?;
    let mut command = Command::new(&program.executable);
    command
        .current_dir(&program.folder)
        // What a passing test says matters when it says that it skipped something.
        .arg("--show-output")
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .envs(env.iter().map(|(name, value)| (name, value)));
    // What a person's shell says must not change a test.
    command
        .env_remove("TF_CLI_CONFIG_FILE")
        .env_remove("SLIPWAY_DATABASE_URL")
        .env_remove("SLIPWAY_DATA");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .spawn()
        .map_err(told)?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(told)? {
            return Ok(status.success());
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!(
                "was stopped after {} minutes",
                PATIENCE.as_secs() / 60
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn also(number: u64, word: &str) -> String {
    if number == 0 {
        String::new()
    } else {
        format!(", {number} {word}")
    }
}

/// The table, the skips by name, and the line that CI reads.
fn close(tiers: &[Tier], skips: &[String], ci: bool, took: Duration) -> Result<()> {
    let mut total = Count::default();
    println!(
        "\n{:<10} {:>8} {:>8} {:>8} {:>10}",
        "tier", "passed", "failed", "skipped", "seconds"
    );
    for Tier {
        name,
        count,
        seconds,
    } in tiers
    {
        println!(
            "{name:<10} {:>8} {:>8} {:>8} {seconds:>10.1}",
            count.passed, count.failed, count.skipped
        );
        total.add(*count);
    }
    for skip in skips {
        println!("skipped: {skip}");
        total.skipped += 1;
    }
    println!(
        "{} min {} s in all\n",
        took.as_secs() / 60,
        took.as_secs() % 60
    );
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    if total.failed > 0 {
        return Err(format!("{} failed", total.failed));
    }
    if ci && total.skipped > 0 {
        return Err(format!(
            "{} skipped, which CI does not allow",
            total.skipped
        ));
    }
    Ok(())
}
