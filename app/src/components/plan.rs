//! The plan: one fold per resource, what forces a replacement first, sensitive and unknown values named as such.

use leptos::prelude::*;
use slipway_domain::plan::{Action, Attribute, Change, Diagnostic, Done, Outcome, Preview, Shown};

use super::{Icon, Tone, View, card, icon, search, tally};

/// How many resources are shown at once; a search finds the others.
const SHOWN: usize = 200;

/// What of a plan is shown.
pub struct PlanPart<'a> {
    /// The plan.
    pub preview: &'a Preview,
    /// Only resources whose address contains this.
    pub find: &'a str,
    /// Where the search form leads: the page itself.
    pub url: String,
    /// Whether the first folds stand open.
    pub open: bool,
}

/// Sign, colour and words of an action.
#[must_use]
pub const fn action_look(action: Action) -> (&'static str, Tone, &'static str) {
    match action {
        Action::Create => ("+", Tone::Go, "made"),
        Action::Update => ("~", Tone::Wait, "changed"),
        Action::Replace => ("±", Tone::Swap, "replaced"),
        Action::Delete => ("−", Tone::Stop, "destroyed"),
        Action::Read => ("≫", Tone::Plain, "read"),
        Action::Forget => ("↯", Tone::Wait, "no longer managed"),
    }
}

/// The plan as a card.
#[must_use]
pub fn plan_card(part: PlanPart<'_>) -> View {
    let preview = part.preview;
    let needle = part.find.trim().to_lowercase();
    let mut changes: Vec<&Change> = preview
        .changes
        .iter()
        .filter(|c| needle.is_empty() || c.address.to_lowercase().contains(&needle))
        .collect();
    // The dangerous first; within an action in the engine's order.
    changes.sort_by_key(|c| c.action);
    let found = changes.len();
    let total = preview.changes.len();
    let hidden = found.saturating_sub(SHOWN);
    let folds: Vec<View> = changes
        .into_iter()
        .take(SHOWN)
        .enumerate()
        .map(|(n, change)| {
            fold(
                change,
                part.open && n < 4 && change.action == Action::Replace,
            )
        })
        .collect();
    let beside = match (needle.is_empty(), total) {
        (true, 1) => format!("1 change, {} unchanged", preview.unchanged),
        (true, n) => format!("{n} changes, {} unchanged", preview.unchanged),
        (false, n) => format!("{found} of {n} match “{}”", part.find.trim()),
    };
    let right = (total > 8 || !needle.is_empty()).then(|| {
        view! { <form method="get" action=format!("{}#plan", part.url) role="search">{search("find", "Find a resource", part.find)}</form> }.into_any()
    });
    let warnings: Vec<View> = preview.warnings.iter().map(diagnostic).collect();
    let outputs = (!preview.outputs.is_empty() && needle.is_empty()).then(|| {
        view! {
            <details class="res">
                <summary><span class="sign is-sea">"→"</span><span class="grow">"Outputs"</span><span class="why">{match preview.outputs.len() { 1 => "1 changes".to_owned(), n => format!("{n} change") }}</span></summary>
                {attributes(&preview.outputs, 0, None)}
            </details>
        }
    });
    let nothing = (folds.is_empty() && outputs.is_none()).then(|| {
        let text = if needle.is_empty() {
            "Nothing changes: what exists is what was asked for."
        } else {
            "No resource of this plan has that in its address."
        };
        view! { <p class="none muted">{text}</p> }
    });
    let body = view! {
        {warnings}
        {folds}
        {outputs}
        {nothing}
        {(hidden > 0).then(|| view! { <p class="none muted">{format!("{hidden} more are not shown: find a resource by its address.")}</p> })}
    }
    .into_any();
    view! { <div id="plan">{card("Plan", view! { {beside}{tally(preview.tally())} }, right, body)}</div> }.into_any()
}

fn fold(change: &Change, open: bool) -> View {
    let (mark, tone, word) = action_look(change.action);
    let forcing = change
        .attributes
        .iter()
        .filter(|a| a.forces_replacement)
        .count();
    let why = match (change.action, forcing, change.attributes.len()) {
        (Action::Replace, 0, _) => reason(change.reason.as_deref())
            .unwrap_or("replaced")
            .to_owned(),
        (Action::Replace, n, _) => format!(
            "{n} {} replacement",
            if n == 1 { "forces" } else { "force" }
        ),
        (Action::Delete, _, _) => reason(change.reason.as_deref())
            .unwrap_or("destroyed")
            .to_owned(),
        (_, _, 1) => change.attributes[0].path.clone(),
        (_, _, n) => format!("{n} attributes"),
    };
    view! {
        <details class="res" open=open>
            <summary>
                <span class=format!("sign {}", tone.class())>{mark}<span class="vh">{format!(" {word}")}</span></span>
                <code class="grow clip">{change.address.clone()}</code>
                <span class="why">{why}</span>
            </summary>
            {attributes(&change.attributes, change.unchanged, forced(change))}
        </details>
    }
    .into_any()
}

