//! AWS accounts: which there are, what each role answered when a worker last asked, and a form for another one.

use std::collections::BTreeMap;

use leptos::prelude::*;
use slipway_domain::environment::Class;
use slipway_services::account::{Account, Answer, Kind, New};

use crate::components::{
    Icon, Tone, View, ago, banner, code, empty, facts, icon, pill, problem, table, text,
};

const CLASSES: [Class; 3] = [Class::Preview, Class::Shared, Class::Production];

/// What a kind of role is for.
const fn does(kind: Kind) -> &'static str {
    match kind {
        Kind::Plan => "Plan",
        Kind::Apply => "Apply",
        Kind::Destroy => "Destroy",
        Kind::Pipeline => "Pipelines",
        Kind::Secrets => "Secrets",
    }
}

/// What was typed into the form, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// As typed.
    pub new: New,
    /// What is wrong, control by control.
    pub wrong: BTreeMap<String, String>,
}

/// The page.
#[must_use]
pub fn accounts(all: &[Account], manages: bool, typed: &Typed) -> View {
    let cards: Vec<View> = all.iter().map(|account| one(account, manages)).collect();
    view! {
        <div class="head"><h1>"AWS accounts"</h1></div>
        <p class="sub">"Where environments that need AWS are made. A worker assumes one of these roles for one run at a time, with credentials that end by themselves; no key is kept anywhere."</p>
        {if cards.is_empty() {
            let why = if manages {
                "Templates that need AWS cannot be asked for until there is one: add it below."
            } else {
                "Templates that need AWS cannot be asked for until an admin adds one."
            };
            empty(Icon::Cloud, "No account yet", why, vec![])
        } else {
            view! { <div class="stack">{cards}</div> }.into_any()
        }}
        {manages.then(|| form(typed))}
    }
    .into_any()
}

/// How an account stands, in a word.
fn standing(of: &Account) -> View {
    let asked = of.checked_at.is_some();
    let refused = of
        .answers
        .roles
        .values()
        .filter(|a| matches!(a, Answer::Refused(_)))
        .count();
    match (asked, refused) {
        (false, _) => pill(Tone::Plain, Icon::Clock, "not asked yet"),
        (true, 0) => pill(Tone::Go, Icon::Check, "answers"),
        (true, n) if n == of.answers.roles.len() => {
            pill(Tone::Stop, Icon::Cross, "does not let the worker in")
        }
        (true, _) => pill(Tone::Wait, Icon::Warn, "lets the worker in by half"),
    }
}

fn one(of: &Account, manages: bool) -> View {
    let serves: Vec<&str> = of.serves.iter().map(|c| c.word()).collect();
    let worker = match &of.answers.worker {
        None => text("not known yet"),
        Some(Answer::As(arn)) => view! { <code class="any">{arn.clone()}</code> }.into_any(),
        Some(Answer::Refused(why)) => {
            view! { <span class="any">{format!("{} {} {}", why.message, why.detail, why.hint)}</span> }.into_any()
        }
    };
    let asked = match (of.asking, of.checked_at) {
        (true, _) => text("waits for a worker"),
        (false, Some(at)) => ago(at),
        (false, None) => text("never"),
    };
    let mut about = vec![
        ("Account", code(of.account.clone())),
        ("Region", text(of.region.clone())),
        ("For", text(serves.join(", "))),
        ("Environments", text(of.environments.to_string())),
    ];
    if let Some(id) = &of.external_id {
        about.push(("External id", code(id.clone())));
    }
    about.push(("The worker is", worker));
    about.push(("Asked", asked));
    let rows: Vec<View> = of
        .roles
        .iter()
        .map(|(kind, arn)| role(*kind, arn, of.answers.roles.get(kind)))
        .collect();
    let id = of.id;
    let name = of.name.clone();
    let removable = manages && of.imitation.is_none();
    view! {
        <section class="card" aria-labelledby=format!("account-{id}")>
            <header><h2 id=format!("account-{id}")>{name.clone()}</h2>{standing(of)}{of.imitation.as_ref().map(|_| pill(Tone::Wait, Icon::Cloud, "an imitation"))}</header>
            {facts(about)}
            {table("Roles by kind of action", &["To", "Role", "Answer"], rows)}
            <div class="foot">
                {removable.then(|| remove(of))}
                <form method="post" action=format!("/accounts/{id}/ask")><button class="btn" type="submit">"Ask again"<span class="vh">{format!(" what {name} answers")}</span></button></form>
            </div>
        </section>
    }
    .into_any()
}

