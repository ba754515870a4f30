//! One's own tokens: those that live, a form for another one, and the one moment in which its text is seen.

use leptos::prelude::*;
use slipway_domain::{time_text, token::Scopes};
use slipway_services::token::Token;

use crate::components::{Icon, Tone, View, ago, banner, copy, empty, icon, left, now, table};

/// How long a token may be asked to live.
const LIVES: [(&str, &str); 5] = [
    ("1d", "1 day"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("365d", "a year"),
];

/// What was typed into the form, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Form {
    /// The name.
    pub name: String,
    /// How long it is to live.
    pub life: String,
    /// What it may do.
    pub scopes: Scopes,
    /// What is wrong with the name.
    pub wrong: Option<String>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            name: String::new(),
            life: "30d".into(),
            scopes: Scopes::default(),
            wrong: None,
        }
    }
}

/// A token that was just made.
#[derive(Debug)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its text, for this one page.
    pub text: String,
}

fn scope_words(of: Scopes) -> String {
    of.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

/// A table of tokens. `person` is set on an admin's page about somebody.
#[must_use]
pub fn token_table(tokens: &[Token], person: Option<String>) -> View {
    let rows: Vec<View> = tokens
        .iter()
        .map(|of| {
            let person = person.clone().map(|p| view! { <input type="hidden" name="person" value=p/> });
            let soon = of.ends_at - now() < ::time::Duration::days(3);
            let ends = if soon {
                view! { <span class="pill is-wait">{icon(Icon::Clock)}{left(of.ends_at)}</span> }.into_any()
            } else {
                left(of.ends_at)
            };
            view! {
                <tr role="row">
                    <th role="rowheader" scope="row">{of.name.clone()}<br/><code class="muted">{format!("{}…", of.begins)}</code></th>
                    <td role="cell" data-label="May"><div>{scope_words(of.scopes)}</div></td>
                    <td role="cell" data-label="Last used"><div>{of.last_used_at.map_or_else(|| "never".into_any(), ago)}</div></td>
                    <td role="cell" data-label="Made"><div>{ago(of.created_at)}</div></td>
                    <td role="cell" data-label="Ends in"><div>{ends}</div></td>
                    <td role="cell" data-label="Revoke it"><div>
                        <form method="post" action=format!("/tokens/{}/revoke", of.id)>{person}<button class="btn small" type="submit" aria-label=format!("Revoke {}", of.name)>"Revoke"</button></form>
                    </div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    table(
        "Tokens, newest first",
        &["Name", "May", "Last used", "Made", "Ends in", "Revoke it"],
        rows,
    )
}

fn made_card(made: &Made) -> View {
    view! {
        <section class="card form" aria-labelledby="made">
            <div role="status">{banner(Tone::Go, Icon::Key, format!("{} was made.", made.name), "Copy it now: it is shown this once, and Slipway keeps only its hash. Whoever has it can do what it may.", None)}</div>
            <div class="field">
                <label id="made" for="token">"The token"</label>
                <div class="once"><input id="token" class="mono" readonly="readonly" autocomplete="off" spellcheck="false" value=made.text.clone()/>{copy("the token", made.text.clone())}</div>
            </div>
            <p class="muted">"In a terminal: "<code>"slipway login"</code>", then paste it. In a pipeline: a protected variable "<code>"SLIPWAY_TOKEN"</code>"."</p>
        </section>
    }
    .into_any()
}

fn form(typed: &Form) -> View {
    let lives: Vec<View> = LIVES
        .into_iter()
        .map(|(value, words)| {
            view! { <label><input type="radio" name="for" value=value checked=typed.life == value/>{words}</label> }.into_any()
        })
        .collect();
    let wrong = typed.wrong.clone();
    let class = if wrong.is_some() {
        "field bad"
    } else {
        "field"
    };
    let described = if wrong.is_some() {
        "name-hint name-error"
    } else {
        "name-hint"
    };
    let invalid = wrong.as_ref().map(|_| "true");
    view! {
        <form class="card form narrow" method="post" action="/tokens" id="new">
            <div class=class>
                <label for="name">"Name"</label>
                <input id="name" name="name" value=typed.name.clone() maxlength="40" autocomplete="off" aria-describedby=described aria-invalid=invalid/>
                <p class="hint" id="name-hint">"What it is for. It stands in the audit trail beside your name."</p>
                {wrong.map(|text| view! { <p class="err" id="name-error">{icon(Icon::Warn)}<span>{text}</span></p> })}
            </div>
            <fieldset class="field"><legend class="label">"May, of what you may"</legend>
                <label class="tick"><input type="checkbox" checked="checked" disabled="disabled"/>"Read: templates, environments, runs and their logs"</label>
                <label class="tick"><input type="checkbox" name="write" value="1" checked=typed.scopes.write/>"Write: ask for environments, for more time and for destruction; call runs off"</label>
                <label class="tick"><input type="checkbox" name="approve" value="1" checked=typed.scopes.approve/>"Approve: vote on what others asked for"</label>
            </fieldset>
            <fieldset class="field"><legend class="label">"Ends after"</legend><div class="seg wrap">{lives}</div></fieldset>
            <div class="foot"><button class="btn primary" type="submit">"Make the token"</button></div>
        </form>
    }
    .into_any()
}

/// The page of one's own tokens.
#[must_use]
pub fn tokens(of: &[Token], typed: &Form, made: Option<&Made>) -> View {
    view! {
        <div class="head"><h1>"Your tokens"</h1></div>
        <p class="sub">"A token lets a program act for you: the "<code>"slipway"</code>" command, a pipeline, a script. It may never more than you may at that moment, it makes no tokens and manages no people, and what it does is in the audit trail under its name and yours."</p>
        {made.map(made_card)}
        {if of.is_empty() {
            empty(Icon::Key, "No tokens", "Nothing acts for you.", vec![])
        } else {
            view! { <section class="card">{token_table(of, None)}</section> }.into_any()
        }}
        <div class="section"><h2>"Make another one"</h2></div>
        {form(typed)}
        <p><a class="link" href="/sessions">"Your sessions"</a>" · "<a class="link" href="/api/v1/openapi.json">"The API's description"</a></p>
    }
    .into_any()
}

/// How long a form says.
#[must_use]
pub fn life(word: &str) -> Option<::time::Duration> {
    LIVES
        .iter()
        .find(|(value, _)| *value == word)
        .and_then(|(value, _)| time_text::read(value))
}
