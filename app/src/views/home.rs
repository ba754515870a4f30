//! Home: what waits for me, what runs where, what just happened.

use leptos::prelude::*;
use slipway_domain::{environment::Class, run::State};
use slipway_services::{approval::Inbox, deployment::Deployment, environment::Listed, run::Link};

use super::{count_capital, count_words};
use crate::components::{
    Icon, Row, Tone, View, ago, banner, empty, environment_pill, left, row, run_look, run_sign,
    section, sign, tally, tally_pill, text, words,
};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The reader's inbox.
    pub inbox: Inbox,
    /// Environments of the reader's teams, newest first.
    pub environments: Vec<Listed>,
    /// There are more.
    pub more: bool,
    /// What happened last.
    pub recent: Vec<Deployment>,
    /// The reader may ask for something.
    pub requests: bool,
}

/// The page.
#[must_use]
pub fn view(home: Home) -> View {
    let waiting = home.inbox.yours.len();
    let sub = summary(&home);
    let first_day = home.environments.is_empty() && home.recent.is_empty() && waiting == 0;
    let mut rows: Vec<View> = home.inbox.yours.iter().map(waiting_row).collect();
    rows.extend(troubles(&home.environments));
    rows.extend(home.inbox.ending.iter().map(|ending| {
        row(Row {
            sign: sign(Tone::Wait, Icon::Clock),
            url: format!("/environments/{}", ending.id),
            title: format!("{} ends soon", ending.name),
            small: text(format!(
                "{}; extend it, or it is destroyed by itself",
                ending.team
            )),
            extra: None,
            when: Some(view! { "in "{left(ending.ends_at)} }.into_any()),
        })
    }));
    let title = match rows.len() {
        0 => "Nothing waits for you".to_owned(),
        1 => "One thing waits for you".to_owned(),
        n => format!("{} things wait for you", count_capital(n)),
    };
    let cards: Vec<View> = home.environments.iter().map(environment_card).collect();
    let feed: Vec<View> = home.recent.iter().map(recent_row).collect();
    let requests = home.requests;
    view! {
        <div data-live="home" data-inbox="">
            <div class="head"><h1>{title}</h1>
                {requests.then(|| view! { <div class="acts"><a class="btn primary" href="/catalog">"Request an environment"</a></div> })}
            </div>
            <p class="sub">{sub}</p>
            {(!rows.is_empty()).then(|| view! { <section class="card" aria-label="Waiting for you">{rows}</section> })}
            {home.inbox.asking.then(|| banner(Tone::Wait, Icon::Clock, "Google is still being asked which groups you are in.", "What they give you appears as soon as it answers. Until then you see what was known before.", None))}
            {first_day.then(|| empty(
                Icon::Environment,
                "No environment yet",
                if requests { "Choose a template, fill in its form, and see exactly what would be made before anything is." } else { "When a team requests one, it appears here." },
                vec![("See the catalog".into(), "/catalog".into())],
            ))}
            {(!cards.is_empty()).then(|| view! {
                {section("Environments", if home.more { "the newest" } else { "" }, Some(("All".into(), "/environments".into())))}
                <div class="grid">{cards}</div>
            })}
            {(!feed.is_empty()).then(|| view! {
                {section("What just happened", "", Some(("History".into(), "/history".into())))}
                <section class="card" aria-label="What just happened">{feed}</section>
            })}
        </div>
    }
    .into_any()
}

fn summary(home: &Home) -> String {
    let moving = home
        .environments
        .iter()
        .filter(|e| e.active.as_ref().is_some_and(|r| r.state.is_working()))
        .count();
    let others = home.inbox.others.len();
    let ending = home.inbox.ending.len();
    let mut parts = Vec::new();
    match moving {
        0 => {}
        1 => parts.push("One run is under way.".to_owned()),
        n => parts.push(format!("{} runs are under way.", count_capital(n))),
    }
    match others {
        0 => {}
        1 => parts.push("One run waits for somebody else’s vote.".to_owned()),
        n => parts.push(format!("{} runs wait for others’ votes.", count_capital(n))),
    }
    match ending {
        0 => {}
        1 => parts.push("One environment ends soon.".to_owned()),
        n => parts.push(format!("{} environments end soon.", count_capital(n))),
    }
    if parts.is_empty() {
        parts.push(match home.environments.len() {
            0 => "All is quiet.".to_owned(),
            1 => "One environment, and all is quiet.".to_owned(),
            n => format!("{} environments, and all is quiet.", count_capital(n)),
        });
    }
    parts.join(" ")
}

