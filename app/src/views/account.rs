//! One's own sessions, what one may do and why, and the printed set-up link.

use leptos::prelude::*;
use slipway_domain::{
    rights::{self, Right},
    role::{Actor, OrgRole, TeamRole},
};
use slipway_services::{
    people::{Person, Team},
    session::Session,
};

use super::people::places;
use crate::components::{Icon, Tone, View, ago, banner, icon, left, pill, table};

/// A browser's name, from what it says about itself: enough to tell one's own devices apart.
#[must_use]
pub fn device(user_agent: &str) -> String {
    let has = |word: &str| user_agent.contains(word);
    let browser = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]
    .into_iter()
    .find(|(word, _)| has(word))
    .map(|(_, name)| name);
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]
    .into_iter()
    .find(|(word, _)| has(word))
    .map(|(_, name)| name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "A program".to_owned(),
    }
}

/// A table of sessions. `person` is set on an admin's page about somebody.
#[must_use]
pub fn session_table(sessions: &[Session], person: Option<String>) -> View {
    let rows: Vec<View> = sessions
        .iter()
        .map(|of| {
            let person = person.clone().map(|p| view! { <input type="hidden" name="person" value=p/> });
            let act = if of.current {
                pill(Tone::Go, Icon::Check, "this one")
            } else {
                view! {
                    <form method="post" action=format!("/sessions/{}/end", of.id)>{person}<button class="btn small" type="submit">"End"</button></form>
                }
                .into_any()
            };
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row" title=of.user_agent.clone()>{device(&of.user_agent)}</th>
                    <td role="cell" data-label="Last used"><div>{ago(of.last_seen_at)}</div></td>
                    <td role="cell" data-label="Begun"><div>{ago(of.begun_at)}</div></td>
                    <td role="cell" data-label="Ends in"><div>{left(of.ends_at)}</div></td>
                    <td role="cell" data-label="End it"><div>{act}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    table(
        "Sessions, last used first",
        &["Device", "Last used", "Begun", "Ends in", "End it"],
        rows,
    )
}

/// The page of one's own sessions.
#[must_use]
pub fn sessions(of: &[Session], mail: Option<bool>) -> View {
    let others = of.iter().any(|s| !s.current);
    view! {
        <div class="head"><h1>"Your sessions"</h1>
            {others.then(|| view! { <div class="acts"><form method="post" action="/sessions/end-others"><button class="btn" type="submit">"End all others"</button></form></div> })}
        </div>
        <p class="sub">"Each browser that is signed in as you. One that you do not know: end it, and tell an admin. A session ends by itself after 24 hours without use, and after 7 days in any case."</p>
        <section class="card">{session_table(of, None)}</section>
        {mail.map(switch)}
        <p><a class="link" href="/access">"What you may do, and why"</a>" · "<a class="link" href="/tokens">"Your tokens, for programs"</a></p>
    }
    .into_any()
}

/// One's own mail, on or off.
fn switch(on: bool) -> View {
    let (says, other, button) = if on {
        (
            "You get mail when something waits for your vote, and when what you asked for has ended.",
            "no",
            "Send me no mail",
        )
    } else {
        (
            "You get no mail. What waits for you stands on the start page.",
            "yes",
            "Send me mail",
        )
    };
    view! {
        <form class="card form narrow" method="post" action="/sessions/mail">
            <h2>"Mail"</h2>
            <p>{says}</p>
            <input type="hidden" name="on" value=other/>
            <div class="foot"><button class="btn" type="submit">{button}</button></div>
        </form>
    }
    .into_any()
}

/// A right in words.
#[must_use]
pub const fn right_words(right: Right) -> &'static str {
    match right {
        Right::SeeCatalog => "see the catalog",
        Right::SeeEnvironment => "see environments, runs, logs and history",
        Right::RequestEnvironment => "ask for an environment",
        Right::RequestGuardedEnvironment => "ask by a template that is for leads",
        Right::ChangeEnvironment => "ask for a change",
        Right::ExtendEnvironment => "ask for more time",
        Right::DestroyEnvironment => "ask for an environment to be destroyed",
        Right::SteerRun => "call a run off, or have it planned again",
        Right::ApproveAsLead => "approve as a lead",
        Right::ApproveAsOperator => "approve as an operator",
        Right::SettleUnknown => "settle a run whose end is unknown",
        Right::SeeAudit => "read the audit trail",
        Right::SeePeople => "see who is here, in which role, and the settings",
        Right::ManagePeople => "give and take roles, suspend, end sessions",
        Right::ManageTeam => "say who belongs to a team",
        Right::SeeAccounts => "see the AWS accounts and what their roles answer",
        Right::ManageAccounts => "add and remove AWS accounts",
    }
}

const fn team_words(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Member => "members",
        TeamRole::Lead => "leads",
    }
}

