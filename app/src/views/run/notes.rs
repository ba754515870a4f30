//! What everybody should know of a run before they read on: it waits, it stopped, nobody knows.

use leptos::prelude::*;
use slipway_domain::run::{Operation, State};
use slipway_services::run::{Options, View as Run};

use crate::components::{Fault, Icon, Tone, View, ago, banner, fault, link};

/// The notes, the worst first.
pub(super) fn all(run: &Run, options: Options) -> Vec<View> {
    let mut notes = Vec::new();
    if run.state == State::Unknown {
        let of = Fault {
            message: "The worker vanished while it applied this plan. Nobody knows yet what was done.".into(),
            detail: "Nothing goes on by itself, and nothing new starts on this environment until somebody has looked.".into(),
            hint: if options.reconcile {
                "Have a worker look at what exists. It changes nothing; the run then ends as applied, not applied or partly applied.".into()
            } else {
                "A lead of the team or an operator can have a worker look at what exists.".into()
            },
        };
        notes.push(fault("Unknown", of, None));
    }
    if let Some(of) = &run.failure {
        let title = match run.state {
            State::Failed if run.touched => "It stopped while it was applied",
            State::Failed => "It could not be planned",
            State::Degraded => "It is done, and what is there differs",
            State::Canceled => "It was stopped",
            _ => "It stopped",
        };
        let mut hint = of.hint.clone();
        if hint.is_empty() && run.state == State::Failed {
            hint = if run.touched {
                "What was made exists and is recorded. Change the environment to finish it, or destroy it.".into()
            } else {
                "Nothing was changed. Correct the inputs and ask again: they are kept.".into()
            };
        }
        let acts = next_step(run);
        notes.push(fault(
            title,
            Fault {
                message: of.message.clone(),
                detail: of.detail.clone(),
                hint,
            },
            acts,
        ));
    }
    if let Some(policy) = &run.policy
        && !policy.deny.is_empty()
    {
        let of = Fault {
            message: "The policy forbids this plan.".into(),
            detail: policy.deny.join("\n"),
            hint: "Ask for something else, or talk to the platform team about the rule.".into(),
        };
        notes.push(fault("Forbidden", of, None));
    }
    if let Some(at) = run.cancel_requested_at.filter(|_| run.state.is_working()) {
        let text = if run.cancel_force {
            view! { "The engine is being killed, since "{ago(at)}"." }.into_any()
        } else {
            view! { "The engine was asked to stop "{ago(at)}" and finishes what it has in hand, so that its state is saved." }.into_any()
        };
        notes.push(banner(Tone::Wait, Icon::Clock, "Stopping.", text, None));
    }
    if let Some(behind) = &run.behind {
        let text = view! { "It starts when "{link(format!("/runs/{}", behind.id), behind.title.clone())}" is over: one run at a time per environment." };
        notes.push(banner(
            Tone::Sea,
            Icon::Clock,
            "It waits its turn.",
            text,
            None,
        ));
    }
    if run.no_worker && matches!(run.state, State::Queued | State::Approved) {
        notes.push(banner(
            Tone::Wait,
            Icon::Warn,
            "No worker is there to take it.",
            "It stays in the queue and starts when a worker (slipway work) does.",
            None,
        ));
    }
    if options.own {
        notes.push(banner(
            Tone::Plain,
            Icon::Clock,
            "You asked for this, so others decide.",
            "Nobody approves their own request.",
            None,
        ));
    }
    notes
}

/// The next safe step after an apply that stopped half-way.
fn next_step(run: &Run) -> Option<View> {
    let half = run.touched
        && matches!(
            run.state,
            State::Failed | State::Canceled | State::PartlyApplied
        );
    let environment = format!("/environments/{}", run.environment_id);
    // The form as it was sent, with what was wrong; a destroy has none.
    let form = match run.operation {
        Operation::Create | Operation::Change => format!("/runs/{}/form", run.id),
        Operation::Destroy => format!("{environment}/change"),
    };
    if half {
        return Some(
            view! {
                <a class="btn small" href=form>"Change it and go on"</a>
                <a class="btn small danger" href=format!("{environment}/destroy")>{format!("Destroy {}…", run.environment)}</a>
            }
            .into_any(),
        );
    }
    (run.state == State::Failed && run.operation != Operation::Destroy)
        .then(|| view! { <a class="btn small" href=form>"Back to the form"</a> }.into_any())
}
