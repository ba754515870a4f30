//! Parts from PyPI, each in a virtual environment of its own, because their pins clash.

use crate::{Result, cmd, tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The python of a virtual environment that has these packages. Made once; whole or not there.
pub fn environment(folder: &Path, packages: &[&str], log: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python3");
    let done = folder.join("slipway-packages");
    let wanted = packages.join(" ");
    if fs::read_to_string(&done).is_ok_and(|text| text == wanted) && python.exists() {
        return Ok(python);
    }
    let _ = fs::remove_dir_all(folder);
    create(folder, log)?;
    let mut install = Command::new(&python);
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(packages);
    cmd::logged(&mut install, log)?;
    tree::write(&done, wanted.as_bytes())?;
    Ok(python)
}

/// Makes the environment. Debian splits venv off python3, so a failure is a reason to install it, where we may.
fn create(folder: &Path, log: &Path) -> Result<()> {
    let attempt = || {
        cmd::logged(
            Command::new("python3").args(["-m", "venv"]).arg(folder),
            log,
        )
    };
    if cmd::find("python3").is_some() && attempt().is_ok() {
        return Ok(());
    }
    if !cmd::may_apt() {
        return Err("python3 with its venv module is missing (Debian: python3-venv)".into());
    }
    cmd::apt(&["python3-venv"], log)?;
    let _ = fs::remove_dir_all(folder);
    attempt()
}
