//! One run: what would change, who decides, what happens, what came of it.

mod notes;
mod stages;

use leptos::prelude::*;
use slipway_domain::{
    plan::Preview,
    role::Actor,
    run::{Operation, State},
    votes::VoterRole,
};
use slipway_services::{
    log::Part,
    run::{Options, View as Run},
};

use super::approvals::decide;
use crate::components::{
    Icon, LogPart, PlanPart, View, VoteLine, ago, card, code, crumbs, digest, face, facts, icon,
    left, link, log_card, looks, outcome, plan_card, run_pill, tally, text, votes,
};

/// What the page shows.
pub struct RunPage<'a> {
    /// The run.
    pub run: &'a Run,
    /// Who reads it.
    pub actor: &'a Actor,
    /// The end of its log, or the stretch that was asked for.
    pub log: Part,
    /// What is looked for in the plan.
    pub find: &'a str,
}

/// Whether the page comes again by itself where there is no script: not while somebody may be writing a reason.
#[must_use]
pub fn refreshes(run: &Run, actor: &Actor) -> bool {
    let options = run.options(actor);
    !run.state.is_over()
        && !(run.state == State::AwaitingApproval && (options.approve || options.reject))
        && run.state != State::Unknown
}

/// The page.
#[must_use]
pub fn view(page: RunPage<'_>) -> View {
    let RunPage {
        run,
        actor,
        log,
        find,
    } = page;
    let options = run.options(actor);
    let preview = run.steps.iter().find_map(|step| step.preview.as_ref());
    let over = run.state.is_over();
    view! {
        {crumbs(vec![("Environments".into(), "/environments".into()), (run.environment.clone(), format!("/environments/{}", run.environment_id))], format!("Run {}", run.id))}
        <div data-live="head" data-run=run.id.get() data-version=run.version data-refresh=(!over).then_some("")>
            <div class="head"><h1>{run.title.clone()}</h1>{run_pill(run.state)}{acts(run, options)}</div>
            {sub(run)}
        </div>
        <div class="cols"><div class="stack">
            <div class="stack" data-live="notes">{notes::all(run, options)}</div>
            <div class="stack" data-live="outcome">{done(run)}</div>
            <div class="stack" data-live="brief">{brief(run)}</div>
            <div class="stack" data-live="plan">{plan(run, preview, find)}</div>
            {log_part(run, log)}
        </div><aside class="stack" aria-label="About this run" data-live="side">
            {card("Stages", "", None, stages::all(run))}
            {seats(run, actor)}
            {card("Facts", "", None, facts_of(run))}
            {inputs(run)}
        </aside></div>
        <div data-live="decide" data-hold="">{decision(run, options)}</div>
    }
    .into_any()
}

fn acts(run: &Run, options: Options) -> View {
    let id = run.id;
    let post = move |verb: &'static str, label: &'static str, class: &'static str| {
        view! { <form method="post" action=format!("/runs/{id}/{verb}")><button class=class type="submit">{label}</button></form> }.into_any()
    };
    let force = options.force.then(|| {
        view! {
            <details class="reject">
                <summary class="btn danger">"Force…"</summary>
                <form class="why" method="post" action=format!("/runs/{id}/cancel")>
                    <input type="hidden" name="force" value="1"/>
                    <p>"The engine is killed. What it was doing at that moment may exist without being recorded, and the run ends as unknown."</p>
                    <button class="btn danger" type="submit">"Kill the engine"</button>
                </form>
            </details>
        }
    });
    let any = options.cancel || options.replan || options.force || options.reconcile;
    any.then(|| {
        view! {
            <div class="acts">
                {options.cancel.then(|| post("cancel", "Cancel run", "btn quiet"))}
                {force}
                {options.replan.then(|| post("replan", "Plan again", "btn"))}
                {options.reconcile.then(|| post("reconcile", "Look at what exists", "btn primary"))}
            </div>
        }
    })
    .into_any()
}

