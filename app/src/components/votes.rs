//! Which votes a run has and which it lacks, each with its reason.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Icon, Tone, View, ago, face, pill};

/// One place for a vote.
pub struct VoteLine {
    /// In which role: `A lead of checkout`, `An operator`.
    pub role: String,
    /// Why this vote is needed.
    pub because: String,
    /// Who filled it, when, and what they said.
    pub by: Option<(String, OffsetDateTime, String)>,
    /// What stands there while it is empty: `you can decide`, `nobody yet`.
    pub waiting: String,
}

/// The list of votes.
#[must_use]
pub fn votes(list: Vec<VoteLine>) -> View {
    let lines: Vec<View> = list
        .into_iter()
        .map(|line| match line.by {
            Some((name, at, said)) => view! {
                <li>
                    {face(&name, false)}
                    <span class="grow">{name}<small>{line.role}", "{ago(at)}{(!said.is_empty()).then(|| format!(", “{said}”"))}</small></span>
                    {pill(Tone::Go, Icon::Check, "Approved")}
                </li>
            }
            .into_any(),
            None => view! {
                <li>
                    <span class="face open" aria-hidden="true">"?"</span>
                    <span class="grow">{line.role}<small>{line.because}</small></span>
                    <span class="muted">{line.waiting}</span>
                </li>
            }
            .into_any(),
        })
        .collect();
    view! { <ul class="votes">{lines}</ul> }.into_any()
}
