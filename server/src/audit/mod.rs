//! `slipway audit`: what can be said about an exported trail without the portal, its database or its network.

pub mod verify;

use std::{path::Path, process::ExitCode};

use anyhow::Context;

use crate::say;

/// `slipway audit verify FILE`
///
/// # Errors
/// If a file cannot be read.
pub fn run(file: &Path, key: Option<&str>, checkpoints: Option<&Path>) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let noted = match checkpoints {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?,
        None => String::new(),
    };
    match verify::verify(&text, key).and_then(|found| verify::compare(&text, &noted, found)) {
        Ok(found) => {
            say::line(&format!("✓ {found}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => {
            say::line(&format!("✗ {wrong}"));
            Ok(ExitCode::FAILURE)
        }
    }
}
