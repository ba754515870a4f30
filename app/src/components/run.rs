//! How the state of a run and of an environment is said: one word, one colour, one shape, everywhere the same.

use slipway_domain::{
    environment::EnvironmentState,
    run::{Operation, State},
};

use super::{Icon, Tone, View, pill, sign};

/// Word, colour and shape of a run's state.
#[must_use]
pub const fn run_look(state: State) -> (&'static str, Tone, Icon) {
    match state {
        State::Queued => ("Queued", Tone::Plain, Icon::Dots),
        State::Previewing => ("Planning", Tone::Sea, Icon::Dots),
        State::AwaitingApproval => ("Waiting for approval", Tone::Wait, Icon::Clock),
        State::Approved => ("Approved", Tone::Sea, Icon::Check),
        State::Applying => ("Applying", Tone::Sea, Icon::Dots),
        State::Verifying => ("Verifying", Tone::Sea, Icon::Find),
        State::Succeeded => ("Done", Tone::Go, Icon::Check),
        State::NoChanges => ("No changes", Tone::Go, Icon::Check),
        State::Failed => ("Failed", Tone::Stop, Icon::Cross),
        State::Rejected => ("Rejected", Tone::Stop, Icon::Cross),
        State::Expired => ("Expired", Tone::Plain, Icon::Clock),
        State::Canceled => ("Canceled", Tone::Plain, Icon::Cross),
        State::Degraded => ("Done, but differs", Tone::Wait, Icon::Differ),
        State::Unknown => ("Unknown", Tone::Stop, Icon::Ghost),
        State::Reconciling => ("Looking", Tone::Sea, Icon::Find),
        State::NotApplied => ("Not applied", Tone::Plain, Icon::Cross),
        State::PartlyApplied => ("Partly applied", Tone::Stop, Icon::Warn),
    }
}

/// Word, colour and shape of an environment's state.
#[must_use]
pub const fn environment_look(state: EnvironmentState) -> (&'static str, Tone, Icon) {
    match state {
        EnvironmentState::Pending => ("Requested", Tone::Wait, Icon::Clock),
        EnvironmentState::Ready => ("Ready", Tone::Go, Icon::Check),
        EnvironmentState::Incomplete => ("Incomplete", Tone::Stop, Icon::Warn),
        EnvironmentState::Unknown => ("Unknown", Tone::Stop, Icon::Ghost),
        EnvironmentState::Destroyed => ("Destroyed", Tone::Plain, Icon::Minus),
        EnvironmentState::Withdrawn => ("Never made", Tone::Plain, Icon::Cross),
    }
}

/// The state of a run, as a pill.
#[must_use]
pub fn run_pill(state: State) -> View {
    let (word, tone, shape) = run_look(state);
    pill(tone, shape, word)
}

/// The state of a run, as the round sign at the head of a row.
#[must_use]
pub fn run_sign(state: State) -> View {
    let (_, tone, shape) = run_look(state);
    sign(tone, shape)
}

/// The state of an environment, as a pill; what is being done to it comes first.
#[must_use]
pub fn environment_pill(state: EnvironmentState, active: Option<State>) -> View {
    match active {
        Some(run) => run_pill(run),
        None => {
            let (word, tone, shape) = environment_look(state);
            pill(tone, shape, word)
        }
    }
}

/// What a run does, as a verb for a sentence: `make`, `change`, `destroy`.
#[must_use]
pub const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "make",
        Operation::Change => "change",
        Operation::Destroy => "destroy",
    }
}

/// The word in a table to the words on a page.
#[must_use]
pub fn words(word: &str) -> String {
    State::read(word).map_or_else(
        || word.replace('_', " "),
        |state| run_look(state).0.to_lowercase(),
    )
}
