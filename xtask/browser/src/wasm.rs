//! The WASM: wasm-bindgen's glue, then wasm-opt when there is one. Kept by digest, because it takes seconds.

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasm_bindgen_cli_support::Bindgen;

/// What the browser loads of our Rust.
pub struct Built {
    /// The module that instantiates it. Its caller passes the address of the WASM.
    pub js: String,
    /// The WASM.
    pub wasm: Vec<u8>,
}

/// Makes both from what cargo built, or takes them from the cache.
pub fn build(input: &Path, cache: &Path, wasm_opt: Option<&Path>) -> Result<Built> {
    let bytes = fs::read(input).with_context(|| format!("reading {}", input.display()))?;
    let mut hasher = Sha256::new();
    hasher.update(&bytes);
    hasher.update(if wasm_opt.is_some() {
        b"optimised" as &[u8]
    } else {
        b"plain"
    });
    let name: String = hasher
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = cache.join(name);
    let (js, wasm) = (folder.join("slipway.js"), folder.join("slipway_bg.wasm"));
    // The WASM is moved there last: if it is there, both are whole.
    if !wasm.exists() {
        generate(&bytes, &folder, wasm_opt)?;
    }
    Ok(Built {
        js: fs::read_to_string(js)?,
        wasm: fs::read(wasm)?,
    })
}

fn generate(bytes: &[u8], folder: &Path, wasm_opt: Option<&Path>) -> Result<()> {
    let mut output = Bindgen::new()
        .input_bytes("slipway", bytes.to_vec())
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen could not read the built WASM; is Cargo.lock's wasm-bindgen the pinned version?")?;
    // Inline script snippets would be files of their own that the content security policy and the names by content know nothing of.
    let snippets: Vec<_> = output
        .snippets()
        .iter()
        .filter(|(_, scripts)| !scripts.is_empty())
        .collect();
    ensure!(
        snippets.is_empty() && output.local_modules().is_empty(),
        "a dependency brings script snippets: {snippets:?} {:?}",
        output.local_modules().keys()
    );
    ensure!(
        output.npm_dependencies().is_empty(),
        "a dependency wants npm packages in the browser"
    );
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(folder.join("slipway.js"), output.js())?;
    let plain = folder.join("plain.wasm");
    fs::write(&plain, output.wasm_mut().emit_wasm())?;
    if let Some(program) = wasm_opt {
        let optimised = folder.join("optimised.wasm");
        optimise(program, &plain, &optimised)?;
        fs::rename(optimised, &plain)?;
    }
    fs::rename(plain, folder.join("slipway_bg.wasm"))?;
    Ok(())
}

fn optimise(program: &Path, from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new(program);
    // It takes the allowed WASM features from the module's own target_features section.
    command.args(["-Oz", "-o"]).arg(to).arg(from);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", PathBuf::from(program).display()))?;
    if !output.status.success() {
        bail!(
            "wasm-opt failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
