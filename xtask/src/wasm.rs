//! The browser side: a standard library for wasm32, the WASM itself, and target/site around it.
//!
//! Every page works without JavaScript. So where no wasm32 standard library can be had, the portal
//! is built without its WASM, and the step says so.

use crate::ui::Step;
use crate::{Result, cmd, tree};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
const BINARYEN: &str = "132.0.0";

/// Everything that the WASM is made of.
const WASM_INPUTS: &[&str] = &[
    "app/src",
    "app/Cargo.toml",
    "crates/hydrate",
    "crates/domain",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];
/// What the site adds to it.
const SITE_INPUTS: &[&str] = &["style", "app/browser", "xtask/browser"];

/// How the WASM can be compiled here.
enum Toolchain {
    /// The toolchain on PATH has a standard library for wasm32.
    Ready,
    /// Debian's compiler and the sources of its standard library, which is compiled along.
    FromSource { linker: PathBuf },
}

/// Where the server finds the site.
pub fn site_folder() -> PathBuf {
    std::env::var_os("SLIPWAY_SITE").map_or_else(|| tree::target().join("site"), PathBuf::from)
}

/// Builds target/site unless nothing changed. False when it has to do without the WASM.
pub fn ensure() -> Result<bool> {
    let mut step = Step::begin("browser side");
    let inputs: Vec<&str> = WASM_INPUTS.iter().chain(SITE_INPUTS).copied().collect();
    let has_map = site_folder().join("assets.json").exists();
    if has_map && tree::Stamp::of("site", &inputs, "with").is_fresh() {
        step.done("nothing changed");
        return Ok(true);
    }
    if has_map && tree::Stamp::of("site", &inputs, "without").is_fresh() && ready().is_none() {
        step.skipped(&format!("nothing changed; still without WASM, {WITHOUT}"));
        return Ok(false);
    }
    let (with, without) = (
        tree::Stamp::of("site", &inputs, "with"),
        tree::Stamp::of("site", &inputs, "without"),
    );
    step.hand_over("building");
    let toolchain = toolchain();
    let wasm = match &toolchain {
        Ok(toolchain) => Some(compile(toolchain)?),
        Err(reason) => {
            println!("  without WASM: {reason}");
            None
        }
    };
    assemble(wasm.as_deref())?;
    if wasm.is_some() {
        with.set()?;
        step.done("built");
    } else {
        without.set()?;
        step.skipped(&format!("built without WASM, {WITHOUT}"));
    }
    Ok(wasm.is_some())
}

const WITHOUT: &str = "every page works without JavaScript, only live updates are missing: \
    for those please run `rustup target add wasm32-unknown-unknown` or install Debian's rustc-web, rust-web-src and cargo-web";

/// What is already here; nothing is installed or asked of the network.
fn ready() -> Option<Toolchain> {
    let mut ask = Command::new("rustc");
    let folder = cmd::output(ask.args(["--print", "target-libdir", "--target", TARGET])).ok()?;
    let has_std = fs::read_dir(folder.trim()).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
        })
    });
    if has_std {
        return Some(Toolchain::Ready);
    }
    let source = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml");
    let compilers = ["/usr/bin/rustc", "/usr/bin/cargo"]
        .iter()
        .all(|file| cmd::is_executable(Path::new(file)));
    let linker = linker();
    (source.exists() && compilers).then_some(())?;
    Some(Toolchain::FromSource { linker: linker? })
}

/// Finds a way to compile for wasm32 or makes one.
fn toolchain() -> Result<Toolchain> {
    if let Some(ready) = ready() {
        return Ok(ready);
    }
    let log = tree::target().join("xtask/wasm.log");
    if cmd::find("rustup").is_some() {
        let mut step = Step::begin("wasm32 standard library");
        step.working("rustup target add");
        match cmd::logged(Command::new("rustup").args(["target", "add", TARGET]), &log) {
            Ok(()) => step.done("installed by rustup"),
            Err(_) => step.skipped("rustup could not fetch it"),
        }
        if let Some(ready) = ready() {
            return Ok(ready);
        }
    }
    if cmd::may_apt() {
        let mut step = Step::begin("wasm32 standard library");
        step.working("installing Debian's sources of it by apt");
        cmd::apt(&["rustc-web", "rust-web-src", "cargo-web", "lld"], &log)?;
        step.done("installed as sources");
    }
    ready().ok_or_else(|| "there is no wasm32 standard library here".to_owned())
}

