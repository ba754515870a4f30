//! Running other programs: found on PATH, started without a shell, their failures told in words.

use crate::Result;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of a program on PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

/// Whether a file is there and may be executed by somebody.
pub fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A program's standard output, or what it said on standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{shown} did not start: {error}"))?;
    if !output.status.success() {
        // Linters speak on standard output.
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        return Err(format!(
            "{shown} failed ({}): {}",
            output.status,
            tail(&said, 15)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program whose output goes to the terminal.
pub fn visible(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{shown} did not start: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "{shown} failed ({status}); what it said stands above"
        ))
    }
}

/// Runs a program whose output goes to a log file, of which a failure shows the end.
pub fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let shown = show(command);
    let file = append(log)?;
    let copy = file
        .try_clone()
        .map_err(|error| format!("{}: {error}", log.display()))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .status()
        .map_err(|error| format!("{shown} did not start: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(log).unwrap_or_default();
    Err(format!(
        "{shown} failed ({status}); the end of {}:\n{}",
        log.display(),
        tail(&said, 15)
    ))
}

/// A file to append to, its folder made first.
pub fn append(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(|error| format!("{}: {error}", log.display()))
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Whether we may install packages: the superuser of a Debian.
pub fn may_apt() -> bool {
    is_root() && find("apt-get").is_some()
}

/// Whether we are the superuser.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of our own /proc entry on Linux; elsewhere ask `id`.
    match std::fs::metadata("/proc/self") {
        Ok(meta) => meta.uid() == 0,
        Err(_) => output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0"),
    }
}

/// Installs Debian packages; refreshes the package lists first, because a bare machine has none.
pub fn apt(packages: &[&str], log: &Path) -> Result<()> {
    logged(Command::new("apt-get").arg("update"), log)?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages);
    logged(install.env("DEBIAN_FRONTEND", "noninteractive"), log)
}

fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    if text.chars().count() > 160 {
        text = text.chars().take(157).collect::<String>() + "...";
    }
    format!("`{text}`")
}
