//! People and teams.

use leptos::prelude::*;
use slipway_domain::{
    rights::{self, Right},
    role::{Actor, OrgRole, TeamRole},
};
use slipway_services::{
    audit::SignIn,
    people::{Filter, Page, Person, Team},
    session::Session,
    token::Token,
};
use time::OffsetDateTime;

use super::{
    account::{device, org_words, session_table},
    query,
    tokens::token_table,
};
use crate::components::{
    Icon, Tone, View, ago, banner, crumbs, empty, facts, link, moment, pager, pill, search, table,
    text,
};

/// Where a membership comes from, in words.
fn source(of: &str) -> String {
    match of {
        "hand" => "given by hand".into(),
        "demo" => "of the demo".into(),
        "configured" => "a configured admin address".into(),
        "set-up link" => "the printed set-up link".into(),
        other => match other.strip_prefix("group:") {
            Some(group) => format!("by the group {group}"),
            None => format!("from {other}"),
        },
    }
}

/// Where a team's membership comes from, and for a group's since when that is known.
pub fn origin(of: &str, confirmed: Option<OffsetDateTime>) -> View {
    let words = source(of);
    match confirmed {
        Some(at) => view! { {words}", confirmed "{ago(at)} }.into_any(),
        None => text(words),
    }
}

fn role_word(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Member => "member",
        TeamRole::Lead => "lead",
    }
}

/// Somebody's memberships, each with where it comes from.
pub fn places(of: &Person) -> View {
    let teams: Vec<View> = of
        .teams
        .iter()
        .map(|place| {
            view! { <li>{link(format!("/teams/{}", place.team), place.name.clone())}", "{role_word(place.role)}", "{origin(&place.source, place.confirmed_at)}</li> }
                .into_any()
        })
        .collect();
    let asking = of
        .asking
        .then(|| view! { <p class="muted">"Google is still being asked for the groups."</p> });
    let trouble = of.trouble.clone().map(|why| view! { <p class="muted">{format!("The groups could not be had the last time: {why}. What was known before counts for a while, and then no longer.")}</p> });
    view! {
        {if teams.is_empty() { view! { <p class="muted">"None. Members are added on the page of a team, or by a group there."</p> }.into_any() } else { view! { <ul>{teams}</ul> }.into_any() }}
        {asking}{trouble}
    }
    .into_any()
}

fn roles(of: &Person) -> View {
    let mut words: Vec<String> = of
        .org
        .iter()
        .map(|(role, _)| org_words(*role).to_owned())
        .collect();
    words.extend(of.teams.iter().map(|place| match place.role {
        TeamRole::Member => format!("member of {}", place.name),
        TeamRole::Lead => format!("lead of {}", place.name),
    }));
    if words.is_empty() {
        return view! { <span class="muted">"nothing yet"</span> }.into_any();
    }
    text(words.join(", "))
}

