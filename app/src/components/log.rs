//! The log of a run: a stretch of it as the server knows it; the island `LogTools` adds what comes.

use leptos::prelude::*;

use super::{View, card};
use crate::islands::LogTools;

/// A stretch of a log.
#[derive(Clone, Debug, Default)]
pub struct LogPart {
    /// The run.
    pub run: i64,
    /// Number of the first line shown, from 1.
    pub first: i64,
    /// The lines, without line ends.
    pub lines: Vec<String>,
    /// How many lines the log has.
    pub total: i64,
    /// Byte offset behind the last line shown, if it is the last there is: from there the stream goes on.
    pub offset: Option<i64>,
    /// Whether more may come.
    pub live: bool,
    /// What stands there while it is empty.
    pub none: &'static str,
}

/// The log as a card.
#[must_use]
pub fn log_card(part: LogPart) -> View {
    let base = format!("/runs/{}/log", part.run);
    let lines: Vec<View> = part
        .lines
        .iter()
        .enumerate()
        .map(|(n, line)| {
            let number = part.first + n as i64;
            view! {
                <li id=format!("L{number}")><a href=format!("#L{number}") tabindex="-1">{number}</a><span>{line.clone()}</span></li>
            }
            .into_any()
        })
        .collect();
    let last = part.first + part.lines.len() as i64 - 1;
    let none = part.lines.is_empty();
    let earlier = (part.first > 1 && !none).then(|| format!("{base}?before={}", part.first));
    let later = (!none && last < part.total)
        .then(|| format!("{base}?line={}", (last + 200).min(part.total)));
    let version = part.live.then_some("");
    let body = view! {
        <LogTools/>
        <div class="log" id="log" tabindex="0" role="region" aria-label="Log" data-keep=""
            data-run=part.run data-offset=part.offset.filter(|_| part.live) data-base=base.clone() data-log-live=version>
            <a id="log-earlier" class="earlier" href=earlier.clone().unwrap_or_else(|| base.clone()) hidden=earlier.is_none() data-base=base.clone()>"Show earlier lines"</a>
            {none.then(|| view! { <p class="muted none">{part.none}</p> })}
            <ol>{lines}</ol>
            {later.map(|url| view! { <a class="earlier" href=url>"Show later lines"</a> })}
        </div>
    }
    .into_any();
    let right =
        (part.total > 0).then(|| view! { <a href=format!("{base}.txt")>"Download"</a> }.into_any());
    let count = view! { <span id="log-count" data-keep="">{match part.total { 0 => String::new(), 1 => "1 line".into(), n => format!("{n} lines") }}</span> };
    card("Log", count, right, body)
}
