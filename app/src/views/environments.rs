//! Environments: what runs where.

use leptos::prelude::*;
use slipway_services::environment::{Filter, Page};

use super::{home::environment_card, query};
use crate::components::{Icon, View, empty, pager, search};

/// The page.
#[must_use]
pub fn view(page: Page, filter: &Filter, requests: bool) -> View {
    let name = filter.name.clone().unwrap_or_default();
    let filtered =
        !name.is_empty() || filter.team.is_some() || filter.over || filter.before.is_some();
    let cards: Vec<View> = page.environments.iter().map(environment_card).collect();
    let none = cards.is_empty();
    let older = page.older.map(|id| {
        let before = id.to_string();
        query(
            "/environments",
            &[
                ("name", &name),
                ("team", filter.team.as_deref().unwrap_or("")),
                ("over", if filter.over { "1" } else { "" }),
                ("before", &before),
            ],
        )
    });
    let newest = filter.before.map(|_| {
        query(
            "/environments",
            &[
                ("name", &name),
                ("over", if filter.over { "1" } else { "" }),
            ],
        )
    });
    view! {
        <div class="head"><h1>"Environments"</h1>
            {requests.then(|| view! { <div class="acts"><a class="btn primary" href="/catalog">"Request an environment"</a></div> })}
        </div>
        <p class="sub">"What your teams run, since when and until when."</p>
        <form class="filters" method="get" action="/environments" role="search">
            {search("name", "Find by name", name)}
            {filter.team.clone().map(|team| view! { <input type="hidden" name="team" value=team/> })}
            <label class="tick"><input type="checkbox" name="over" value="1" checked=filter.over/>"Those that are gone, too"</label>
            <button class="btn" type="submit">"Show"</button>
        </form>
        <div data-live="list">
            {match (none, filtered) {
                (true, true) => empty(Icon::Find, "No environment like that", "None that you can see matches what you look for.", vec![("Clear the filter".into(), "/environments".into())]),
                (true, false) => empty(Icon::Environment, "No environment yet", "Choose a template, fill in its form, and see exactly what would be made before anything is.", vec![("See the catalog".into(), "/catalog".into())]),
                _ => view! { <h2 class="vh">"Environments, newest first"</h2><div class="grid">{cards}</div> }.into_any(),
            }}
        </div>
        {pager(newest, older)}
    }
    .into_any()
}
