//! The run: the one state machine that every change of the outside world goes through.
//!
//! Pure: a state, a command and a few facts give the next state and what must happen with it, or a refusal. The office
//! asks it before it writes, the browser asks it which buttons exist, and a model checker explores it. Forbidden: any
//! transition that is decided elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a run does to its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Makes it.
    Create,
    /// Changes inputs or template version.
    Change,
    /// Destroys it.
    Destroy,
}

impl Operation {
    /// The word in tables and URLs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Destroy => "destroy",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Create, Self::Change, Self::Destroy]
            .into_iter()
            .find(|o| o.word() == word)
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a worker, or behind another run of its environment.
    Queued,
    /// A worker works out what would change.
    Previewing,
    /// The preview is there; votes are missing.
    AwaitingApproval,
    /// Approved; waits for a worker.
    Approved,
    /// A worker changes the world.
    Applying,
    /// A worker looks whether the world is as it should be.
    Verifying,
    /// Done, and seen to be done.
    Succeeded,
    /// The preview was empty: nothing to do.
    NoChanges,
    /// Stopped by an error; the page says what was done and what was not.
    Failed,
    /// A person said no.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// Called off.
    Canceled,
    /// Applied, but what was found afterwards differs.
    Degraded,
    /// The worker vanished while applying. Nothing goes on by itself.
    Unknown,
    /// A worker gathers evidence of what was applied.
    Reconciling,
    /// Evidence says: nothing was changed.
    NotApplied,
    /// Evidence says: part of it was changed.
    PartlyApplied,
}

impl State {
    /// All states, in the order in which a run may pass them.
    pub const ALL: [Self; 17] = [
        Self::Queued,
        Self::Previewing,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Applying,
        Self::Verifying,
        Self::Succeeded,
        Self::NoChanges,
        Self::Failed,
        Self::Rejected,
        Self::Expired,
        Self::Canceled,
        Self::Degraded,
        Self::Unknown,
        Self::Reconciling,
        Self::NotApplied,
        Self::PartlyApplied,
    ];

    /// The word in tables and events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Previewing => "previewing",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::NoChanges => "no_changes",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::Reconciling => "reconciling",
            Self::NotApplied => "not_applied",
            Self::PartlyApplied => "partly_applied",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// True if the run is over. `Unknown` is not: it holds its environment until somebody has looked.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::NoChanges
                | Self::Failed
                | Self::Rejected
                | Self::Expired
                | Self::Canceled
                | Self::Degraded
                | Self::NotApplied
                | Self::PartlyApplied
        )
    }

    /// True while a worker holds it.
    #[must_use]
    pub const fn is_working(self) -> bool {
        matches!(
            self,
            Self::Previewing | Self::Applying | Self::Verifying | Self::Reconciling
        )
    }
}

impl Command {
    /// True if it says of an apply that it was not begun after all.
    #[must_use]
    pub const fn nothing_begun(self) -> bool {
        matches!(self, Self::Outdate | Self::RefuseApply)
    }

    /// True if it says of an apply that the world is as it was before.
    #[must_use]
    pub const fn as_before(self) -> bool {
        self.nothing_begun() || matches!(self, Self::RollBackApply)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the policy says of a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody needs to vote.
    Allowed,
    /// Votes are needed.
    NeedsVotes,
    /// Forbidden.
    Denied,
}

/// What evidence says about an interrupted apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// All of it was done.
    Applied,
    /// None of it was done.
    NotApplied,
    /// Some of it was done.
    Partly,
    /// It still can't be said.
    Unclear,
}

/// What verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The world is as planned.
    AsPlanned,
    /// The world differs.
    Differs,
    /// It could not be looked at.
    NotSeen,
}