fn waiting_row(waiting: &slipway_services::approval::Waiting) -> View {
    row(Row {
        sign: sign(Tone::Wait, Icon::Clock),
        url: format!("/runs/{}", waiting.run),
        title: waiting.title.clone(),
        small: text(format!(
            "{}, {}, asked by {}, {} of {}",
            waiting.environment,
            waiting.class.word(),
            waiting.requested_by.as_deref().unwrap_or("a rule"),
            match waiting.votes.0 {
                0 => "no vote".into(),
                1 => "1 vote".into(),
                n => format!("{n} votes"),
            },
            waiting.votes.1,
        )),
        extra: Some(tally_pill(waiting.tally)),
        when: Some(ago(waiting.since)),
    })
}

/// Environments that need a person.
fn troubles(environments: &[Listed]) -> Vec<View> {
    let needs = |run: &Link| {
        matches!(
            run.state,
            State::Failed | State::Unknown | State::PartlyApplied | State::Degraded
        )
    };
    environments
        .iter()
        .filter_map(|environment| {
            let run = environment
                .active
                .as_ref()
                .or(environment.last.as_ref())
                .filter(|run| needs(run))?;
            let (word, ..) = run_look(run.state);
            Some(row(Row {
                sign: run_sign(run.state),
                url: format!("/runs/{}", run.id),
                title: format!("{}: {}", environment.name, word.to_lowercase()),
                small: text(run.title.clone()),
                extra: None,
                when: Some(ago(run.finished_at.unwrap_or(run.created_at))),
            }))
        })
        .collect()
}

/// An environment as a card.
#[must_use]
pub fn environment_card(environment: &Listed) -> View {
    let active = environment.active.as_ref();
    let (_, tone, _) = active.map_or_else(
        || crate::components::environment_look(environment.state),
        |run| run_look(run.state),
    );
    let what = match (active, &environment.last) {
        (Some(run), _) => view! { {run.title.clone()} }.into_any(),
        (None, Some(run)) => view! { {run.title.clone()}", "{words(run.state.word())}" "{ago(run.finished_at.unwrap_or(run.created_at))} }.into_any(),
        (None, None) => text(environment.template_title.clone()),
    };
    let class = match environment.class {
        Class::Preview => "preview",
        Class::Shared => "shared",
        Class::Production => "production",
    };
    let run = active.map(|run| run.id.get());
    view! {
        <a class="card env" href=format!("/environments/{}", environment.id) data-run=run>
            <h3><span class=format!("dot {}", tone.class())></span><span class="name">{environment.name.clone()}</span>{environment_pill(environment.state, active.map(|r| r.state))}</h3>
            <p class="clip two">{what}</p>
            <div class="foot"><span>{environment.team.clone()}", "{class}</span><span class="num">{match environment.ends_at {
                Some(at) => view! { "ends in "{left(at)} }.into_any(),
                None => text("no end"),
            }}</span></div>
        </a>
    }
    .into_any()
}

/// A deployment as a row.
#[must_use]
pub fn recent_row(deployment: &Deployment) -> View {
    let who = match (&deployment.requested_by, deployment.approved_by.len()) {
        (Some(name), 0) => format!("asked by {name}, no vote was needed"),
        (Some(name), _) => format!(
            "asked by {name}, approved by {}",
            deployment.approved_by.join(" and ")
        ),
        (None, 0) => "by a rule, no vote was needed".to_owned(),
        (None, _) => format!(
            "by a rule, approved by {}",
            deployment.approved_by.join(" and ")
        ),
    };
    row(Row {
        sign: run_sign(deployment.outcome),
        url: format!("/runs/{}", deployment.run),
        title: format!("{}: {}", deployment.title, words(deployment.outcome.word())),
        small: text(format!("{}, {who}", deployment.team)),
        extra: Some(tally(deployment.tally)),
        when: Some(ago(deployment.finished_at)),
    })
}

/// What a heading says of a number of things.
#[must_use]
pub fn how_many(n: usize, one: &str, many: &str) -> String {
    if n == 1 {
        format!("one {one}")
    } else {
        format!("{} {many}", count_words(n))
    }
}
