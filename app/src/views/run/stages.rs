//! The stages of a run, read from its events.

use leptos::prelude::*;
use slipway_domain::{run::State, time_text};
use slipway_services::run::View as Run;
use time::{Duration, OffsetDateTime};

use crate::components::{Icon, Stage, Tone, View, ago, stages, text, times::now};

/// When the run entered which state, oldest first.
fn path(run: &Run) -> Vec<(State, OffsetDateTime)> {
    let mut path = vec![(State::Queued, run.created_at)];
    for event in &run.events {
        if path.last().map(|last| last.0) != Some(event.state) {
            path.push((event.state, event.at));
        }
    }
    path
}

/// How long the last stay in one of these states was, or has been until now; `None` if it was never there.
fn stay(
    path: &[(State, OffsetDateTime)],
    states: &[State],
    until: OffsetDateTime,
) -> Option<(Duration, bool)> {
    let at = path.iter().rposition(|(state, _)| states.contains(state))?;
    let end = path.get(at + 1).map_or(until, |next| next.1);
    Some((end - path[at].1, at + 1 == path.len()))
}

/// The column of stages.
pub(super) fn all(run: &Run) -> View {
    let path = path(run);
    let until = run.finished_at.unwrap_or_else(now);
    let took =
        |states: &[State]| stay(&path, states, until).map(|(span, _)| text(time_text::took(span)));
    let here = |states: &[State]| states.contains(&run.state);
    let been = |states: &[State]| path.iter().any(|(state, _)| states.contains(state));
    let over = run.state.is_over();
    let mut list = Vec::new();

    let worker = run.worker.clone().map(|worker| format!("by {worker}"));
    let plans = path
        .iter()
        .filter(|(state, _)| *state == State::Previewing)
        .count();
    list.push(stage(
        "Queued",
        here(&[State::Queued]),
        true,
        over,
        if run.behind.is_some() {
            "behind another run".into()
        } else if here(&[State::Queued]) {
            "waits for a worker".into()
        } else {
            "picked up".into()
        },
        took(&[State::Queued]),
    ));
    let engine = run
        .steps
        .first()
        .and_then(|s| s.engine.clone().zip(s.engine_version.clone()))
        .map(|(name, version)| format!("{} {version}", super::engine_name(&name)));
    let note = match (here(&[State::Previewing]), plans) {
        (true, _) => worker
            .clone()
            .unwrap_or_else(|| "works out what would change".into()),
        (false, 2..) => format!("{plans} times, the last one counts"),
        (false, _) => engine.unwrap_or_else(|| "what would change".into()),
    };
    list.push(stage(
        "Plan",
        here(&[State::Previewing]),
        been(&[State::Previewing]),
        over,
        note,
        took(&[State::Previewing]),
    ));

    if !matches!(run.state, State::NoChanges) {
        let seats = run.seats(None);
        let given = seats.iter().filter(|seat| seat.vote.is_some()).count();
        let decided = been(&[State::Approved, State::Applying]);
        let note = match (&run.policy, seats.len()) {
            (None, _) => "whoever the policy names".to_owned(),
            (Some(policy), 0) => policy
                .rule
                .clone()
                .unwrap_or_else(|| "no vote is needed".into()),
            (Some(_), of) => format!("{given} of {of} votes"),
        };
        let waiting = here(&[State::AwaitingApproval]);
        let mut approval = stage(
            "Approval",
            waiting,
            decided,
            over,
            note,
            took(&[State::AwaitingApproval]),
        );
        if waiting {
            (approval.tone, approval.shape) = (Tone::Wait, Icon::Clock);
        }
        list.push(approval);
        let note = match run.state {
            State::Approved => "waits for a worker".to_owned(),
            State::Applying => worker.unwrap_or_else(|| "under way".into()),
            _ if been(&[State::Applying]) => "exactly what was approved".into(),
            _ => "exactly that".into(),
        };
        list.push(stage(
            "Apply",
            here(&[State::Approved, State::Applying]),
            been(&[State::Applying]),
            over,
            note,
            took(&[State::Applying]),
        ));
        list.push(stage(
            "Verify",
            here(&[State::Verifying, State::Reconciling]),
            been(&[State::Verifying]),
            over,
            verified(run),
            took(&[State::Verifying]),
        ));
    }
    if over || matches!(run.state, State::Unknown | State::Reconciling) {
        let (word, tone, shape) = crate::components::run_look(run.state);
        let last = run.events.last();
        let by = last.and_then(|event| event.by.clone());
        let told =
            |e: &&slipway_services::run::EventView| e.kind != "run.verify" && !e.detail.is_empty();
        // The notice above tells it in full.
        let failure = run.failure.as_ref().filter(|_| run.state == State::Failed);
        let detail = match failure {
            Some(failure) => Some(failure.message.clone()),
            None => last.filter(told).map(|e| e.detail.clone()),
        };
        let note = match (by.filter(|_| failure.is_none()), detail) {
            (Some(by), Some(detail)) => format!("{by}: {detail}"),
            (Some(by), None) => format!("by {by}"),
            (None, Some(detail)) => detail,
            (None, None) => String::new(),
        };
        list.push(Stage {
            tone,
            shape,
            name: word.into(),
            note: text(note),
            took: run.finished_at.map(ago),
        });
    }
    stages(list)
}

/// What the look afterwards said; what it is for, until then.
fn verified(run: &Run) -> String {
    let said = run.events.iter().rev().find(|e| e.kind == "run.verify");
    match said.map(|e| e.detail.as_str()) {
        Some("") => "looked again".into(),
        Some(said) => said.into(),
        None if run.state == State::Verifying => "looks again: nothing may differ".into(),
        None => "what exists is compared with the plan".into(),
    }
}

fn stage(
    name: &str,
    here: bool,
    been: bool,
    over: bool,
    note: String,
    took: Option<View>,
) -> Stage {
    let (tone, shape) = match (here, been, over) {
        (true, ..) => (Tone::Sea, Icon::Dots),
        (false, true, _) => (Tone::Go, Icon::Check),
        (false, false, true) => (Tone::Plain, Icon::Minus),
        (false, false, false) => (Tone::Plain, Icon::Dots),
    };
    let note = if !here && !been && over {
        view! { "not reached" }.into_any()
    } else {
        text(note)
    };
    Stage {
        tone,
        shape,
        name: name.into(),
        note,
        took: if been || here { took } else { None },
    }
}
