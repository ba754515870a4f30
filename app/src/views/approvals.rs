//! One inbox for everything that waits for a decision, with the decision in it.

use leptos::prelude::*;
use slipway_domain::environment::Class;
use slipway_services::approval::{Decided, Decision, Inbox, Waiting};

use crate::{
    components::{
        Icon, Row, Tone, View, ago, digest, empty, icon, left, looks, row, run_pill, section, sign,
        tally_pill, text,
    },
    islands::Keys,
};

/// The page. `open` is the run whose decision stands open, else the first.
#[must_use]
pub fn view(inbox: &Inbox) -> View {
    let n = inbox.yours.len();
    let yours: Vec<View> = inbox
        .yours
        .iter()
        .enumerate()
        .map(|(n, w)| decision(w, n == 0))
        .collect();
    let others: Vec<View> = inbox.others.iter().map(waits).collect();
    let ending: Vec<View> = inbox
        .ending
        .iter()
        .map(|ending| {
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
        })
        .collect();
    let decided: Vec<View> = inbox.decided.iter().map(was_decided).collect();
    view! {
        <Keys/>
        <div class="head"><h1>"Approvals"</h1>
            {(n > 0).then(|| view! { <div class="acts hide-s js-only"><span class="keys"><kbd>"J"</kbd><kbd>"K"</kbd>"move"<kbd>"A"</kbd>"approve"<kbd>"R"</kbd>"reject"<kbd>"↵"</kbd>"open"</span></div> })}
        </div>
        <p class="sub" data-live="sum">{match n { 0 => "Nothing waits for your vote.".to_owned(), 1 => "One run waits for your vote.".to_owned(), n => format!("{} runs wait for your vote, the oldest first.", super::count_capital(n)) }}</p>
        <div data-live="inbox" data-inbox="" data-hold="">
            {if yours.is_empty() {
                empty(Icon::Check, "Nothing waits for you", "What needs your vote appears here by itself.", vec![("What happened lately".into(), "/history".into())])
            } else {
                view! { <section class="card inbox" aria-label="Waiting for you">{yours}</section> }.into_any()
            }}
            {(!ending.is_empty()).then(|| view! { {section("Ending soon", "", None)}<section class="card" aria-label="Ending soon">{ending}</section> })}
            {(!others.is_empty()).then(|| view! { {section("Waiting for others", "", None)}<section class="card" aria-label="Waiting for others">{others}</section> })}
            {(!decided.is_empty()).then(|| view! { {section("Decided by you", "", None)}<section class="card" aria-label="Decided by you">{decided}</section> })}
        </div>
    }
    .into_any()
}

fn about(of: &Waiting) -> String {
    let class = match of.class {
        Class::Preview => "preview",
        Class::Shared => "shared",
        Class::Production => "production",
    };
    format!(
        "{}, {class} of {}, asked by {}, {} of {} votes",
        of.environment,
        of.team,
        of.requested_by.as_deref().unwrap_or("a rule"),
        of.votes.0,
        of.votes.1
    )
}

fn decision(of: &Waiting, first: bool) -> View {
    let url = format!("/runs/{}", of.run);
    let label = format!("Your decision on {}", of.title);
    let next = "/approvals";
    view! {
        <article class="ask" data-key-row="" aria-current=first.then_some("true") id=format!("run-{}", of.run)>
            {row(Row {
                sign: sign(Tone::Wait, Icon::Clock),
                url: url.clone(),
                title: of.title.clone(),
                small: text(about(of)),
                extra: Some(tally_pill(of.tally)),
                when: Some(ago(of.since)),
            })}
            {(!of.reason.is_empty()).then(|| view! { <p class="quote">{of.reason.clone()}</p> })}
            {looks(of.looks.clone(), true)}
            {decide(of.run.get(), &of.digest, &label, next, of.until.map(|at| view! { ", votes expire in "{left(at)} }.into_any()), Some(url))}
        </article>
    }
    .into_any()
}

/// The decision: approve with one press, reject with a reason. Works without a script.
#[must_use]
pub fn decide(
    run: i64,
    of: &str,
    label: &str,
    next: &str,
    until: Option<View>,
    open: Option<String>,
) -> View {
    let field = format!("reason-{run}");
    let open_button = open.map(|url| view! { <a class="btn quiet" href=url>"Open"</a> });
    view! {
        <div class="decision" role="group" aria-label=label.to_owned() data-hold="">
            <p class="grow"><b>"You approve exactly this plan"</b>" "{digest(of)}{until}<br/><span class="muted">"If anything differs at apply time, it stops and asks again."</span></p>
            {open_button}
            <details class="reject">
                <summary class="btn danger" data-key-reject="">"Reject…"</summary>
                <form class="why" method="post" action=format!("/runs/{run}/reject")>
                    <input type="hidden" name="digest" value=of.to_owned()/><input type="hidden" name="next" value=next.to_owned()/>
                    <div class="field"><label for=field.clone()>"Reason"</label><textarea id=field name="reason" rows="2" required></textarea></div>
                    <button class="btn danger" type="submit">"Reject this plan"</button>
                </form>
            </details>
            <form method="post" action=format!("/runs/{run}/approve")>
                <input type="hidden" name="digest" value=of.to_owned()/><input type="hidden" name="next" value=next.to_owned()/>
                <button class="btn primary" type="submit" data-key-approve="">{icon(Icon::Check)}"Approve"</button>
            </form>
        </div>
    }
    .into_any()
}

fn waits(of: &Waiting) -> View {
    row(Row {
        sign: sign(Tone::Plain, Icon::Clock),
        url: format!("/runs/{}", of.run),
        title: of.title.clone(),
        small: text(if of.own {
            format!("{}; you asked for it, so others decide", about(of))
        } else {
            about(of)
        }),
        extra: Some(tally_pill(of.tally)),
        when: Some(ago(of.since)),
    })
}

fn was_decided(of: &Decided) -> View {
    let (tone, shape, word) = match of.decision {
        Decision::Approve => (Tone::Go, Icon::Check, "approved"),
        Decision::Reject => (Tone::Stop, Icon::Cross, "rejected"),
    };
    let small = if of.reason.is_empty() {
        format!("{}, {word}", of.environment)
    } else {
        format!("{}, {word}: “{}”", of.environment, of.reason)
    };
    row(Row {
        sign: sign(tone, shape),
        url: format!("/runs/{}", of.run),
        title: of.title.clone(),
        small: text(small),
        extra: Some(run_pill(of.state)),
        when: Some(ago(of.at)),
    })
}
