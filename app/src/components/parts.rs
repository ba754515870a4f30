//! Small parts.

use leptos::prelude::*;
use slipway_domain::plan::Tally;

use super::{Icon, View, icon};

/// What a colour says; a shape or a word always says it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Good, made.
    Go,
    /// Waiting, changed.
    Wait,
    /// Bad, destroyed.
    Stop,
    /// Replaced.
    Swap,
    /// Under way.
    Sea,
}

impl Tone {
    /// The class that sets the colours.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Go => "is-go",
            Self::Wait => "is-wait",
            Self::Stop => "is-stop",
            Self::Swap => "is-swap",
            Self::Sea => "is-sea",
        }
    }
}

/// A word with a colour and a shape.
#[must_use]
pub fn pill(tone: Tone, shape: Icon, text: impl Into<String>) -> View {
    view! { <span class=format!("pill {}", tone.class())>{icon(shape)}{text.into()}</span> }
        .into_any()
}

/// A round sign at the head of a row.
#[must_use]
pub fn sign(tone: Tone, shape: Icon) -> View {
    view! { <span class=format!("sign round {}", tone.class())>{icon(shape)}</span> }.into_any()
}

/// A card: a title, what stands beside it, what stands at its right end, a body.
#[must_use]
pub fn card(
    title: impl Into<String>,
    beside: impl IntoView + 'static,
    right: Option<View>,
    body: View,
) -> View {
    view! {
        <section class="card">
            <header>
                <h2>{title.into()}</h2>
                <span class="muted">{beside.into_view().into_any()}</span>
                {right.map(|right| view! { <div class="right">{right}</div> })}
            </header>
            {body}
        </section>
    }
    .into_any()
}

/// The heading of a part of a page.
#[must_use]
pub fn section(
    title: impl Into<String>,
    beside: impl Into<String>,
    link: Option<(String, String)>,
) -> View {
    view! {
        <div class="section">
            <h2>{title.into()}</h2>
            <span class="muted">{beside.into()}</span>
            {link.map(|(text, url)| view! { <a href=url>{text}</a> })}
        </div>
    }
    .into_any()
}

/// Names and values, side by side.
#[must_use]
pub fn facts(pairs: Vec<(&'static str, View)>) -> View {
    let pairs: Vec<View> = pairs
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd class="num">{value}</dd> }.into_any())
        .collect();
    view! { <dl class="facts">{pairs}</dl> }.into_any()
}

/// Text as a view.
#[must_use]
pub fn text(text: impl Into<String>) -> View {
    text.into().into_any()
}

/// Text in the fixed-width face.
#[must_use]
pub fn code(text: impl Into<String>) -> View {
    view! { <code>{text.into()}</code> }.into_any()
}

/// A long name that may break after a dot, a low line or a slash.
#[must_use]
pub fn soft(name: &str) -> View {
    let mut parts: Vec<View> = Vec::new();
    for piece in name.split_inclusive(['.', '_', '/']) {
        parts.push(view! { {piece.to_owned()}<wbr/> }.into_any());
    }
    view! { <code>{parts}</code> }.into_any()
}

/// The beginning of a digest, the whole of it on hover.
#[must_use]
pub fn digest(text: &str) -> View {
    let bare = text
        .strip_prefix("sha256:")
        .or_else(|| text.strip_prefix("hmac-sha256:"))
        .unwrap_or(text);
    let short: String = bare.chars().take(8).collect();
    view! { <code class="digest" title=text.to_owned()>{short}</code> }.into_any()
}

/// Text as the inside of a textarea, for `inner_html`. Leptos writes the children of a textarea as they are, so that
/// `</textarea>` in somebody's text would end it: this is the only safe way in.
#[must_use]
pub fn area(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    // A browser drops the first line end inside a textarea.
    if escaped.starts_with(['\n', '\r']) {
        format!("\n{escaped}")
    } else {
        escaped
    }
}

/// A quiet link.
#[must_use]
pub fn link(url: impl Into<String>, text: impl Into<String>) -> View {
    view! { <a class="link any" href=url.into()>{text.into()}</a> }.into_any()
}

