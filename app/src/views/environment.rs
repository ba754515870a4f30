//! One environment as one thing: what it is, until when, what was decided about it, and what can be done with it.

use leptos::prelude::*;
use slipway_domain::{
    environment::{EnvironmentState, ends_soon},
    plan::Shown,
    role::Actor,
    run::{Operation, State},
    time_text,
};
use slipway_services::{
    deployment::Deployment,
    environment::{Options, View as Environment},
    run::Link,
    workload::Health,
};
use time::{Duration, OffsetDateTime};

use super::{catalog::class_pill, health, history::entry};
use crate::components::{
    Icon, Row, Tone, View, ago, area, card, code, copy, crumbs, digest, environment_pill, facts,
    icon, left, link, row, run_pill, run_sign, sheet, shown, text, times::now,
};

/// The page.
#[must_use]
pub fn view(of: &Environment, actor: &Actor, stands: Option<&Health>) -> View {
    let options = of.options(actor);
    let active = of.active().map(|run| run.state);
    let over = of.state.is_over();
    let run = of.active().map(|run| run.id.get());
    view! {
        {crumbs(vec![("Environments".into(), "/environments".into())], of.name.clone())}
        <div data-live="head" data-run=run data-refresh=active.map(|_| "")>
            <div class="head"><h1>{of.name.clone()}</h1>{environment_pill(of.state, active)}
                {(options.change || options.destroy).then(|| view! { <div class="acts">
                    {options.destroy.then(|| view! { <a class="btn quiet danger" href=format!("/environments/{}/destroy", of.id)>"Destroy…"<span class="vh">{format!(" {}", of.name)}</span></a> })}
                    {options.change.then(|| view! { <a class="btn primary" href=format!("/environments/{}/change", of.id)>"Change"</a> })}
                </div> })}
            </div>
            <div class="sub">
                <span>"Team "<b>{of.team.clone()}</b></span>
                <span>{class_pill(of.class)}</span>
                <span>{icon(Icon::Branch)}<a class="link" href=format!("/catalog/{}", of.template)>{of.template.clone()}</a>{digest(&of.version.digest)}</span>
                {(!over).then(|| ends(of, options))}
            </div>
        </div>
        <div class="stack" data-live="looks" data-inbox=stands.map(|_| "")>{looks(of, options, stands)}</div>
        <div class="cols gap"><div class="stack" data-live="main">
            {stands.filter(|_| !over).map(health::view)}
            {outputs(of)}
            {runs(of)}
            {deployments(of, options)}
            {resources(of)}
        </div><aside class="stack" aria-label="About this environment" data-live="side">
            {card("Facts", "", None, facts_of(of))}
            {inputs(of)}
        </aside></div>
        {options.extend.then(|| sheet("extend", format!("Keep {} longer", of.name), extend_lead(of), extend_form(of, true)))}
    }
    .into_any()
}

fn ends(of: &Environment, options: Options) -> View {
    match of.ends_at {
        None => view! { <span class="end-in still">{icon(Icon::Clock)}"No end"</span> }.into_any(),
        Some(at) => {
            let soon = ends_soon(now(), of.created_at, at);
            view! {
                <span class=if soon { "end-in soon" } else { "end-in" }>
                    {icon(Icon::Clock)}<span>"Ends in "{left(at)}</span>
                    {options.extend.then(|| view! { <button class="btn small" type="button" popovertarget="extend">"Extend"</button> })}
                </span>
            }
            .into_any()
        }
    }
}