/// Who is here.
#[must_use]
pub fn list(page: &Page, filter: &Filter) -> View {
    let name = filter.name.clone().unwrap_or_default();
    let older = page
        .older
        .map(|id| query("/people", &[("name", &name), ("before", &id.to_string())]));
    let newest = filter.before.map(|_| query("/people", &[("name", &name)]));
    let rows: Vec<View> = page
        .people
        .iter()
        .map(|of| {
            let seen = of.last_seen_at.map_or_else(|| view! { <span class="muted">"never"</span> }.into_any(), ago);
            let state = of.suspended_at.map(|_| pill(Tone::Stop, Icon::Cross, "suspended"));
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row"><a class="link" href=format!("/people/{}", of.id)>{of.name.clone()}</a></th>
                    <td role="cell" data-label="Address"><div class="any">{of.email.clone()}</div></td>
                    <td role="cell" data-label="Is"><div>{roles(of)}" "{state}</div></td>
                    <td role="cell" data-label="Last seen"><div>{seen}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let none = rows.is_empty();
    view! {
        <div class="head"><h1>"People"</h1><div class="acts"><a class="btn" href="/settings">"Settings in force"</a></div></div>
        <p class="sub">"Everybody who has signed in. Nobody is anything by default."</p>
        <form class="filters" method="get" action="/people" role="search">
            {search("name", "Find by name or address", name)}
            <button class="btn" type="submit">"Show"</button>
        </form>
        {if none {
            empty(Icon::Find, "Nobody like that", "Somebody appears here when they have signed in once.", vec![("Show everybody".into(), "/people".into())])
        } else {
            view! {
                <section class="card">
                    {table("People, newest first", &["Who", "Address", "Is", "Last seen"], rows)}
                </section>
            }.into_any()
        }}
        {pager(newest, older)}
    }
    .into_any()
}

const ORG: [OrgRole; 3] = [OrgRole::Operator, OrgRole::Auditor, OrgRole::Admin];

fn role_row(of: &Person, role: OrgRole, manages: bool, me: bool) -> View {
    let held = of.org.iter().find(|(r, _)| *r == role);
    let (action, button) = if held.is_some() {
        ("take", "Take")
    } else {
        ("give", "Give")
    };
    let act = (manages && (held.is_some() || !me)).then(|| {
        view! {
            <form method="post" action=format!("/people/{}/{action}", of.id)>
                <input type="hidden" name="role" value=org_words(role)/>
                <button class="btn small" type="submit">{button}<span class="vh">{format!(" the role {}", org_words(role))}</span></button>
            </form>
        }
    });
    let has = match held {
        Some((_, from)) => {
            view! { {pill(Tone::Go, Icon::Check, "yes")}" "<small>{source(from)}</small> }
                .into_any()
        }
        None => view! { <span class="muted">"no"</span> }.into_any(),
    };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row">{org_words(role)}</th>
            <td role="cell" data-label="Has it"><div>{has}</div></td>
            <td role="cell" data-label="Change"><div>{act}</div></td>
        </tr>
    }
    .into_any()
}

/// One person.
#[must_use]
pub fn one(of: &Person, sessions: &[Session], manages: bool, me: bool) -> View {
    let suspension = match of.suspended_at {
        Some(_) => view! { <form method="post" action=format!("/people/{}/resume", of.id)><button class="btn" type="submit">"Let in again"</button></form> }.into_any(),
        None => view! { <form method="post" action=format!("/people/{}/suspend", of.id)><button class="btn danger" type="submit">"Suspend"</button></form> }.into_any(),
    };
    view! {
        {crumbs(vec![("People".into(), "/people".into())], of.name.clone())}
        <div class="head"><h1>{of.name.clone()}</h1>
            {(manages && !me).then(|| view! { <div class="acts">{suspension}</div> })}
        </div>
        {of.suspended_at.map(|at| banner(Tone::Stop, Icon::Cross, "Suspended.", view! { "Since "{moment(at)}". All sessions, tokens and open streams ended at that moment, and no vote of theirs counts any more: what waits for it must be approved anew. Nothing was deleted." }, None))}
        <section class="card">{facts([
            ("Address", text(of.email.clone().unwrap_or_else(|| "none".into()))),
            ("First seen", moment(of.created_at)),
            ("Last seen", of.last_seen_at.map_or_else(|| text("never"), ago)),
            ("Sign-ins", link(format!("/people/{}/sign-ins", of.id), "Every one, newest first")),
        ].into_iter().chain(manages.then(|| ("Tokens", link(format!("/people/{}/tokens", of.id), "What acts for them")))).collect())}</section>
        <section class="card">
            <header><h2>"Roles of the organisation"</h2></header>
            {table("Roles", &["Role", "Has it", "Change"], ORG.map(|role| role_row(of, role, manages, me)).into())}
            {me.then(|| view! { <p class="muted">"Nobody gives a role to themselves; the last admin stays one."</p> })}
        </section>
        <section class="card">
            <header><h2>"Teams"</h2></header>
            {places(of)}
        </section>
        {manages.then(|| view! {
            <section class="card">
                <header><h2>"Sessions"</h2></header>
                {if sessions.is_empty() {
                    view! { <p class="muted">"Not signed in anywhere at the moment."</p> }.into_any()
                } else {
                    session_table(sessions, Some(of.id.to_string()))
                }}
                {(!sessions.is_empty()).then(|| view! { <form class="foot" method="post" action=format!("/people/{}/end-sessions", of.id)><button class="btn" type="submit">"End all sessions"</button></form> })}
            </section>
        })}
    }
    .into_any()
}

/// When somebody signed in and out, with what, and who ended a session for them.
#[must_use]
pub fn sign_ins(of: &Person, found: &[SignIn], before: Option<i64>, older: Option<i64>) -> View {
    let here = format!("/people/{}/sign-ins", of.id);
    let rows: Vec<View> = found
        .iter()
        .map(|record| {
            let what = match (record.begun, &record.by) {
                (true, _) => "signed in".to_owned(),
                (false, None) => "ended it".to_owned(),
                (false, Some(by)) => format!("ended by {by}"),
            };
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row">{moment(record.at)}</th>
                    <td role="cell" data-label="What"><div>{what}</div></td>
                    <td role="cell" data-label="Device"><div title=record.user_agent.clone()>{device(&record.user_agent)}</div></td>
                    <td role="cell" data-label="Record"><div class="num">{record.id}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let none = rows.is_empty();
    let newest = before.map(|_| here.clone());
    let older = older.map(|id| query(&here, &[("before", &id.to_string())]));
    view! {
        {crumbs(vec![("People".into(), "/people".into()), (of.name.clone(), format!("/people/{}", of.id))], "Sign-ins")}
        <div class="head"><h1>"Sign-ins"</h1></div>
        <p class="sub">{format!("When {} signed in, from the audit trail. A session that ended by itself has no record of its end.", of.name)}</p>
        {if none {
            empty(Icon::Key, "No sign-in yet", "The first one writes the first record.", vec![])
        } else {
            view! {
                <section class="card">
                    {table("Sign-ins, newest first", &["When", "What", "Device", "Record"], rows)}
                </section>
            }.into_any()
        }}
        {pager(newest, older)}
    }
    .into_any()
}

/// What acts for somebody, as an admin sees it.
#[must_use]
pub fn tokens(of: &Person, tokens: &[Token]) -> View {
    view! {
        {crumbs(vec![("People".into(), "/people".into()), (of.name.clone(), format!("/people/{}", of.id))], "Tokens")}
        <div class="head"><h1>"Tokens"</h1></div>
        <p class="sub">{format!("Programs that act for {}, each with a part of what they may. One that is revoked is out at once, for good.", of.name)}</p>
        {if tokens.is_empty() {
            empty(Icon::Key, "No tokens", "No program acts for them.", vec![])
        } else {
            view! { <section class="card">{token_table(tokens, Some(of.id.to_string()))}</section> }.into_any()
        }}
    }
    .into_any()
}

/// The teams that the reader may see.
#[must_use]
pub fn teams(teams: &[Team], makes: bool) -> View {
    let rows: Vec<View> = teams
        .iter()
        .map(|of| {
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row"><a class="link" href=format!("/teams/{}", of.id)>{of.name.clone()}</a></th>
                    <td role="cell" data-label="People"><div class="num">{of.count}</div></td>
                    <td role="cell" data-label="Previews without a vote"><div class="num">{of.quota}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let none = rows.is_empty();
    view! {
        <div class="head"><h1>"Teams"</h1></div>
        <p class="sub">"What belongs to a team is seen by its people, and by those who look after everything."</p>
        {if none {
            empty(Icon::Environment, "No team of yours", "A lead of a team, or an admin, adds you by the address that you signed in with.", vec![("What you may do".into(), "/access".into())])
        } else {
            view! {
                <section class="card">
                    {table("Teams by name", &["Team", "People", "Previews without a vote"], rows)}
                </section>
            }.into_any()
        }}
        {makes.then(|| view! {
            <form class="card form narrow" method="post" action="/teams">
                <div class="field"><label for="name">"New team"</label><input id="name" name="name" autocomplete="off" spellcheck="false"/></div>
                <div class="foot"><button class="btn primary" type="submit">"Make the team"</button></div>
            </form>
        })}
    }
    .into_any()
}

/// One team and its people.
#[must_use]
pub fn team(of: &Team, actor: &Actor) -> View {
    let manages = rights::may(actor, Right::ManageTeam, Some(of.id));
    let rows: Vec<View> = of
        .members
        .iter()
        .map(|member| {
            let by_group = member.source.starts_with("group:");
            let act = (manages && !by_group).then(|| view! {
                <form method="post" action=format!("/teams/{}/remove", of.id)>
                    <input type="hidden" name="who" value=member.user.to_string()/>
                    <button class="btn small" type="submit">"Remove"<span class="vh">{format!(" {}", member.name)}</span></button>
                </form>
            });
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row">{member.name.clone()}{member.suspended.then(|| view! { " "{pill(Tone::Stop, Icon::Cross, "suspended")} })}</th>
                    <td role="cell" data-label="Address"><div class="any">{member.email.clone()}</div></td>
                    <td role="cell" data-label="Role"><div>{role_word(member.role)}</div></td>
                    <td role="cell" data-label="Comes from"><div>{origin(&member.source, member.confirmed_at)}</div></td>
                    <td role="cell" data-label="Change"><div>{act}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        {crumbs(vec![("Teams".into(), "/teams".into())], of.name.clone())}
        <div class="head"><h1>{of.name.clone()}</h1></div>
        <section class="card">
            {table("People of the team", &["Who", "Address", "Role", "Comes from", "Change"], rows)}
        </section>
        {manages.then(|| view! {
            <form class="card form narrow" method="post" action=format!("/teams/{}/members", of.id)>
                <div class="field"><label for="who">"Address that they signed in with"</label><input id="who" name="who" type="text" autocomplete="off" spellcheck="false"/></div>
                <div class="field"><label for="role">"As"</label><select id="role" name="role"><option value="member">"member"</option><option value="lead">"lead"</option></select></div>
                <div class="foot"><button class="btn primary" type="submit">"Add to the team"</button></div>
            </form>
        })}
        {groups(of, rights::may(actor, Right::ManagePeople, None))}
    }
    .into_any()
}

/// Groups that give something in a team; an admin adds and removes them.
fn groups(of: &Team, manages: bool) -> View {
    if of.groups.is_empty() && !manages {
        return ().into_any();
    }
    let rows: Vec<View> = of
        .groups
        .iter()
        .map(|group| {
            let act = manages.then(|| view! {
                <form method="post" action=format!("/teams/{}/groups/remove", of.id)>
                    <input type="hidden" name="group" value=group.address.clone()/>
                    <button class="btn small" type="submit">"Remove"<span class="vh">{format!(" the group {}", group.address)}</span></button>
                </form>
            });
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row" class="any">{group.address.clone()}</th>
                    <td role="cell" data-label="Makes them"><div>{role_word(group.role)}</div></td>
                    <td role="cell" data-label="People"><div class="num">{group.count}</div></td>
                    <td role="cell" data-label="Change"><div>{act}</div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let waits = (of.unasked > 0 && !of.groups.is_empty()).then(|| {
        view! { <p class="muted">{format!("{} people’s groups are still to be asked for.", of.unasked)}</p> }
    });
    view! {
        <section class="card">
            <header><h2>"Google groups"</h2></header>
            {if rows.is_empty() { view! { <p class="muted">"None. A group gives everybody in it a role here, and takes it back when they leave the group."</p> }.into_any() } else { table("Groups of the team", &["Group", "Makes them", "People", "Change"], rows) }}
            {waits}
        </section>
        {manages.then(|| view! {
            <form class="card form narrow" method="post" action=format!("/teams/{}/groups", of.id)>
                <div class="field"><label for="group">"Address of a Google group"</label><input id="group" name="group" type="text" autocomplete="off" spellcheck="false"/></div>
                <div class="field"><label for="group-role">"Everybody directly in it is a"</label><select id="group-role" name="role"><option value="member">"member"</option><option value="lead">"lead"</option></select></div>
                <div class="foot"><button class="btn primary" type="submit">"Add the group"</button></div>
            </form>
        })}
    }
    .into_any()
}