fn sub(run: &Run) -> View {
    let who = match &run.requested_by {
        Some(person) => view! { <span>{face(&person.name, true)}<span>{person.name.clone()}" for "<b>{run.team.clone()}</b>", "{ago(run.created_at)}</span></span> }.into_any(),
        None => view! { <span>{icon(Icon::Clock)}<span>"A rule asked for it, "{ago(run.created_at)}</span></span> }.into_any(),
    };
    view! {
        <div class="sub">
            {who}
            <span>{icon(Icon::Branch)}<a class="link" href=format!("/catalog/{}", run.template)>{run.template.clone()}</a>{digest(&run.template_digest)}</span>
            {(!run.reason.is_empty()).then(|| view! { <span class="said">{format!("“{}”", run.reason)}</span> })}
        </div>
    }
    .into_any()
}

fn brief(run: &Run) -> Option<View> {
    let list: Vec<_> = run
        .steps
        .iter()
        .flat_map(|step| step.looks.clone())
        .collect();
    let of = run
        .steps
        .iter()
        .filter_map(|step| step.tally)
        .next()
        .unwrap_or_default();
    let warnings: Vec<View> = run
        .policy
        .iter()
        .flat_map(|policy| policy.warn.clone())
        .map(|text| view! { <li class="is-wait">{icon(Icon::Warn)}<div><b>{text}</b></div><span class="kind">"policy"</span></li> }.into_any())
        .collect();
    let warnings = (!warnings.is_empty()).then(|| view! { <ul class="looks">{warnings}</ul> });
    let list = looks(list, false);
    if list.is_none() && warnings.is_none() {
        return None;
    }
    Some(
        view! {
            <section class=if run.state.is_over() { "card" } else { "card brief" }>
                <header><h2>{if run.state.is_over() { "What deserved a look" } else { "What deserves a look" }}</h2><div class="right">{tally(of)}</div></header>
                {list}{warnings}
            </section>
        }
        .into_any(),
    )
}

fn done(run: &Run) -> Option<View> {
    let of = run.steps.iter().find_map(|step| step.outcome.as_ref())?;
    // A full success is told by the stages; what failed or was left undone is told here.
    let plain = of.failed.is_empty() && of.untouched.is_empty() && of.diagnostics.is_empty();
    let worth = !plain
        || matches!(
            run.state,
            State::Failed | State::Canceled | State::PartlyApplied | State::Degraded
        );
    worth.then(|| outcome(of))
}

fn plan(run: &Run, preview: Option<&Preview>, find: &str) -> Option<View> {
    let preview = preview?;
    Some(plan_card(PlanPart {
        preview,
        find,
        url: format!("/runs/{}", run.id),
        open: !run.state.is_over() || run.operation == Operation::Change,
    }))
}

fn log_part(run: &Run, log: Part) -> View {
    let last = log.first_line + log.lines.len() as i64 - 1;
    let at_end = log.end >= run.log_end;
    log_card(LogPart {
        run: run.id.get(),
        first: log.first_line,
        total: if log.lines.is_empty() { 0 } else { last },
        offset: at_end.then_some(log.end),
        live: !run.state.is_over(),
        lines: log.lines,
        none: if run.state.is_over() {
            "It ended before anything was written."
        } else {
            "Nothing yet. Lines appear here as the engine writes them."
        },
    })
}

/// Whose vote it is: `A lead of checkout`.
#[must_use]
pub fn seat_words(role: VoterRole, team: &str) -> String {
    match role {
        VoterRole::Lead => format!("A lead of {team}"),
        VoterRole::Operator => "An operator".into(),
    }
}