/// A role of the organisation in words.
#[must_use]
pub const fn org_words(role: OrgRole) -> &'static str {
    match role {
        OrgRole::Operator => "operator",
        OrgRole::Auditor => "auditor",
        OrgRole::Admin => "admin",
    }
}

/// Why the reader may, or may not: their own roles that carry the right, or who carries it.
fn reason(actor: &Actor, right: Right, teams: &[Team]) -> (bool, String) {
    let (in_team, org) = right.holders();
    let name = |id| {
        teams
            .iter()
            .find(|t| t.id == id)
            .map_or_else(|| "a team".to_owned(), |t| t.name.clone())
    };
    let mut because: Vec<String> = actor
        .org
        .iter()
        .filter(|role| org.contains(role))
        .map(|role| format!("you are {}", org_words(*role)))
        .collect();
    because.extend(
        actor
            .teams
            .iter()
            .filter(|(_, role)| in_team.contains(role))
            .map(|(team, role)| match role {
                TeamRole::Member => format!("you are a member of {}", name(*team)),
                TeamRole::Lead => format!("you are a lead of {}", name(*team)),
            }),
    );
    if right == Right::SeeCatalog && because.is_empty() {
        because.push("everybody who is signed in may".into());
    }
    if !because.is_empty() {
        return (true, because.join(", "));
    }
    let holders: Vec<String> = in_team
        .iter()
        .map(|role| format!("{} of its team", team_words(*role)))
        .chain(org.iter().map(|role| format!("{}s", org_words(*role))))
        .collect();
    (false, format!("it is for {}", holders.join(" and ")))
}

/// The table of rights, and what it means for the reader.
#[must_use]
pub fn access(actor: &Actor, teams: &[Team], me: &Person) -> View {
    let nothing = actor.teams.is_empty() && actor.org.is_empty();
    let rows: Vec<View> = Right::ALL
        .into_iter()
        .map(|right| {
            let (may, why) = reason(actor, right, teams);
            debug_assert_eq!(may, rights::may(actor, right, None));
            let sign = if may {
                pill(Tone::Go, Icon::Check, "you may")
            } else {
                pill(Tone::Plain, Icon::Minus, "not you")
            };
            let (in_team, org) = right.holders();
            let who: Vec<String> = in_team
                .iter()
                .map(|role| team_words(*role).to_owned())
                .chain(org.iter().map(|role| format!("{}s", org_words(*role))))
                .collect();
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row">{right_words(right)}</th>
                    <td role="cell" data-label="Who"><div>{who.join(", ")}</div></td>
                    <td role="cell" data-label="You"><div>{sign}</div></td>
                    <td role="cell" data-label="Why"><div>{why}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <div class="head"><h1>"Who may do what"</h1></div>
        <p class="sub">"Members and leads: within their own team. Operators, auditors and admins: everywhere. Nobody approves what they asked for themselves, and nobody gives a role to themselves, admins included."</p>
        {me.asking.then(|| banner(Tone::Wait, Icon::Clock, "Google is still being asked which groups you are in.", "What they give you appears here as soon as it answers: load the page again in a moment.", None))}
        {(nothing && !me.asking).then(|| banner(Tone::Wait, Icon::Key, "You belong to no team yet.", "Nobody is anything by default. A lead of your team, or an admin, adds you by the address that you signed in with.", None))}
        {(!me.teams.is_empty()).then(|| view! { <section class="card"><header><h2>"Your teams"</h2></header>{places(me)}</section> })}
        <section class="card">
            {table("Rights", &["To", "Who", "You", "Why"], rows)}
        </section>
    }
    .into_any()
}

/// The printed set-up link: nothing happens before the button is pressed.
#[must_use]
pub fn setup(name: &str, token: &str) -> View {
    view! {
        <div class="head"><h1>"Become the first admin"</h1></div>
        <p class="sub">"Nobody is an admin of this Slipway yet. An admin gives roles to others and approves nothing by that. The link works once."</p>
        <form class="card form narrow" method="post" action=format!("/setup/{}", super::encode(token))>
            <p>{icon(Icon::Key)}{format!("You are signed in as {name}.")}</p>
            <div class="foot"><a class="btn quiet" href="/">"Not now"</a><button class="btn primary" type="submit">{format!("Make {name} the first admin")}</button></div>
        </form>
    }
    .into_any()
}
