//! History: everything that was applied, everywhere.

use leptos::prelude::*;
use slipway_domain::run::State;
use slipway_services::deployment::{Filter, Page};

use super::query;
use crate::components::{
    Icon, View, ago, digest, empty, facts, icon, link, pager, pick, run_look, run_pill, run_sign,
    search, tally, text,
};

/// The outcomes that a deployment can have.
const OUTCOMES: [State; 6] = [
    State::Succeeded,
    State::Failed,
    State::Degraded,
    State::Canceled,
    State::PartlyApplied,
    State::Unknown,
];

/// The page.
#[must_use]
pub fn view(page: Page, filter: &Filter) -> View {
    let name = filter.environment.clone().unwrap_or_default();
    let team = filter.team.clone().unwrap_or_default();
    let outcome = filter.outcome.map(State::word).unwrap_or_default();
    let filtered =
        !name.is_empty() || !team.is_empty() || !outcome.is_empty() || filter.before.is_some();
    let same = [
        ("environment", name.as_str()),
        ("team", team.as_str()),
        ("outcome", outcome),
    ];
    let older = page.older.map(|id| {
        let before = id.to_string();
        query(
            "/history",
            &[same[0], same[1], same[2], ("before", &before)],
        )
    });
    let newest = filter.before.map(|_| query("/history", &same));
    let choices: Vec<(String, String)> = [(String::new(), "any".to_owned())]
        .into_iter()
        .chain(
            OUTCOMES
                .iter()
                .map(|state| (state.word().to_owned(), run_look(*state).0.to_lowercase())),
        )
        .collect();
    let rows: Vec<View> = page.deployments.iter().map(|of| entry(of, None)).collect();
    let none = rows.is_empty();
    view! {
        <div class="head"><h1>"History"</h1></div>
        <p class="sub">"Everything that was applied, by whom, and with whose approval."</p>
        <form class="filters" method="get" action="/history" role="search">
            {search("environment", "Find an environment", name.clone())}
            {search("team", "Team", team.clone())}
            {pick("outcome", "Outcome", choices, outcome)}
            <button class="btn" type="submit">"Show"</button>
        </form>
        {match (none, filtered) {
            (true, true) => empty(Icon::Find, "Nothing like that", "No deployment that you can see matches what you look for.", vec![("Clear the filter".into(), "/history".into())]),
            (true, false) => empty(Icon::History, "Nothing was applied yet", "The first environment that is made appears here, with its plan, its votes and its log.", vec![("See the catalog".into(), "/catalog".into())]),
            _ => view! { <section class="card deps" aria-label="Deployments">{rows}</section> }.into_any(),
        }}
        {pager(newest, older)}
    }
    .into_any()
}

/// One deployment, which unfolds; with a way back to it, if there is one.
#[must_use]
pub fn entry(of: &slipway_services::deployment::Deployment, back: Option<String>) -> View {
    let who = of.requested_by.clone().unwrap_or_else(|| "a rule".into());
    let approved = if of.approved_by.is_empty() {
        "nobody had to".to_owned()
    } else {
        of.approved_by.join(", ")
    };
    let mut pairs = vec![
        (
            "Environment",
            link(
                format!("/environments/{}", of.environment_id),
                of.environment.clone(),
            ),
        ),
        (
            "Run",
            link(
                format!("/runs/{}", of.run),
                format!("{}, with its plan and its log", of.run),
            ),
        ),
        (
            "Template",
            view! { {of.template.clone()}" "{digest(&of.template_digest)} }.into_any(),
        ),
        ("Asked by", text(who.clone())),
        ("Approved by", text(approved)),
        ("Ended", ago(of.finished_at)),
    ];
    pairs.extend(back.map(|url| ("Go back", link(url, "Put this back…".to_owned()))));
    view! {
        <details class="dep">
            <summary>
                {run_sign(of.outcome)}
                <span class="t"><b>{of.title.clone()}</b><small>{of.environment.clone()}", "{of.team.clone()}", asked by "{who.clone()}</small></span>
                {tally(of.tally)}
                {run_pill(of.outcome)}
                <span class="when muted">{ago(of.finished_at)}</span>
                <span class="turn">{icon(Icon::Go)}</span>
            </summary>
            <div class="inside">
                {facts(pairs)}
            </div>
        </details>
    }
    .into_any()
}
