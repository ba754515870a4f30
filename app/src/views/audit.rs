//! The audit trail: who did what, when, and what was refused.

use std::collections::BTreeSet;

use leptos::prelude::*;
use serde_json::Value;
use slipway_services::audit::{Filter, Page, Record};

use super::query;
use crate::components::{Icon, Tone, View, digest, empty, icon, moment, pager, pick, pill, search};

const NOUNS: [&str; 8] = [
    "environment",
    "run",
    "draft",
    "session",
    "template",
    "user",
    "team",
    "audit",
];

/// The page.
#[must_use]
pub fn view(page: Page, filter: &Filter) -> View {
    let actor = filter.actor.clone().unwrap_or_default();
    let action = filter.action.clone().unwrap_or_default();
    let noun = filter.noun.clone().unwrap_or_default();
    let one = filter.noun_id.map(|id| id.to_string()).unwrap_or_default();
    let since = filter
        .since
        .map(|at| at.date().to_string())
        .unwrap_or_default();
    let until = filter
        .until
        .map(|at| (at - time::Duration::days(1)).date().to_string())
        .unwrap_or_default();
    let same = [
        ("actor", actor.as_str()),
        ("action", action.as_str()),
        ("noun", noun.as_str()),
        ("id", one.as_str()),
        ("since", since.as_str()),
        ("until", until.as_str()),
    ];
    let filtered = same.iter().any(|(_, value)| !value.is_empty()) || filter.before.is_some();
    let older = page.older.map(|id| {
        let before = id.to_string();
        let mut pairs = same.to_vec();
        pairs.push(("before", &before));
        query("/audit", &pairs)
    });
    let newest = filter.before.map(|_| query("/audit", &same));
    let nouns: Vec<(String, String)> = [(String::new(), "any".to_owned())]
        .into_iter()
        .chain(
            NOUNS
                .iter()
                .map(|noun| ((*noun).to_owned(), (*noun).to_owned())),
        )
        .collect();
    let rows: Vec<View> = page.records.iter().map(record).collect();
    let none = rows.is_empty();
    view! {
        <div class="head"><h1>"Audit"</h1><div class="acts"><a class="btn" href="/audit/export" download>"Export the trail"</a></div></div>
        <p class="sub">"Append-only. Each record is sealed into a chain within a second of being written, and the chain is signed; an export is checked with "<code>"slipway audit verify"</code>"."</p>
        <form class="filters" method="get" action="/audit" role="search">
            {search("actor", "Who", actor.clone())}
            {search("action", "What", action.clone())}
            {pick("noun", "On", nouns, &noun)}
            <label class="pick">"From"<input type="date" name="since" value=since.clone()/></label>
            <label class="pick">"To"<input type="date" name="until" value=until.clone()/></label>
            <button class="btn" type="submit">"Show"</button>
        </form>
        {match (none, filtered) {
            (true, true) => empty(Icon::Find, "No record like that", "Nothing in the trail matches what you look for.", vec![("Clear the filter".into(), "/audit".into())]),
            (true, false) => empty(Icon::Audit, "The trail is empty", "The first sign-in writes its first record.", vec![]),
            _ => view! {
                <section class="card">
                    <table class="tbl audit" role="table">
                        <caption class="vh">"Audit records, newest first"</caption>
                        <thead role="rowgroup"><tr role="row">
                            <th role="columnheader" scope="col">"When"</th><th role="columnheader" scope="col">"Who"</th><th role="columnheader" scope="col">"What"</th>
                            <th role="columnheader" scope="col">"On"</th><th role="columnheader" scope="col">"Detail"</th><th role="columnheader" scope="col">"Seal"</th>
                        </tr></thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                </section>
            }.into_any(),
        }}
        {pager(newest, older)}
    }
    .into_any()
}

fn record(of: &Record) -> View {
    let on = match of.noun_id {
        Some(id) if of.noun == "environment" => view! { <a class="link" href=format!("/environments/{id}")>{format!("environment {id}")}</a> }.into_any(),
        Some(id) if of.noun == "run" => view! { <a class="link" href=format!("/runs/{id}")>{format!("run {id}")}</a>" "<a class="link" href=format!("/runs/{id}/evidence") download>"evidence"</a> }.into_any(),
        Some(id) => view! { {format!("{} {id}", of.noun)} }.into_any(),
        None => view! { {of.noun.clone()} }.into_any(),
    };
    let seal = match of.sealed {
        Some(n) => view! { <span class="line is-go" title="Sealed into the chain">{icon(Icon::Lock)}<span class="num">{n}</span></span> }.into_any(),
        None => view! { <span class="muted">"not yet"</span> }.into_any(),
    };
    view! {
        <tr role="row" id=format!("record-{}", of.id)>
            <th role="rowheader" scope="row">{moment(of.at)}</th>
            <td role="cell" data-label="Who"><div>{of.actor.clone()}</div></td>
            <td role="cell" data-label="What"><div><code>{of.action.clone()}</code>{(!of.allowed).then(|| view! { " "{pill(Tone::Stop, Icon::Cross, "refused")} })}</div></td>
            <td role="cell" data-label="On"><div>{on}</div></td>
            <td role="cell" data-label="Detail"><div>{of.detail.clone()}{change(of.before.as_ref(), of.after.as_ref())}<small>"request "<code class="any">{of.request_id.clone()}</code></small></div></td>
            <td role="cell" data-label="Seal"><div>{seal}</div></td>
        </tr>
    }
    .into_any()
}

fn change(before: Option<&Value>, after: Option<&Value>) -> Option<View> {
    if before.is_none() && after.is_none() {
        return None;
    }
    let pairs: Vec<(String, Option<String>, Option<String>)> = match (before, after) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let side = |value: Option<&Value>, key: &str| value.and_then(|v| v.get(key)).map(brief);
            let keys: BTreeSet<&String> = [before, after]
                .into_iter()
                .flatten()
                .filter_map(Value::as_object)
                .flat_map(|object| object.keys())
                .collect();
            keys.into_iter()
                .map(|key| (key.clone(), side(before, key), side(after, key)))
                .filter(|(_, was, is)| {
                    was != is && is.as_deref().or(was.as_deref()) != Some("null")
                })
                .collect()
        }
        _ => vec![(String::new(), before.map(brief), after.map(brief))],
    };
    let length = |text: &Option<String>| text.as_deref().map_or(0, str::len);
    let long = pairs
        .iter()
        .map(|p| length(&p.1) + length(&p.2))
        .sum::<usize>()
        > 160;
    if pairs.is_empty() {
        return None;
    }
    let lines: Vec<View> = pairs
        .into_iter()
        .map(|(key, was, is)| {
            let both = was.is_some() && is.is_some();
            let shown = |text: String| if key == "digest" { digest(&text) } else { text.into_any() };
            view! {
                <div>
                    {(!key.is_empty()).then(|| view! { <span class="muted">{key.clone()}" "</span> })}
                    {was.map(|t| view! { <del>{shown(t)}</del> })}
                    {both.then_some(" → ")}
                    {is.map(|t| view! { <ins>{shown(t)}</ins> })}
                </div>
            }
            .into_any()
        })
        .collect();
    let delta = view! { <div class="delta">{lines}</div> }.into_any();
    // What was asked for may be long; the line stays a line, and the whole is one press away.
    Some(if long {
        view! { <details class="fold"><summary>"What changed"</summary>{delta}</details> }
            .into_any()
    } else {
        delta
    })
}

/// A value as a person writes it: a text without its quotes.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
