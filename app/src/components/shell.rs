//! The frame of every page: rail, phone bar with its sheet, demo banner, who is signed in.

use leptos::prelude::*;

use super::{Icon, Tone, View, banner, face, icon};
use crate::islands::Live;

/// A place in the menu.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Here {
    /// Home.
    Home,
    /// Environments.
    Environments,
    /// Approvals.
    Approvals,
    /// History.
    History,
    /// Catalog.
    Catalog,
    /// Audit.
    Audit,
    /// Teams.
    Teams,
    /// People.
    People,
    /// AWS accounts.
    Accounts,
    /// None of them.
    #[default]
    Elsewhere,
}

/// Who is signed in, as the frame shows them.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// Display name.
    pub name: String,
    /// Their roles in words.
    pub roles: String,
    /// Whether they may read the audit trail.
    pub audits: bool,
    /// Whether they may see the AWS accounts.
    pub accounts: bool,
}

/// The demo sign-in: it stands on every page.
#[derive(Clone, Debug, Default)]
pub struct Demo {
    /// Where another persona signs in: the sign-in page of the host without a persona.
    pub switch: String,
}

/// What the frame of a page needs.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The page's title, without the house's name.
    pub title: String,
    /// Where it stands in the menu.
    pub here: Here,
    /// Who reads it; `None` before sign-in.
    pub who: Option<Who>,
    /// How many votes wait for the reader.
    pub waiting: u32,
    /// Set in a demo.
    pub demo: Option<Demo>,
    /// Whether it keeps itself up to date.
    pub live: bool,
    /// A link for the keyboard beside "skip to content": id and text.
    pub skip: Option<(&'static str, &'static str)>,
}

const PLACES: [(Here, Icon, &str, &str); 9] = [
    (Here::Home, Icon::Home, "Home", "/"),
    (
        Here::Environments,
        Icon::Environment,
        "Environments",
        "/environments",
    ),
    (Here::Approvals, Icon::Inbox, "Approvals", "/approvals"),
    (Here::Catalog, Icon::Catalog, "Catalog", "/catalog"),
    (Here::History, Icon::History, "History", "/history"),
    (Here::Audit, Icon::Audit, "Audit", "/audit"),
    (Here::Teams, Icon::Team, "Teams", "/teams"),
    (Here::People, Icon::Person, "People", "/people"),
    (Here::Accounts, Icon::Cloud, "AWS accounts", "/accounts"),
];

/// How many places stand in the bar under the thumb; the others are behind More.
const ON_A_PHONE: usize = 4;

/// The page around `body`.
#[must_use]
pub fn shell(frame: &Frame, body: View) -> View {
    let Some(who) = frame.who.clone() else {
        return view! {
            <a class="skip" href="#main">"Skip to content"</a>
            {frame.demo.as_ref().map(|_| demo_note(None))}
            <main id="main" class="alone" tabindex="-1">{body}</main>
        }
        .into_any();
    };
    let places: Vec<_> = PLACES
        .into_iter()
        .filter(|place| match place.0 {
            Here::Audit | Here::People => who.audits,
            Here::Accounts => who.accounts,
            _ => true,
        })
        .collect();
    let to = |place: &(Here, Icon, &'static str, &'static str), class: &'static str| {
        let current = (place.0 == frame.here).then_some("page");
        let count = (place.0 == Here::Approvals && frame.waiting > 0).then(|| {
            view! { <span class="count">{frame.waiting}<span class="vh">" waiting"</span></span> }
        });
        view! { <a class=class href=place.3 aria-current=current>{icon(place.1)}{place.2}{count}</a> }.into_any()
    };
    let rail: Vec<View> = places
        .iter()
        .enumerate()
        .map(|(n, place)| {
            to(
                place,
                match (n, place.0) {
                    (n, Here::Audit) if n >= ON_A_PHONE => "to more first",
                    (n, _) if n >= ON_A_PHONE => "to more",
                    _ => "to",
                },
            )
        })
        .collect();
    let more: Vec<View> = places
        .iter()
        .skip(ON_A_PHONE)
        .map(|place| to(place, "to"))
        .collect();
    let behind = places
        .iter()
        .skip(ON_A_PHONE)
        .any(|place| place.0 == frame.here)
        .then_some("true");
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        {frame.skip.map(|(id, text)| view! { <a class="skip" href=format!("#{id}")>{text}</a> })}
        <div class="frame">
            <nav class="rail" aria-label="Main">
                <a class="mark" href="/">{icon(Icon::Mark)}"Slipway"</a>
                <div class="places" data-live="places">{rail}</div>
                <button class="to extra" type="button" popovertarget="more" aria-current=behind>{icon(Icon::More)}"More"</button>
                {me(&who)}
            </nav>
            <div class="page">
                {frame.demo.as_ref().map(|demo| demo_note(Some(demo)))}
                {frame.live.then(|| view! { <Live/> })}
                <main id="main" tabindex="-1">{body}</main>
            </div>
        </div>
        <div class="sheet" id="more" popover="auto" role="dialog" aria-label="More">
            <header><h2>{who.name.clone()}</h2><p>{who.roles.clone()}</p></header>
            <nav aria-label="More">{more}<a class="to" href="/sessions">{icon(Icon::Key)}"Your sessions"</a><a class="to" href="/tokens">{icon(Icon::Branch)}"Your tokens"</a></nav>
            <form class="out" method="post" action="/sign-out"><button class="to" type="submit">{icon(Icon::Out)}"Sign out"</button></form>
        </div>
    }
    .into_any()
}

fn me(who: &Who) -> View {
    view! {
        <div class="me">
            {face(&who.name, false)}
            <a class="grow" href="/sessions" title="Your sessions, and what you may do"><span class="clip">{who.name.clone()}</span><small class="clip">{who.roles.clone()}</small></a>
            <form method="post" action="/sign-out"><button class="icon" type="submit" aria-label="Sign out" title="Sign out">{icon(Icon::Out)}</button></form>
        </div>
    }
    .into_any()
}

fn demo_note(demo: Option<&Demo>) -> View {
    let act = demo.map(|demo| {
        view! { <a class="btn small" href=demo.switch.clone()>"Another persona"</a> }.into_any()
    });
    view! {
        <aside class="demo" aria-label="Demo">
            {banner(Tone::Sea, Icon::Key, "Demo sign-in.", view! { "Anybody on this machine can be anybody here."<span class="hide-s">" It exists only while Slipway listens on this machine alone."</span> }, act)}
        </aside>
    }
    .into_any()
}
