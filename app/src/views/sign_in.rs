//! Sign-in: the way in, and in a demo the personas.

use leptos::prelude::*;
use slipway_services::person::{PERSONAS, Persona};

use crate::{
    components::{Icon, Tone, View, banner, face, icon},
    site::Site,
};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The persona of this host (`lead` on `lead.localhost`), in a demo.
    pub persona: Option<&'static str>,
    /// Where to go afterwards: a path of ours.
    pub next: String,
    /// Something went wrong: what, and why.
    pub trouble: Option<(&'static str, &'static str)>,
}

/// The page.
#[must_use]
pub fn view(site: &Site, page: &SignIn) -> View {
    let body = match (
        &site.demo,
        page.persona
            .and_then(|word| PERSONAS.iter().find(|p| p.word == word)),
    ) {
        (Some(_), Some(persona)) => as_persona(persona, &page.next),
        (Some(demo), None) => {
            let cards: Vec<View> = PERSONAS
                .iter()
                .map(|persona| {
                    let url = super::query(&format!("{}/sign-in", demo.host(persona.word)), &[("next", &page.next)]);
                    view! {
                        <li><a class="persona" href=url>
                            {face(persona.name, false)}
                            <span class="grow"><b>{persona.name}</b><small>{persona.about}</small></span>
                            {icon(Icon::Go)}
                        </a></li>
                    }
                    .into_any()
                })
                .collect();
            view! {
                <p class="lead">"Choose who you are. Each persona has an address of its own, so several can be signed in at once, in tabs side by side."</p>
                <ul class="personas">{cards}</ul>
            }
            .into_any()
        }
        (None, _) if site.google.is_some() => {
            let url = super::query("/auth/start", &[("next", &page.next)]);
            let domains = site
                .google
                .as_ref()
                .map(|g| g.domains.join(", "))
                .unwrap_or_default();
            view! {
                <p class="lead">{format!("With your Google account of {domains}. What you may do here follows from your teams and roles.")}</p>
                <p><a class="btn primary" href=url>{icon(Icon::Key)}"Continue with Google"</a></p>
            }
            .into_any()
        }
        (None, _) => banner(
            Tone::Wait,
            Icon::Key,
            "No way to sign in is set up.",
            "The demo sign-in is off, because this address can be reached from elsewhere, and no identity provider is configured.",
            None,
        ),
    };
    view! {
        <div class="door">
            <p class="mark">{icon(Icon::Mark)}"Slipway"</p>
            <h1>"Sign in"</h1>
            {page.trouble.map(|(title, text)| view! { <div role="alert">{banner(Tone::Stop, Icon::Warn, title, text, None)}</div> })}
            {body}
        </div>
    }
    .into_any()
}

fn as_persona(persona: &'static Persona, next: &str) -> View {
    view! {
        <form class="card form" method="post" action="/sign-in">
            <div class="persona still">{face(persona.name, false)}<span class="grow"><b>{persona.name}</b><small>{persona.about}</small></span></div>
            <input type="hidden" name="persona" value=persona.word/>
            <input type="hidden" name="next" value=next.to_owned()/>
            <button class="btn primary" type="submit">{format!("Sign in as {}", persona.name)}</button>
        </form>
    }
    .into_any()
}
