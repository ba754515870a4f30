//! What the end of a tool means, in words for people and in kinds for the worker.

use std::os::unix::process::ExitStatusExt;

use slipway_domain::plan::Diagnostic;

use super::{
    cancel::Stop,
    engine::Engine,
    failure::{Failed, Failure},
    process::{Ended, KillReason},
    run::End,
    saved::SavedPlan,
    state::StateVersion,
    ui::Ui,
};

/// The failure of a tool, unless it ended with one of the exit codes that are good.
pub(crate) fn failed(what: &str, ended: &Ended, ui: &Ui<'_>, good: &[i32]) -> Option<Failed> {
    if let Some(reason) = ended.killed {
        return Some(Failed {
            diagnostics: ui.diagnostics.clone(),
            ..killed(what, reason)
        });
    }
    if let Some(stranger) = &ui.stranger {
        return Some(Failed::new(
            Failure::Worker,
            format!(
                "The engine speaks version {stranger} of its interface, and only version 1 is understood."
            ),
            "",
            "Use an engine version that this Slipway knows.",
        ));
    }
    let code = ended.status.code();
    if code.is_some_and(|code| good.contains(&code)) {
        return None;
    }
    let error = ui.diagnostics.iter().find(|d| d.severity == "error");
    let mut failed = match (error, ended.status.signal()) {
        (Some(error), _) => {
            let (failure, hint) = kind(error);
            Failed::new(failure, error.summary.clone(), error.detail.clone(), hint)
        }
        (None, Some(signal)) => Failed::new(
            Failure::Worker,
            format!("The engine died during {what}."),
            format!("Signal {signal}; 9 is often the system's answer to too little memory."),
            "Look at the worker's memory, then try again.",
        ),
        (None, None) => Failed::new(
            Failure::Engine,
            format!(
                "The engine's {what} failed with exit code {}.",
                code.unwrap_or_default()
            ),
            ui.last_words.join("\n"),
            "Look at the log.",
        ),
    };
    failed.diagnostics.clone_from(&ui.diagnostics);
    Some(failed)
}

/// How an apply ended.
pub(crate) fn end(ended: &Ended, ui: &Ui<'_>, state_left_behind: bool) -> End {
    let Some(failed) = failed("apply", ended, ui, &[0]) else {
        return End::Done;
    };
    // The engine says that it begins with a resource before it does: if it said nothing, it did nothing, however it died.
    let whole = (ended.status.code().is_some() && !state_left_behind) || ui.tracker.is_idle();
    match ended.killed {
        // It was asked to stop when it had just finished.
        Some(_) if ended.status.success() => End::Done,
        Some(reason) if whole && (!reason.forced() || ui.tracker.is_idle()) => {
            End::Interrupted(failed)
        }
        None if whole => End::Failed(failed),
        _ => End::Vanished(failed),
    }
}

/// A tool that was ended from outside.
pub(crate) fn killed(what: &str, reason: KillReason) -> Failed {
    let message = match reason {
        KillReason::Deadline { .. } => {
            format!("The {what} took longer than it may, and was stopped.")
        }
        KillReason::Asked {
            stop: Stop::Canceled,
            ..
        } => format!("The {what} was canceled."),
        KillReason::Asked {
            stop: Stop::LeaseLost,
            ..
        } => format!("The {what} was stopped: the worker lost its claim."),
        KillReason::Asked {
            stop: Stop::Shutdown,
            ..
        } => format!("The {what} was stopped: the worker is shutting down."),
    };
    let detail = if reason.forced() {
        "It did not stop by itself and was killed."
    } else {
        ""
    };
    Failed::new(Failure::Killed(reason), message, detail, "")
}

/// Refuses a plan that was made with another engine or on another state.
pub(crate) fn fits(
    saved: &SavedPlan,
    engine: &Engine,
    now: Option<&StateVersion>,
) -> Result<(), Failed> {
    let stale = |detail: String| {
        Err(Failed::new(
            Failure::Stale,
            "The plan no longer fits.",
            detail,
            "Plan again.",
        ))
    };
    if saved.engine != engine.kind.name() || saved.engine_version != engine.version.to_string() {
        return stale(format!(
            "It was made by {} {}, and this worker has {} {}.",
            saved.engine,
            saved.engine_version,
            engine.kind.name(),
            engine.version
        ));
    }
    match (&saved.base, now) {
        (Some(base), Some(now)) if base.lineage != now.lineage => {
            stale("The state was replaced by another one: its lineage differs.".to_owned())
        }
        (Some(base), Some(now)) if base.serial != now.serial => stale(format!(
            "The state has moved on from serial {} to {}.",
            base.serial, now.serial
        )),
        (None, Some(_)) => {
            stale("There was no state when it was made, and now there is one.".to_owned())
        }
        (Some(_), None) => {
            stale("There was a state when it was made, and now there is none.".to_owned())
        }
        _ => Ok(()),
    }
}

/// True if the engine says that `init` has to run (again).
pub(crate) fn wants_init(failed: &Failed) -> bool {
    const SAYINGS: [&str; 7] = [
        "Backend initialization required",
        "Module not installed",
        "Module source has changed",
        "Required plugins are not installed",
        "Inconsistent dependency lock file",
        "Missing required provider",
        "Unrecognized backend",
    ];
    failed.diagnostics.iter().any(|d| {
        d.severity == "error" && SAYINGS.iter().any(|saying| d.summary.starts_with(saying))
    })
}

fn kind(error: &Diagnostic) -> (Failure, &'static str) {
    let text = format!("{} {}", error.summary, error.detail);
    if error
        .address
        .as_deref()
        .is_some_and(|address| address.starts_with("var."))
        && (error.summary.starts_with("Invalid value for") || error.summary.contains("variable"))
    {
        return (Failure::Input, "Correct the value and send the form again.");
    }
    if text.contains("no space left on device") {
        return (
            Failure::Worker,
            "Make room on the disk that holds the worker's data folder, then try again.",
        );
    }
    if error.summary.contains("acquiring the state lock") {
        return (
            Failure::Locked,
            "Wait for the other run to end. If there is none, an operator can release the lock.",
        );
    }
    if error.summary.starts_with("Saved plan") {
        return (Failure::Stale, "Plan again.");
    }
    (
        Failure::Engine,
        "Correct what the message says in the template or its inputs, then plan again.",
    )
}
