//! A template that cannot be offered: where, why, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a template, for the person who wrote it. It harms no other template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The file, relative to the template's folder; `.` for the folder itself.
    pub file: String,
    /// The line in that file, from 1; 1 when the file as a whole is meant.
    pub line: u32,
    /// What is wrong, one sentence.
    pub reason: String,
    /// What to do about it, one sentence; may be empty.
    pub hint: String,
}

impl Broken {
    pub(crate) fn new(
        file: &str,
        line: u32,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line,
            reason: reason.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.hint)
        }
    }
}

impl std::error::Error for Broken {}

/// The line, from 1, of a byte offset.
pub(crate) fn line_at(source: &str, offset: usize) -> u32 {
    let before = source
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}