/// The engine's reason in words.
fn reason(word: Option<&str>) -> Option<&'static str> {
    Some(match word? {
        "replace_because_cannot_update" => "it cannot change in place",
        "replace_because_tainted" => "an earlier run left it half-made",
        "replace_by_request" => "it was asked for",
        "replace_by_triggers" => "something that it depends on changes",
        "delete_because_no_resource_config" => "no longer in the template",
        "delete_because_no_module" => "its module is no longer in the template",
        "delete_because_wrong_repetition"
        | "delete_because_count_index"
        | "delete_because_each_key" => "its count or key is gone",
        _ => return None,
    })
}

fn forced(change: &Change) -> Option<String> {
    if change.action != Action::Replace {
        return None;
    }
    let names: Vec<&str> = change
        .attributes
        .iter()
        .filter(|a| a.forces_replacement)
        .map(|a| a.path.as_str())
        .collect();
    Some(if names.is_empty() {
        format!(
            "Replaced: {}.",
            reason(change.reason.as_deref()).unwrap_or("the provider wants it so")
        )
    } else {
        format!(
            "Replaced because {} cannot change in place.",
            names.join(", ")
        )
    })
}

/// Attributes with what they were and what they become.
#[must_use]
pub fn attributes(list: &[Attribute], unchanged: u32, force: Option<String>) -> View {
    let mut sorted: Vec<&Attribute> = list.iter().collect();
    sorted.sort_by_key(|a| !a.forces_replacement);
    let lines: Vec<View> = sorted
        .into_iter()
        .map(|attribute| {
            view! {
                <span class="k">{attribute.path.clone()}</span>
                <span>{change_of(attribute)}{attribute.forces_replacement.then(|| view! { <b class="forces">"forces replacement"</b> })}</span>
            }
            .into_any()
        })
        .collect();
    if lines.is_empty() && unchanged == 0 && force.is_none() {
        return view! { <p class="none muted">"No attributes are recorded."</p> }.into_any();
    }
    view! {
        <div class="attrs">
            {force.map(|text| view! { <span class="force">{text}</span> })}
            {lines}
            {(unchanged > 0).then(|| view! { <span class="k rest">{format!("{unchanged} unchanged")}</span> })}
        </div>
    }
    .into_any()
}

fn change_of(attribute: &Attribute) -> View {
    match (&attribute.before, &attribute.after) {
        (Shown::Absent, after) => view! { <ins>{shown(after)}</ins> }.into_any(),
        (before, Shown::Absent) => view! { <del>{shown(before)}</del> }.into_any(),
        (Shown::Sensitive, Shown::Sensitive) => {
            view! { <span class="muted">"sensitive, changes"</span> }.into_any()
        }
        (before, after) => {
            view! { <del>{shown(before)}</del>" → "<ins>{shown(after)}</ins> }.into_any()
        }
    }
}

/// A value as it may be shown.
#[must_use]
pub fn shown(value: &Shown) -> View {
    match value {
        Shown::Absent => view! { <span class="muted">"not set"</span> }.into_any(),
        Shown::Value(text) => view! { <span class="v">{text.clone()}</span> }.into_any(),
        Shown::Sensitive => {
            view! { <span class="muted hush">{icon(Icon::Lock)}"sensitive"</span> }.into_any()
        }
        Shown::Unknown => view! { <span class="muted">"known after apply"</span> }.into_any(),
    }
}

/// A message of the engine.
#[must_use]
pub fn diagnostic(of: &Diagnostic) -> View {
    let (tone, shape) = if of.severity == "error" {
        (Tone::Stop, Icon::Cross)
    } else {
        (Tone::Wait, Icon::Warn)
    };
    let place = [of.address.clone(), of.at.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <div class=format!("diag {}", tone.class())>
            {icon(shape)}
            <div>
                <b>{of.summary.clone()}</b>
                {(!place.is_empty()).then(|| view! { <small><code class="any">{place}</code></small> })}
                {(!of.detail.is_empty()).then(|| view! { <p class="pre">{of.detail.clone()}</p> })}
            </div>
        </div>
    }
    .into_any()
}

/// What an apply did and what it did not.
#[must_use]
pub fn outcome(of: &Outcome) -> View {
    let group = |title: &'static str, tone: Tone, shape: Icon, list: &[Done]| {
        (!list.is_empty()).then(|| {
            let items: Vec<View> = list
                .iter()
                .map(|done| {
                    let took = (done.millis > 0).then(|| format!("{:.1} s", done.millis as f64 / 1000.0));
                    view! { <li><code class="any">{done.address.clone()}</code><span class="muted num">{action_look(done.action).2}{took.map(|t| format!(", {t}"))}</span></li> }.into_any()
                })
                .collect();
            view! {
                <details class=format!("did {}", tone.class()) open=list.len() <= 12>
                    <summary>{icon(shape)}<b>{format!("{} {title}", list.len())}</b></summary>
                    <ul>{items}</ul>
                </details>
            }
        })
    };
    let messages: Vec<View> = of.diagnostics.iter().map(diagnostic).collect();
    let parts = view! {
        {messages}
        {group("failed", Tone::Stop, Icon::Cross, &of.failed)}
        {group("not begun", Tone::Wait, Icon::Dots, &of.untouched)}
        {group("done", Tone::Go, Icon::Check, &of.done)}
    }
    .into_any();
    card("What was done", "", None, parts)
}