fn seats(run: &Run, actor: &Actor) -> Option<View> {
    let policy = run.policy.as_ref()?;
    let seats = run.seats(Some(actor));
    if seats.is_empty() {
        let rule = policy
            .rule
            .clone()
            .unwrap_or_else(|| "the policy asks nobody".into());
        return policy.deny.is_empty().then(|| {
            card(
                "Votes",
                "",
                None,
                view! { <p class="none">{icon(Icon::Check)}"No vote is needed: "{rule}"."</p> }
                    .into_any(),
            )
        });
    }
    let given = seats.iter().filter(|seat| seat.vote.is_some()).count();
    let total = seats.len();
    let waits = run.state == State::AwaitingApproval;
    let lines = seats
        .into_iter()
        .map(|seat| VoteLine {
            role: seat_words(seat.role, &run.team),
            because: seat.because,
            by: seat.vote.map(|vote| (vote.by.name, vote.at, vote.reason)),
            waiting: match (seat.yours, waits) {
                (true, _) => "you can decide".into(),
                (false, true) => "waiting".into(),
                (false, false) => "not given".into(),
            },
        })
        .collect();
    let refusals: Vec<View> = run
        .votes
        .iter()
        .filter(|vote| !vote.approve)
        .map(|vote| {
            view! { <li>{face(&vote.by.name, false)}<span class="grow">{vote.by.name.clone()}<small>{ago(vote.at)}", “"{vote.reason.clone()}"”"</small></span>{crate::components::pill(crate::components::Tone::Stop, Icon::Cross, "Rejected")}</li> }.into_any()
        })
        .collect();
    let body = view! { {votes(lines)}{(!refusals.is_empty()).then(|| view! { <ul class="votes">{refusals}</ul> })} }.into_any();
    Some(card(
        "Votes",
        "",
        Some(text(format!("{given} of {total}"))),
        body,
    ))
}

/// What carries a step out, as its makers write it.
fn engine_name(word: &str) -> &'static str {
    match word {
        "opentofu" => "OpenTofu",
        "helm" => "Helm",
        _ => "Terraform",
    }
}

fn facts_of(run: &Run) -> View {
    let step = run.steps.first();
    let mut pairs = vec![
        (
            "Environment",
            link(
                format!("/environments/{}", run.environment_id),
                run.environment.clone(),
            ),
        ),
        ("Team", text(run.team.clone())),
        ("Class", text(run.class.word())),
    ];
    if let Some(place) = &run.account {
        pairs.push(("AWS account", text(place.words())));
    }
    if let Some((engine, version)) =
        step.and_then(|s| s.engine.clone().zip(s.engine_version.clone()))
    {
        let engine = engine_name(&engine);
        pairs.push(("Engine", text(format!("{engine} {version}"))));
    }
    if let Some(serial) = step
        .filter(|s| s.engine.as_deref() != Some("helm"))
        .and_then(|s| s.base_serial)
    {
        pairs.push(("State serial", text(serial.to_string())));
    }
    if let Some(of) = &run.digest {
        pairs.push(("Plan", digest(of)));
    }
    if let Some(at) = run
        .votes_until
        .filter(|_| run.state == State::AwaitingApproval)
    {
        pairs.push(("Votes expire", view! { "in "{left(at)} }.into_any()));
    }
    if let Some(worker) = &run.worker {
        pairs.push(("Worker", code(worker.clone())));
    }
    pairs.push(("Asked", ago(run.created_at)));
    if let Some(at) = run.finished_at {
        pairs.push(("Ended", ago(at)));
    }
    facts(pairs)
}

fn inputs(run: &Run) -> Option<View> {
    if run.inputs.is_empty() && run.sensitive.is_empty() {
        return None;
    }
    let mut lines: Vec<View> = run
        .inputs
        .iter()
        .map(|(name, value)| {
            let shown = match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            view! { <div><dt>{name.clone()}</dt><dd>{shown}</dd></div> }.into_any()
        })
        .collect();
    lines.extend(run.sensitive.iter().map(|name| {
        view! { <div><dt>{name.clone()}</dt><dd class="muted">{icon(Icon::Lock)}"sealed"</dd></div> }.into_any()
    }));
    let count = lines.len();
    let body = view! { <details class="inputs" open=count <= 6><summary>{if count == 1 { "1 input".to_owned() } else { format!("{count} inputs") }}</summary><dl>{lines}</dl></details> };
    Some(card("Inputs", "", None, body.into_any()))
}

fn decision(run: &Run, options: Options) -> Option<View> {
    let of = run
        .digest
        .as_ref()
        .filter(|_| options.approve || options.reject)?;
    if !options.approve {
        return None;
    }
    let until = run
        .votes_until
        .map(|at| view! { ", votes expire in "{left(at)} }.into_any());
    let bar = decide(
        run.id.get(),
        of,
        "Your decision",
        &format!("/runs/{}", run.id),
        until,
        None,
    );
    Some(view! { <div class="decide" id="decide" tabindex="-1">{bar}</div> }.into_any())
}
