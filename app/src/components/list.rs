//! Rows, and the way to older ones.

use leptos::prelude::*;

use super::View;

/// One line of a list that leads somewhere.
pub struct Row {
    /// The sign at its head.
    pub sign: View,
    /// Where it leads.
    pub url: String,
    /// What it is.
    pub title: String,
    /// More, in smaller letters.
    pub small: View,
    /// A pill or a tally.
    pub extra: Option<View>,
    /// When.
    pub when: Option<View>,
}

/// A row.
#[must_use]
pub fn row(row: Row) -> View {
    view! {
        <a class="row" href=row.url>
            {row.sign}
            <div class="t grow"><b class="clip two">{row.title}</b><small class="clip two">{row.small}</small></div>
            {row.extra}
            {row.when.map(|when| view! { <span class="when muted">{when}</span> })}
        </a>
    }
    .into_any()
}

/// Links to the newest page and to older ones. Lists are paged by key, so there are no page numbers.
#[must_use]
pub fn pager(newest: Option<String>, older: Option<String>) -> View {
    if newest.is_none() && older.is_none() {
        return ().into_any();
    }
    view! {
        <nav class="pager" aria-label="Pages">
            {newest.map(|url| view! { <a class="btn" href=url rel="first">"Newest"</a> })}
            {older.map(|url| view! { <a class="btn" href=url rel="next">"Older"</a> })}
        </nav>
    }
    .into_any()
}

/// A table: every cell names its column by `data-label`, so that a phone shows each row as a card.
#[must_use]
pub fn table(caption: &'static str, columns: &[&'static str], rows: Vec<View>) -> View {
    let heads: Vec<View> = columns
        .iter()
        .map(|name| view! { <th role="columnheader" scope="col">{*name}</th> }.into_any())
        .collect();
    view! {
        <table class="tbl" role="table">
            <caption class="vh">{caption}</caption>
            <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}