fn role(kind: Kind, arn: &str, answer: Option<&Answer>) -> View {
    let answer = match answer {
        None => text("not asked yet"),
        Some(Answer::As(arn)) => view! { {pill(Tone::Go, Icon::Check, "lets the worker in")}<small class="muted any">{format!(" as {arn}")}</small> }.into_any(),
        Some(Answer::Refused(why)) => view! { {pill(Tone::Stop, Icon::Cross, "does not")}<span class="any">{format!(" {}", why.message)}</span><p class="muted any">{why.detail.clone()}</p><p class="any">{why.hint.clone()}</p> }.into_any(),
    };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row">{does(kind)}</th>
            <td role="cell" data-label="Role"><div><code class="any">{arn.to_owned()}</code></div></td>
            <td role="cell" data-label="Answer"><div>{answer}</div></td>
        </tr>
    }
    .into_any()
}

/// Removing takes a second press, which says what follows.
fn remove(of: &Account) -> View {
    let follows = match of.environments {
        0 => "No environment lives in it.".to_owned(),
        1 => "One environment lives in it: what it made stays, and it can neither be changed nor destroyed until the account is added again.".to_owned(),
        n => format!("{n} environments live in it: what they made stays, and they can neither be changed nor destroyed until the account is added again."),
    };
    view! {
        <details class="reject">
            <summary class="btn quiet danger">"Remove…"</summary>
            <form class="why" method="post" action=format!("/accounts/{}/remove", of.id)>
                <p>{format!("Nothing is done in {} any more. {follows}", of.name)}</p>
                <button class="btn danger" type="submit">{format!("Remove {}", of.name)}</button>
            </form>
        </details>
    }
    .into_any()
}

/// A control of the form, with its hint and what is wrong with it.
fn control(
    typed: &Typed,
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: &str,
) -> View {
    let wrong = typed.wrong.get(name).cloned();
    let class = if wrong.is_some() {
        "field bad"
    } else {
        "field"
    };
    let described = if wrong.is_some() {
        format!("{name}-hint {name}-error")
    } else {
        format!("{name}-hint")
    };
    let invalid = wrong.as_ref().map(|_| "true");
    view! {
        <div class=class>
            <label for=name>{label}</label>
            <input id=name name=name value=value.to_owned() maxlength="2048" autocomplete="off" spellcheck="false" aria-describedby=described aria-invalid=invalid/>
            <p class="hint" id=format!("{name}-hint")>{hint}</p>
            {wrong.map(|text| view! { <p class="err" id=format!("{name}-error")>{icon(Icon::Warn)}<span>{text}</span></p> })}
        </div>
    }
    .into_any()
}

fn form(typed: &Typed) -> View {
    let new = &typed.new;
    let ticks: Vec<View> = CLASSES
        .into_iter()
        .map(|class| {
            let word = class.word();
            view! { <label class="tick"><input type="checkbox" name=word value="1" checked=new.serves.contains(&class)/>{format!("{word} environments")}</label> }.into_any()
        })
        .collect();
    let serves = typed.wrong.get("serves").cloned();
    let links: Vec<(String, String)> = typed
        .wrong
        .iter()
        .map(|(name, why)| (name.clone(), why.clone()))
        .collect();
    let class = if serves.is_some() {
        "field bad"
    } else {
        "field"
    };
    view! {
        <div class="section"><h2>"Add an account"</h2></div>
        {banner(Tone::Sea, Icon::Key, "No key is asked for.", "Each role’s trust policy lets the worker’s own identity in (sts:AssumeRole and sts:TagSession). The platform’s access module makes such roles.", None)}
        <form class="card form narrow" method="post" action="/accounts" id="new">
            {(!links.is_empty()).then(|| problem("The account was not added.".to_owned(), "What you typed is kept.".to_owned(), links))}
            {control(typed, "name", "Name", "How it is called here, and in template.toml ([aws] account).", &new.name)}
            {control(typed, "account", "Account", "AWS’s number for it: twelve digits.", &new.account)}
            {control(typed, "region", "Region", "Such as eu-central-1.", &new.region)}
            <fieldset class=class id="serves"><legend class="label">"For"</legend>
                {ticks}
                <p class="hint">"Unless a template names an account, its environments are made in the only one for their class."</p>
                {serves.map(|text| view! { <p class="err">{icon(Icon::Warn)}<span>{text}</span></p> })}
            </fieldset>
            {control(typed, "plan", "Role that plans", "It only looks. Its ARN.", &new.plan)}
            {control(typed, "apply", "Role that applies", "It makes and changes.", &new.apply)}
            {control(typed, "destroy", "Role that destroys", "It alone may delete.", &new.destroy)}
            {control(typed, "pipeline", "Role for pipelines", "Not used yet; may stay empty.", &new.pipeline)}
            {control(typed, "secrets", "Role for secrets", "Not used yet; may stay empty.", &new.secrets)}
            {control(typed, "external_id", "External id", "What the trust policies want to hear (sts:ExternalId); may stay empty.", &new.external_id)}
            <div class="foot"><button class="btn primary" type="submit">"Add the account"</button></div>
        </form>
    }
    .into_any()
}