/// One thing that deserves a look: colour, shape, what, why, and a link that helps.
fn look(
    tone: Tone,
    shape: Icon,
    what: String,
    why: View,
    act: Option<(String, &'static str)>,
) -> View {
    view! {
        <li class=tone.class()>{icon(shape)}<div><b>{what}</b><p>{why}</p></div>
            {act.map(|(url, label)| view! { <span class="acts"><a class="btn small" href=url>{label}</a></span> })}
        </li>
    }
    .into_any()
}

fn looks(of: &Environment, options: Options, stands: Option<&Health>) -> Option<View> {
    let mut items = Vec::new();
    let silence = stands
        .filter(|_| !of.state.is_over())
        .and_then(health::silence);
    items.extend(silence.map(|(tone, shape, what, why)| look(tone, shape, what, why, None)));
    if let Some(run) = of.active() {
        let url = format!("/runs/{}", run.id);
        let (tone, shape, why) = match run.state {
            State::AwaitingApproval => (
                Tone::Wait,
                Icon::Clock,
                "Votes are missing; its page says whose.",
            ),
            State::Unknown => (
                Tone::Stop,
                Icon::Ghost,
                "The worker vanished while it applied. Nobody knows yet what was done.",
            ),
            _ => (Tone::Sea, Icon::Dots, "Under way; its page shows it live."),
        };
        items.push(look(
            tone,
            shape,
            run.title.clone(),
            text(why),
            Some((url, "Open")),
        ));
    }
    for run in of.runs.iter().filter(|run| run.waiting) {
        items.push(look(
            Tone::Plain,
            Icon::Clock,
            run.title.clone(),
            text("Waits its turn behind the run above."),
            Some((format!("/runs/{}", run.id), "Open")),
        ));
    }
    if of.state == EnvironmentState::Incomplete && of.active().is_none() {
        let last = of.runs.iter().find(|run| run.state.is_over());
        items.push(look(
            Tone::Stop,
            Icon::Warn,
            "Part of it exists, part does not".into(),
            text("Its last run stopped half-way. Change it to go on, or destroy what exists."),
            last.map(|run| (format!("/runs/{}", run.id), "What was done")),
        ));
    }
    if let Some(at) = of
        .ends_at
        .filter(|at| !of.state.is_over() && ends_soon(now(), of.created_at, *at))
    {
        let why = if options.extend {
            "Then it is destroyed by itself. Extend it if it is still needed."
        } else {
            "Then it is destroyed by itself."
        };
        items.push(look(
            Tone::Wait,
            Icon::Clock,
            format!("It ends {}", time_text::exact(at)),
            text(why),
            options
                .extend
                .then(|| (format!("/environments/{}/extend", of.id), "Extend")),
        ));
    }
    if let Some(gone) = of
        .account
        .as_ref()
        .filter(|place| place.removed && !of.state.is_over())
    {
        items.push(look(
            Tone::Stop,
            Icon::Cloud,
            format!("Its AWS account {} was removed", gone.name),
            text("What it made is still there. It can neither be changed nor destroyed until an admin adds the account again."),
            None,
        ));
    }
    if let Some(newer) = of.newer.as_ref().filter(|_| !of.state.is_over()) {
        items.push(look(
            Tone::Sea,
            Icon::Branch,
            "Its template has a newer version".into(),
            view! { "It runs "{digest(&of.version.digest)}" and goes on doing so; the newest is "{digest(newer)}"." }.into_any(),
            options.change.then(|| (format!("/environments/{}/change?upgrade=1", of.id), "Move to it")),
        ));
    }
    (!items.is_empty()).then(|| {
        view! { <section class="card brief"><header><h2>"What deserves a look"</h2></header><ul class="looks">{items}</ul></section> }.into_any()
    })
}

fn outputs(of: &Environment) -> View {
    if of.outputs.is_empty() {
        let why = match of.state {
            EnvironmentState::Pending => "They appear here when it has been made.",
            EnvironmentState::Destroyed | EnvironmentState::Withdrawn => {
                "It is gone, and its outputs with it."
            }
            _ => "Its template gives none.",
        };
        return card(
            "Outputs",
            "",
            None,
            view! { <p class="none muted">{why}</p> }.into_any(),
        );
    }
    let lines: Vec<View> = of
        .outputs
        .iter()
        .map(|output| {
            let about = of.version.template.outputs.iter().find(|o| o.name == output.name).and_then(|o| o.description.clone());
            let (value, beside) = match &output.value {
                Shown::Value(text) => {
                    let bare = serde_json::from_str::<String>(text).unwrap_or_else(|_| text.clone());
                    (code(bare.clone()), Some(copy(&output.name, bare)))
                }
                other => (shown(other), None),
            };
            view! { <div><dt><code>{output.name.clone()}</code></dt><dd>{value}{about.map(|about| view! { <small class="muted">{about}</small> })}</dd><dd class="beside">{beside}</dd></div> }.into_any()
        })
        .collect();
    card(
        "Outputs",
        "",
        None,
        view! { <dl class="kv">{lines}</dl> }.into_any(),
    )
}

fn run_row(run: &Link) -> View {
    row(Row {
        sign: run_sign(run.state),
        url: format!("/runs/{}", run.id),
        title: run.title.clone(),
        small: text(format!(
            "Run {}, asked by {}",
            run.id,
            run.requested_by.as_deref().unwrap_or("a rule")
        )),
        extra: Some(run_pill(run.state)),
        when: Some(ago(run.finished_at.unwrap_or(run.created_at))),
    })
}

fn runs(of: &Environment) -> View {
    let rows: Vec<View> = of.runs.iter().take(10).map(run_row).collect();
    card("Last runs", "", None, rows.into_any())
}

fn deployments(of: &Environment, options: Options) -> Option<View> {
    // The newest that came to its end is what runs now.
    let runs_now = of.deployments.iter().find(|d| is_good(d)).map(|d| d.id);
    let rows: Vec<View> = of
        .deployments
        .iter()
        .map(|d| {
            let back = options.change && is_good(d) && Some(d.id) != runs_now;
            let url = back.then(|| format!("/environments/{}/back?to={}", of.id, d.id));
            entry(d, url)
        })
        .collect();
    (!rows.is_empty()).then(|| {
        let all = super::query("/history", &[("environment", &of.name)]);
        card(
            "Deployments",
            "what was applied",
            Some(view! { <a href=all>"All"</a> }.into_any()),
            view! { <div class="deps">{rows}</div> }.into_any(),
        )
    })
}

fn is_good(of: &Deployment) -> bool {
    matches!(of.outcome, State::Succeeded | State::Degraded) && of.operation != Operation::Destroy
}

fn resources(of: &Environment) -> Option<View> {
    if of.resources.is_empty() {
        return None;
    }
    let count = of.resources.len();
    let items: Vec<View> = of
        .resources
        .iter()
        .take(500)
        .map(|resource| view! { <div><dt><code class="any">{resource.address.clone()}</code></dt><dd class="muted any">{resource.id.clone()}</dd></div> }.into_any())
        .collect();
    let body = view! {
        <details class="inputs" open=count <= 12><summary>{format!("{count} resources")}</summary><dl class="kv two">{items}</dl>{(count > 500).then(|| view! { <p class="none muted">"The first 500 are shown."</p> })}</details>
    };
    Some(card(
        "What exists",
        "as the last state says",
        None,
        body.into_any(),
    ))
}

fn facts_of(of: &Environment) -> View {
    let mut pairs = vec![
        ("Owner team", text(of.team.clone())),
        ("Asked by", text(of.created_by.name.clone())),
        ("Asked", ago(of.created_at)),
    ];
    if let Some(place) = &of.account {
        pairs.insert(1, ("AWS account", text(place.words())));
    }
    if let Some(last) = of.deployments.first() {
        pairs.push((
            "Last change",
            link(format!("/runs/{}", last.run), format!("run {}", last.run)),
        ));
        let by = if last.approved_by.is_empty() {
            "nobody had to".to_owned()
        } else {
            last.approved_by.join(", ")
        };
        pairs.push(("Approved by", text(by)));
    }
    match (of.destroyed_at, of.ends_at) {
        (Some(at), _) => pairs.push(("Gone", ago(at))),
        (None, Some(at)) => pairs.push(("Ends", view! { "in "{left(at)} }.into_any())),
        (None, None) => pairs.push(("Ends", text("never"))),
    }
    pairs.push(("Resources", text(of.resources.len().to_string())));
    facts(pairs)
}

fn inputs(of: &Environment) -> Option<View> {
    if of.inputs.is_empty() && of.sensitive.is_empty() {
        return None;
    }
    let mut lines: Vec<View> = of
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
    lines.extend(of.sensitive.iter().map(|name| view! { <div><dt>{name.clone()}</dt><dd class="muted">{icon(Icon::Lock)}"sealed"</dd></div> }.into_any()));
    let count = lines.len();
    let body = view! { <details class="inputs" open=count <= 8><summary>{if count == 1 { "1 input".to_owned() } else { format!("{count} inputs") }}</summary><dl>{lines}</dl></details> };
    Some(card("Inputs in force", "", None, body.into_any()))
}

fn extend_lead(of: &Environment) -> String {
    let ends = of
        .ends_at
        .map(|at| format!("It ends {}.", time_text::exact(at)))
        .unwrap_or_default();
    match of.greatest_end {
        Some(most) => format!("{ends} At most until {}.", time_text::exact(most)),
        None => ends,
    }
}

/// The offered lengths of life from now on, longer than what is left and within what the template allows.
#[must_use]
pub fn offers(
    now: OffsetDateTime,
    ends_at: Option<OffsetDateTime>,
    greatest: Option<OffsetDateTime>,
) -> Vec<(String, String)> {
    let mut offers: Vec<(String, String)> = ["8h", "1d", "3d", "7d", "14d", "30d", "90d"]
        .into_iter()
        .filter_map(|word| {
            let span = time_text::read(word)?;
            let end = now + span;
            (ends_at.is_none_or(|at| end > at) && greatest.is_none_or(|most| end <= most))
                .then(|| (word.to_owned(), time_text::long(span)))
        })
        .collect();
    if let (Some(most), Some(at)) = (greatest, ends_at)
        && most > at + Duration::minutes(1)
    {
        // The office cuts it at what the template allows.
        let days = (most - now).whole_hours() / 24 + 1;
        offers.push((format!("{days}d"), "as long as possible".into()));
    }
    offers
}

fn extend_form(of: &Environment, in_sheet: bool) -> View {
    let offers = offers(now(), of.ends_at, of.greatest_end);
    if offers.is_empty() {
        return view! { <p class="form muted">"It lives as long as its template allows already. Ask for a new environment when this one ends."</p> }.into_any();
    }
    let options: Vec<View> = offers
        .into_iter()
        .enumerate()
        .map(|(n, (value, words))| {
            let id = format!("for-{value}");
            view! { <label><input type="radio" name="for" id=id value=value checked=n == 0/>{words}</label> }.into_any()
        })
        .collect();
    view! {
        <form class="form" method="post" action=format!("/environments/{}/extend", of.id)>
            <fieldset class="field"><legend class="label">"Counted from now"</legend><div class="seg wrap">{options}</div></fieldset>
            <div class="foot">
                {if in_sheet {
                    view! { <button class="btn quiet" type="button" popovertarget="extend" popovertargetaction="hide">"Not now"</button> }.into_any()
                } else {
                    view! { <a class="btn quiet" href=format!("/environments/{}", of.id)>"Not now"</a> }.into_any()
                }}
                <button class="btn primary" type="submit">{format!("Extend {}", of.name)}</button>
            </div>
        </form>
    }
    .into_any()
}

/// The page of an extension.
#[must_use]
pub fn extend(of: &Environment) -> View {
    let url = format!("/environments/{}", of.id);
    view! {
        {crumbs(vec![("Environments".into(), "/environments".into()), (of.name.clone(), url)], "Extend")}
        <div class="head"><h1>{format!("Keep {} longer", of.name)}</h1></div>
        <p class="sub">{extend_lead(of)}</p>
        <section class="card narrow">{extend_form(of, false)}</section>
    }
    .into_any()
}

/// What was typed into the destroy form, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Destroy {
    /// The typed name.
    pub name: String,
    /// The reason.
    pub reason: String,
    /// Why it was not accepted.
    pub error: Option<String>,
}