/// A linker for WASM: the toolchain's own, or LLVM's.
fn linker() -> Option<PathBuf> {
    let mut places = Vec::new();
    if let Ok(sysroot) = cmd::output(Command::new("rustc").args(["--print", "sysroot"])) {
        let hosts = fs::read_dir(Path::new(sysroot.trim()).join("lib/rustlib"));
        places.extend(
            hosts
                .into_iter()
                .flatten()
                .flatten()
                .map(|host| host.path().join("bin/rust-lld")),
        );
    }
    places.extend(
        ["rust-lld", "wasm-ld"]
            .iter()
            .filter_map(|name| cmd::find(name)),
    );
    let mut llvm: Vec<PathBuf> = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/wasm-ld"))
        .collect();
    llvm.sort();
    places.extend(llvm.into_iter().rev());
    places.into_iter().find(|place| cmd::is_executable(place))
}

fn compile(toolchain: &Toolchain) -> Result<PathBuf> {
    // A folder of its own: the other compiler and its standard library would undo the native builds.
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(_) => tree::target().join("wasm"),
        None => tree::root().join("target-wasm"),
    };
    let mut command = match toolchain {
        Toolchain::Ready => Command::new("cargo"),
        Toolchain::FromSource { linker } => {
            let mut command = Command::new("/usr/bin/cargo");
            command
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env_remove("RUSTUP_TOOLCHAIN");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            command.arg("-Zbuild-std=std,panic_abort");
            command
        }
    };
    command
        .args([
            "build",
            "-p",
            "slipway-hydrate",
            "--target",
            TARGET,
            "--profile",
            "wasm",
            "--target-dir",
        ])
        .arg(&target);
    cmd::visible(&mut command)?;
    Ok(target.join(TARGET).join("wasm/slipway_hydrate.wasm"))
}

fn assemble(wasm: Option<&Path>) -> Result<()> {
    let mut build = Command::new("cargo");
    cmd::visible(build.args(["build", "--quiet", "-p", "slipway-browser"]))?;
    let mut words: Vec<OsString> = Vec::new();
    let mut say = |name: &str, value: &Path| {
        words.extend([OsString::from(name), value.as_os_str().to_owned()])
    };
    say("--style", Path::new("style"));
    say("--scripts", Path::new("app/browser"));
    say("--out", &site_folder());
    say("--cache", &tree::target().join("xtask/browser"));
    if let Some(wasm) = wasm {
        say("--wasm", wasm);
        if let Some(program) = wasm_opt() {
            say("--wasm-opt", &program);
        }
    }
    cmd::visible(Command::new(tree::target().join("debug/slipway-browser")).args(words))
}

/// Binaryen's wasm-opt, which takes a fifth off. Nice to have: without npm or network it is done without.
fn wasm_opt() -> Option<PathBuf> {
    if let Some(found) = cmd::find("wasm-opt") {
        return Some(found);
    }
    let folder = tree::cache().join(format!("binaryen-{BINARYEN}"));
    let program = folder.join("node_modules/.bin/wasm-opt");
    if !program.exists() {
        cmd::find("npm")?;
        let log = tree::target().join("xtask/wasm.log");
        let mut step = Step::begin("wasm-opt");
        step.working("npm's binaryen");
        let mut install = Command::new("npm");
        install
            .args([
                "install",
                "--no-save",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefix",
            ])
            .arg(&folder);
        let made = fs::create_dir_all(&folder).is_ok();
        match cmd::logged(install.arg(format!("binaryen@{BINARYEN}")), &log) {
            Ok(()) if made => step.done(&format!("installed {BINARYEN}")),
            _ => {
                step.skipped("npm could not fetch it; the WASM is larger without");
                return None;
            }
        }
    }
    program.exists().then_some(program)
}
