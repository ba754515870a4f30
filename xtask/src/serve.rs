//! `make run`: every part found or made, then this process becomes `slipway up`.

use crate::ui::Step;
use crate::{Result, aws, cmd, engine, lab, pg, tree, wasm};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that the server is made of.
const SERVER_INPUTS: &[&str] = &[
    "app/src",
    "app/Cargo.toml",
    "crates",
    "server",
    "migrations",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    ".sqlx",
];

/// Brings everything in place and becomes `slipway up`; further words are its own (`--listen …`). With
/// `lab` it is connected to a cluster on this machine.
pub fn run(args: &[String], lab: bool) -> Result<()> {
    let release = args.iter().any(|arg| arg == "--release");
    let mut up = Command::new(everything(release)?);
    up.arg("up")
        .args(args.iter().filter(|arg| *arg != "--release"));
    for (name, value) in parts()? {
        up.env(name, value);
    }
    if lab {
        for (name, value) in lab::ensure(true)?.env {
            up.env(name, value);
        }
    }
    // Standard input stays: Ctrl-C and the terminal belong to the portal from here on.
    Err(format!("slipway did not start: {}", up.exec()))
}

/// Builds the browser side and the server; returns the program.
pub fn everything(release: bool) -> Result<PathBuf> {
    let step = Step::begin("C linker");
    match cmd::find("cc") {
        Some(found) => step.done(&format!("found {}", found.display())),
        None => return Err("a C compiler (cc) is missing: please install gcc or clang".into()),
    }
    wasm::ensure()?;
    server(release)
}

/// The environment that tells `slipway` where its parts are. What the person set stays as it is.
pub fn parts() -> Result<Vec<(&'static str, String)>> {
    let root = tree::root();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut env = Vec::new();
    if std::env::var_os("SLIPWAY_DATABASE_URL").is_none() {
        env.push(("SLIPWAY_PG_BIN", text(&pg::ensure()?.bin)));
    }
    let engine = engine::ensure()?;
    env.push(("SLIPWAY_ENGINE", text(&engine.program)));
    // The second engine, for templates that name it, where it is there already.
    if let Some(tofu) = engine::opentofu(false).filter(|tofu| tofu.program != engine.program) {
        env.push(("SLIPWAY_ENGINE_TOFU", text(&tofu.program)));
    }
    env.push(("SLIPWAY_SITE", text(&wasm::site_folder())));
    env.push(("SLIPWAY_CATALOG", text(&root.join("infra/catalog"))));
    env.push(("SLIPWAY_DATA", text(&root.join(".data"))));
    if std::env::var("AWS").is_ok_and(|value| value == "moto") {
        env.extend(aws::ensure().env);
    }
    let kept = |name: &str| {
        name != "SLIPWAY_PG_BIN" && name != "SLIPWAY_ENGINE" && std::env::var_os(name).is_some()
    };
    env.retain(|(name, _)| !kept(name));
    Ok(env)
}

/// Builds the server unless nothing changed.
pub fn server(release: bool) -> Result<PathBuf> {
    let profile = if release { "release" } else { "debug" };
    let program = tree::target().join(profile).join("slipway");
    let stamp = tree::Stamp::of(&format!("server-{profile}"), SERVER_INPUTS, "");
    let mut step = Step::begin("server");
    if program.exists() && stamp.is_fresh() {
        step.done("nothing changed");
        return Ok(program);
    }
    step.hand_over(&format!("building ({profile})"));
    let mut build = Command::new("cargo");
    build.args(["build", "-p", "slipway"]);
    if release {
        build.arg("--release");
    }
    cmd::visible(&mut build)?;
    stamp.set()?;
    step.done("built");
    Ok(program)
}