/// The page that asks before an environment is destroyed. It asks for the plan, which is then decided like any other.
#[must_use]
pub fn destroy(of: &Environment, typed: &Destroy) -> View {
    let url = format!("/environments/{}", of.id);
    let resources = of.resources.len();
    let what = match resources {
        0 => "Nothing is recorded to exist.".to_owned(),
        1 => "One resource exists.".to_owned(),
        n => format!("{n} resources exist."),
    };
    let open = of
        .runs
        .iter()
        .find(|run| run.operation == Operation::Destroy && !run.state.is_over());
    let wrong = typed.error.clone();
    let class = if wrong.is_some() {
        "field bad"
    } else {
        "field"
    };
    let described = wrong.as_ref().map(|_| "name-error");
    let invalid = wrong.as_ref().map(|_| "true");
    let back = url.clone();
    view! {
        {crumbs(vec![("Environments".into(), "/environments".into()), (of.name.clone(), url.clone())], "Destroy")}
        <div class="head"><h1>{format!("Destroy {}", of.name)}</h1></div>
        <p class="sub">{what}" You see the destroy plan first, and it is decided like any other: "{super::catalog::who_decides(of.class)}"."</p>
        {open.map(|run| view! { <p class="sub">"A destroy was asked for already: "<a href=format!("/runs/{}", run.id)>{run.title.clone()}</a>"."</p> })}
        <form class="card form narrow" method="post" action=format!("{url}/destroy")>
            <div class=class>
                <label for="name">"Type the name "<code>{of.name.clone()}</code></label>
                <input id="name" name="name" value=typed.name.clone() autocomplete="off" spellcheck="false" aria-describedby=described aria-invalid=invalid/>
                {wrong.map(|text| view! { <p class="err" id="name-error">{icon(Icon::Warn)}<span>{text}</span></p> })}
            </div>
            <div class="field"><label for="reason">"Reason"</label><textarea id="reason" name="reason" rows="2" inner_html=area(&typed.reason)></textarea></div>
            <div class="foot"><a class="btn quiet" href=back>"Keep it"</a><button class="btn danger" type="submit">{format!("See the destroy plan for {}", of.name)}</button></div>
        </form>
    }
    .into_any()
}
