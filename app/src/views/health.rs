//! How what was released stands, as the worker's watch of the cluster saw it last.

use leptos::prelude::*;
use slipway_services::workload::{Health, Workload};

use crate::components::{Icon, Tone, View, ago, card, icon, text, times::now};

/// What stands above everything when the cluster does not answer: what the page shows is from before.
#[must_use]
pub fn silence(of: &Health) -> Option<(Tone, Icon, String, View)> {
    let name = &of.cluster;
    let Some(cluster) = &of.answers else {
        let why =
            "No worker has it, so nothing is known of what runs there, and nothing can be done.";
        return Some((
            Tone::Stop,
            Icon::Warn,
            format!("The cluster {name} is not connected"),
            text(why),
        ));
    };
    if let Some((since, why)) = &cluster.failing {
        let (since, why) = (*since, format!("{} {}", why.message, why.detail));
        let words =
            view! { "Since "{ago(since)}". "{why}" What you see here is from before." }.into_any();
        return Some((
            Tone::Stop,
            Icon::Warn,
            format!("The cluster {name} does not answer"),
            words,
        ));
    }
    (!cluster.is_well(now())).then(|| {
        let asked = cluster.asked_at;
        let words = view! { "The last worker that looked did so "{ago(asked)}". What you see here is from then." }.into_any();
        (Tone::Wait, Icon::Clock, format!("Nobody looks at the cluster {name}"), words)
    })
}

/// The card: each workload with its pods, those in trouble first, with the cluster's own words.
#[must_use]
pub fn view(of: &Health) -> View {
    let rows: Vec<View> = of.workloads.iter().map(row).collect();
    let body = if rows.is_empty() {
        view! { <p class="none muted">"Nothing that rolls out is known here."</p> }.into_any()
    } else {
        view! { <ul class="looks health">{rows}</ul> }.into_any()
    };
    let when = of
        .changed_at
        .map(|at| view! { <span class="muted">"changed "{ago(at)}</span> }.into_any());
    card("Health", format!("in {}", of.cluster), when, body)
}

fn row(of: &Workload) -> View {
    let (tone, shape) = match (of.complete, &of.trouble) {
        (true, _) => (Tone::Go, Icon::Check),
        (false, Some(_)) => (Tone::Stop, Icon::Warn),
        (false, None) => (Tone::Sea, Icon::Dots),
    };
    let words = if of.address.starts_with("Pod/") {
        String::new()
    } else {
        format!("{} of {} ready", of.ready, of.wanted)
    };
    let trouble = of.trouble.clone();
    view! {
        <li class=tone.class()>{icon(shape)}<div><b class="any">{of.address.clone()}</b><p>{words}{trouble.map(|why| view! { <span class="any">{why}</span> })}</p></div></li>
    }
    .into_any()
}