/// What somebody or something wants of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A worker begins to preview.
    StartPreview,
    /// The preview is there.
    FinishPreview {
        /// It would change nothing.
        empty: bool,
        /// What the policy says.
        verdict: Verdict,
        /// Votes on the very same digest, from before a re-plan, already suffice.
        carried: bool,
    },
    /// The preview could not be made.
    FailPreview,
    /// The previewing worker stopped because it was asked to.
    StopPreview,
    /// The previewing worker's lease ran out.
    LosePreview,
    /// Somebody approves.
    Approve {
        /// With this vote none is missing.
        complete: bool,
    },
    /// Somebody rejects.
    Reject,
    /// Somebody, or a moved base, wants a new preview.
    Replan,
    /// The time for votes is over.
    Expire,
    /// Somebody calls it off.
    Cancel,
    /// A worker begins to apply; votes were judged again just now.
    StartApply {
        /// The votes still suffice.
        votes: bool,
        /// The state, engine and template are those of the preview.
        base: bool,
    },
    /// Nothing was begun: the engine, the template or the state is not the preview's, or the worker has to leave.
    Outdate,
    /// It could not be begun, and a new plan would not help; nothing was changed.
    RefuseApply,
    /// Everything planned was applied.
    FinishApply,
    /// The apply stopped with an error.
    FailApply,
    /// The apply stopped with an error, and what was there before it is there again.
    RollBackApply,
    /// The apply was interrupted cleanly, its state saved.
    InterruptApply,
    /// The applying or verifying worker's lease ran out.
    LoseApply,
    /// Verification has an answer.
    Verify(Seen),
    /// Somebody asks what an interrupted apply did.
    StartReconcile,
    /// The reconciling worker's lease ran out.
    LoseReconcile,
    /// Evidence is in.
    Reconcile(Found),
}

/// What else the machine must know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Somebody asked a working run to stop, and it has not stopped yet.
    pub cancel_requested: bool,
}

/// What must happen in the same transaction as a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// Queue a preview.
    QueuePreview,
    /// Queue an apply.
    QueueApply,
    /// Queue the gathering of evidence.
    QueueReconcile,
    /// Withdraw what is queued.
    DropJobs,
    /// Tell the worker that holds it to stop.
    AskToStop,
    /// The run is over: free its environment for the next one.
    Finish,
}

/// An accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The next state; may be the same.
    pub state: State,
    /// What must happen with it.
    pub effects: Vec<Effect>,
}

/// A command that does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where the run stands.
    pub state: State,
    /// What a person is told.
    pub why: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}
impl std::error::Error for Refused {}

