use std::fmt;

use slipway_domain::plan::Diagnostic;

use super::process::KillReason;

/// A step that did not get to its end. Everything in it is redacted and may be stored and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What kind of failure, for the worker to decide by.
    pub failure: Failure,
    /// One line: what happened.
    pub message: String,
    /// Why, possibly several lines; may be empty.
    pub detail: String,
    /// What to do.
    pub hint: String,
    /// The engine's own errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The engine ran and said no: see the diagnostics.
    Engine,
    /// A variable's value was refused by the template: the first diagnostics' `address` is `var.<name>`.
    Input,
    /// Canceled before anything was begun.
    Canceled,
    /// The engine was ended from outside.
    Killed(KillReason),
    /// The state, the engine or the template is not the one that the plan was made with. Plan again.
    Stale,
    /// The state is locked by somebody else.
    Locked,
    /// The template cannot be run at all (a forbidden file name, an escaping path).
    Template,
    /// Something here failed: disk full, engine gone, backend unreachable.
    Worker,
}

impl Failed {
    pub(crate) fn new(
        failure: Failure,
        message: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            failure,
            message: message.into(),
            detail: detail.into(),
            hint: hint.into(),
            diagnostics: Vec::new(),
        }
    }

    /// A failed system call, with what was being done.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        let hint = if error.kind() == std::io::ErrorKind::StorageFull {
            "Make room on the disk that holds the worker's data folder, then try again."
        } else {
            "Look at the worker's data folder: it must be writable by the worker, and have room."
        };
        Self::new(
            Failure::Worker,
            format!("The worker could not {doing}."),
            error.to_string(),
            hint,
        )
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.detail.is_empty() {
            write!(f, " {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}
