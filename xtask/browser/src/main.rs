//! slipway-browser: from the built WASM, the styles and the scripts to `target/site`.
//!
//! Why it is a program of its own: it needs wasm-bindgen's library in the very version that the app
//! was compiled with, and xtask may have no dependencies. The same Cargo.lock keeps the versions equal.
//! Everything that it writes is named by its content, so that browsers may keep it for ever.

mod css;
mod site;
mod wasm;

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the command line says. xtask is its only caller.
#[derive(Default)]
struct Arguments {
    /// The cdylib that cargo built for wasm32. Without it the site has styles and scripts alone.
    wasm: Option<PathBuf>,
    /// The folder of the style sheets.
    style: PathBuf,
    /// The folder of the hand-written scripts.
    scripts: PathBuf,
    /// Where the site goes.
    out: PathBuf,
    /// Where what was made of a WASM is kept, by the WASM's digest.
    cache: PathBuf,
    /// Binaryen's wasm-opt, a program or a script for node.
    wasm_opt: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("browser side: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments = parse(std::env::args().skip(1))?;
    let mut site = site::Site::open(&arguments.out)?;
    if let Some(file) = &arguments.wasm {
        let built = wasm::build(file, &arguments.cache, arguments.wasm_opt.as_deref())?;
        site.add("slipway.js", "pkg/", built.js.as_bytes())?;
        site.add("slipway.wasm", "pkg/", &built.wasm)?;
    }
    let style = css::bundle(&arguments.style)?;
    if !style.is_empty() {
        site.add("style.css", "", style.as_bytes())?;
    }
    site.add_folder(&arguments.scripts, &["js", "svg", "ico", "png"])?;
    site.add_folder(&arguments.style, &["svg"])?;
    site.finish()
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let value = PathBuf::from(
            words
                .next()
                .with_context(|| format!("{word} needs a value"))?,
        );
        match word.as_str() {
            "--wasm" => arguments.wasm = Some(value),
            "--style" => arguments.style = value,
            "--scripts" => arguments.scripts = value,
            "--out" => arguments.out = value,
            "--cache" => arguments.cache = value,
            "--wasm-opt" => arguments.wasm_opt = Some(value),
            _ => bail!("unknown argument {word}"),
        }
    }
    if arguments.out.as_os_str().is_empty() {
        bail!("--out is missing");
    }
    Ok(arguments)
}