/// The next state and its effects.
///
/// # Errors
/// [`Refused`] if the command does not fit the state; nothing may be written then.
pub fn apply(state: State, command: Command, facts: Facts) -> Result<Step, Refused> {
    use {Command as C, Effect as E, State as S};
    let go = |state: State, effects: &[Effect]| {
        let mut effects = effects.to_vec();
        if state.is_over() {
            effects.push(Effect::Finish);
        }
        Ok(Step { state, effects })
    };
    match (state, command) {
        (S::Queued, C::StartPreview) => go(S::Previewing, &[]),
        (
            S::Previewing,
            C::FinishPreview { .. } | C::FailPreview | C::StopPreview | C::LosePreview,
        ) if facts.cancel_requested => go(S::Canceled, &[]),
        (
            S::Previewing,
            C::FinishPreview {
                verdict: Verdict::Denied,
                ..
            },
        ) => go(S::Failed, &[]),
        (S::Previewing, C::FinishPreview { empty: true, .. }) => go(S::NoChanges, &[]),
        (
            S::Previewing,
            C::FinishPreview {
                verdict: Verdict::Allowed,
                ..
            },
        )
        | (S::Previewing, C::FinishPreview { carried: true, .. }) => {
            go(S::Approved, &[E::QueueApply])
        }
        (S::Previewing, C::FinishPreview { .. }) => go(S::AwaitingApproval, &[]),
        (S::Previewing, C::FailPreview) => go(S::Failed, &[]),
        // Without a cancel it was the worker that had to leave: somebody else begins again.
        (S::Previewing, C::StopPreview | C::LosePreview) => go(S::Queued, &[E::QueuePreview]),

        (S::AwaitingApproval, C::Approve { complete: true }) => go(S::Approved, &[E::QueueApply]),
        (S::AwaitingApproval, C::Approve { complete: false }) => go(S::AwaitingApproval, &[]),
        (S::AwaitingApproval, C::Reject) => go(S::Rejected, &[]),
        (S::AwaitingApproval, C::Expire) => go(S::Expired, &[]),
        (S::AwaitingApproval | S::Approved, C::Replan) => {
            go(S::Queued, &[E::DropJobs, E::QueuePreview])
        }
        (S::Approved, C::Reject) => go(S::Rejected, &[E::DropJobs]),

        (S::Queued | S::AwaitingApproval | S::Approved, C::Cancel) => {
            go(S::Canceled, &[E::DropJobs])
        }
        (S::Previewing | S::Applying, C::Cancel) => go(state, &[E::AskToStop]),

        (S::Approved, C::StartApply { base: false, .. }) => go(S::Queued, &[E::QueuePreview]),
        (S::Approved, C::StartApply { votes: false, .. }) => go(S::AwaitingApproval, &[]),
        (S::Approved, C::StartApply { .. }) => go(S::Applying, &[]),
        (S::Applying, C::Outdate) if facts.cancel_requested => go(S::Canceled, &[]),
        (S::Applying, C::Outdate) => go(S::Queued, &[E::QueuePreview]),
        (S::Applying, C::FinishApply) => go(S::Verifying, &[]),
        (S::Applying, C::FailApply | C::RollBackApply | C::RefuseApply) => go(S::Failed, &[]),
        (S::Applying, C::InterruptApply) => go(S::Canceled, &[]),
        (S::Applying | S::Verifying, C::LoseApply) => go(S::Unknown, &[]),

        (S::Verifying, C::Verify(Seen::AsPlanned)) => go(S::Succeeded, &[]),
        (S::Verifying, C::Verify(Seen::Differs | Seen::NotSeen)) => go(S::Degraded, &[]),

        (S::Unknown, C::StartReconcile) => go(S::Reconciling, &[E::QueueReconcile]),
        (S::Reconciling, C::LoseReconcile | C::Reconcile(Found::Unclear)) => go(S::Unknown, &[]),
        (S::Reconciling, C::Reconcile(Found::Applied)) => go(S::Verifying, &[]),
        (S::Reconciling, C::Reconcile(Found::NotApplied)) => go(S::NotApplied, &[]),
        (S::Reconciling, C::Reconcile(Found::Partly)) => go(S::PartlyApplied, &[]),

        (state, command) => Err(Refused {
            state,
            why: why_not(state, command),
        }),
    }
}

/// What a person is told when a command comes too early, too late, or twice.
fn why_not(state: State, command: Command) -> &'static str {
    use {Command as C, State as S};
    match (command, state) {
        (
            C::Approve { .. } | C::Reject,
            S::Approved | S::Applying | S::Verifying | S::Succeeded,
        ) => "This run has all its votes already.",
        (C::Approve { .. } | C::Reject, S::Queued | S::Previewing) => {
            "This run is being planned again: look at the new plan before you decide."
        }
        (C::Cancel, S::Verifying) => {
            "It has been applied; only the check is left. Ask for a change or a destroy instead."
        }
        (C::Cancel, S::Unknown | S::Reconciling) => {
            "Nobody knows yet what was applied: look at what exists first."
        }
        (C::Replan, S::Queued | S::Previewing) => "It is being planned already.",
        (C::Replan, S::Applying | S::Verifying) => {
            "It is being applied: what is approved cannot be planned again."
        }
        (_, S::Rejected) => "This run was rejected.",
        (_, S::Expired) => "Nobody decided in time, so this run has expired.",
        (_, S::Canceled) => "This run was canceled.",
        (_, state) if state.is_over() => "This run is over.",
        _ => "That does not fit where this run stands.",
    }
}

/// True if a person could give this command now; what the page shows as buttons.
#[must_use]
pub fn may(state: State, command: Command) -> bool {
    apply(state, command, Facts::default()).is_ok()
}

#[cfg(test)]
mod tests;