/// How much is made, changed, replaced and destroyed.
#[must_use]
pub fn tally(tally: Tally) -> View {
    let parts = [
        (tally.create, "+", "to make", Tone::Go),
        (tally.update, "~", "to change", Tone::Wait),
        (tally.replace, "±", "to replace", Tone::Swap),
        (tally.delete, "−", "to destroy", Tone::Stop),
    ];
    let shown: Vec<View> = parts
        .into_iter()
        .filter(|part| part.0 > 0)
        .map(|(n, sign, words, tone)| {
            view! { <span class=tone.class()>{format!("{sign}{n}")}<span class="vh">{format!(" {words}")}</span></span> }.into_any()
        })
        .collect();
    if shown.is_empty() {
        return view! { <span class="muted">"no changes"</span> }.into_any();
    }
    view! { <span class="tally">{shown}</span> }.into_any()
}

/// A tally in words: `adds 3, replaces 1`.
#[must_use]
pub fn tally_words(tally: Tally) -> String {
    let parts = [
        (tally.delete, "destroys"),
        (tally.replace, "replaces"),
        (tally.update, "changes"),
        (tally.create, "adds"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|p| p.0 > 0)
        .map(|(n, verb)| format!("{verb} {n}"))
        .collect();
    if words.is_empty() {
        "changes nothing".into()
    } else {
        words.join(", ")
    }
}

/// The pill that says the worst of a tally.
#[must_use]
pub fn tally_pill(of: Tally) -> View {
    let (tone, shape) = match of {
        t if t.delete > 0 => (Tone::Stop, Icon::Minus),
        t if t.replace > 0 => (Tone::Swap, Icon::Swap),
        t if t.update > 0 => (Tone::Wait, Icon::Differ),
        t if t.create > 0 => (Tone::Go, Icon::Plus),
        _ => (Tone::Plain, Icon::Check),
    };
    pill(tone, shape, tally_words(of))
}

/// A button that copies; it appears when the browser side runs.
#[must_use]
pub fn copy(what: impl std::fmt::Display, value: impl Into<String>) -> View {
    view! {
        <button class="icon copy" type="button" aria-label=format!("Copy {what}") title="Copy" data-copy=value.into()>
            {icon(Icon::Copy)}{icon(Icon::Check)}
        </button>
    }
    .into_any()
}

/// Where the page stands: links, then the page's own name.
#[must_use]
pub fn crumbs(path: Vec<(String, String)>, here: impl Into<String>) -> View {
    let links: Vec<View> = path
        .into_iter()
        .map(|(text, url)| view! { <a href=url>{text}</a>"/" }.into_any())
        .collect();
    view! { <nav class="crumbs" aria-label="Where">{links}<span>{here.into()}</span></nav> }
        .into_any()
}

/// A search field of a GET form.
#[must_use]
pub fn search(name: &'static str, label: &'static str, value: impl Into<String>) -> View {
    view! {
        <label class="search">
            {icon(Icon::Find)}<span class="vh">{label}</span>
            <input type="search" name=name placeholder=label value=value.into() autocomplete="off"/>
        </label>
    }
    .into_any()
}

/// A choice in a GET form.
#[must_use]
pub fn pick(
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    chosen: &str,
) -> View {
    let set = !chosen.is_empty();
    let options: Vec<View> = options
        .into_iter()
        .map(|(value, text)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{text}</option> }.into_any()
        })
        .collect();
    view! {
        <label class=if set { "pick set" } else { "pick" }>{label}<select name=name>{options}</select></label>
    }
    .into_any()
}

/// A sheet over the page: it needs no script. `key` is its id.
#[must_use]
pub fn sheet(
    key: &'static str,
    title: impl Into<String>,
    lead: impl Into<String>,
    body: View,
) -> View {
    let title_id = format!("{key}-title");
    view! {
        <div class="sheet" id=key popover="auto" role="dialog" aria-labelledby=title_id.clone()>
            <header><h2 id=title_id.clone()>{title.into()}</h2><p>{lead.into()}</p></header>
            {body}
        </div>
    }
    .into_any()
}

/// Initials for a face.
#[must_use]
pub fn face(name: &str, small: bool) -> View {
    let initials: String = name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect::<String>()
        .to_uppercase();
    // One of five hues by the name, so that two people rarely look the same.
    let hue = name.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    }) % 5;
    let class = format!("face h{hue}{}", if small { " s" } else { "" });
    view! { <span class=class aria-hidden="true">{initials}</span> }.into_any()
}
