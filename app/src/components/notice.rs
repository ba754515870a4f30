//! What a page says when it is not a sunny day: empty, wrong, refused.

use leptos::prelude::*;

use super::{Icon, Tone, View, icon};

/// Nothing here, and what to do next.
#[must_use]
pub fn empty(
    shape: Icon,
    title: impl Into<String>,
    text: impl Into<String>,
    acts: Vec<(String, String)>,
) -> View {
    let acts: Vec<View> = acts
        .into_iter()
        .enumerate()
        .map(|(n, (text, url))| {
            view! { <a class=if n == 0 { "btn primary" } else { "btn" } href=url>{text}</a> }
                .into_any()
        })
        .collect();
    view! {
        <div class="card empty">
            {icon(shape)}<h2>{title.into()}</h2><p>{text.into()}</p>
            {(!acts.is_empty()).then(|| view! { <div class="acts">{acts}</div> })}
        </div>
    }
    .into_any()
}

/// What happened, why, and what to do.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// What happened, in one sentence.
    pub message: String,
    /// Why; may be empty.
    pub detail: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// A fault as a card. `acts` are what can be done right here.
#[must_use]
pub fn fault(title: impl Into<String>, of: Fault, acts: Option<View>) -> View {
    let line = |name: &'static str, text: String| {
        (!text.is_empty()).then(|| view! { <dt>{name}</dt><dd class="pre">{text}</dd> })
    };
    view! {
        <section class="card fault">
            <h2>{icon(Icon::Cross)}{title.into()}</h2>
            <dl>
                {line("What happened", of.message)}
                {line("Why", of.detail)}
                {line("What to do", of.hint)}
            </dl>
            {acts.map(|acts| view! { <div class="acts">{acts}</div> })}
        </section>
    }
    .into_any()
}

/// A line over the page: something that everybody who reads it should know first.
#[must_use]
pub fn banner(
    tone: Tone,
    shape: Icon,
    strong: impl Into<String>,
    text: impl IntoView + 'static,
    act: Option<View>,
) -> View {
    view! {
        <div class=format!("banner {}", tone.class())>
            {icon(shape)}<p><b>{strong.into()}</b>" "{text.into_view().into_any()}</p>{act}
        </div>
    }
    .into_any()
}

/// A list of wrong controls at the head of a form, each a link to its control.
#[must_use]
pub fn problem(
    strong: impl Into<String>,
    text: impl Into<String>,
    links: Vec<(String, String)>,
) -> View {
    let links: Vec<View> = links
        .into_iter()
        .map(|(id, text)| view! { <li><a href=format!("#{id}")>{text}</a></li> }.into_any())
        .collect();
    view! {
        <div class="banner is-stop problem" role="alert" tabindex="-1" id="problem">
            {icon(Icon::Warn)}
            <div class="grow"><p><b>{strong.into()}</b>" "{text.into()}</p>{(!links.is_empty()).then(|| view! { <ul>{links}</ul> })}</div>
        </div>
    }
    .into_any()
}
