//! The request form: a draft, as it stands.

use leptos::prelude::*;
use slipway_catalog::Template;
use slipway_domain::{environment::Class, time_text};
use slipway_services::{cluster::Cluster, draft::Draft};

use super::catalog::{cloud_notes, life, namespace, who_decides};
use crate::{
    components::{
        FieldForm, Icon, Stage, Tone, View, area, banner, card, crumbs, digest, facts, fields,
        icon, problem, stages, text,
    },
    site::Site,
};

/// The page.
#[must_use]
pub fn view(site: &Site, draft: &Draft, saved: bool, cluster: Option<&Cluster>) -> View {
    let template = &draft.version.template;
    let action = format!("/drafts/{}", draft.id);
    let (crumb, title, lead) = match &draft.environment {
        Some((id, name)) => (
            vec![
                ("Environments".to_owned(), "/environments".to_owned()),
                (name.clone(), format!("/environments/{id}")),
            ],
            format!("Change {name}"),
            "You see exactly what would change before anything does.".to_owned(),
        ),
        None => (
            vec![
                ("Catalog".to_owned(), "/catalog".to_owned()),
                (
                    template.title.clone(),
                    format!("/catalog/{}", draft.version.name),
                ),
            ],
            format!("Request: {}", template.title),
            template.summary.clone(),
        ),
    };
    let here = if draft.environment.is_some() {
        "Change"
    } else {
        "Request"
    };
    let form = FieldForm {
        fields: &template.fields,
        entered: &draft.entered,
        errors: &draft.errors,
        stored: &draft.stored,
    };
    let inputs = fields(&form);
    let send = if template.release.is_some() {
        "See the preview"
    } else {
        "See the plan"
    };
    view! {
        {crumbs(crumb, here)}
        <div class="head"><h1>{title}</h1></div>
        <p class="sub">{lead}</p>
        <div class="cols"><div class="stack">
            {cloud_notes(site, template, cluster)}
            {nowhere(draft)}
            {newer(draft)}
            {saved.then(|| banner(Tone::Go, Icon::Check, "Saved.", "Nothing was asked for yet; come back whenever you like.", None))}
            <form class="card form request" method="post" action=action novalidate>
                // Enter in a field presses the first button of a form: let it be the one that sends.
                <button class="vh" type="submit" name="do" value="send" tabindex="-1" aria-hidden="true">{send}</button>
                {wrong(draft)}
                {about(draft, template)}
                {(!template.fields.is_empty()).then(|| view! { <h2 class="rule">"Inputs"</h2> })}
                {inputs}
                <h2 class="rule">"Why"</h2>
                {reason(draft)}
                <div class="foot">
                    <button class="btn quiet danger" type="submit" name="do" value="discard" formnovalidate>"Discard"</button>
                    <button class="btn quiet" type="submit" name="do" value="save" formnovalidate>"Save for later"</button>
                    <button class="btn primary" type="submit" name="do" value="send">{send}</button>
                </div>
            </form>
        </div><aside class="stack" aria-label="About this template">
            {card("About", "", None, facts_of(draft, template))}
            {card("What happens next", "", None, next(template))}
        </aside></div>
    }
    .into_any()
}

fn newer(draft: &Draft) -> Option<View> {
    let (id, _) = draft.environment.as_ref()?;
    let newer = draft
        .newer
        .as_ref()
        .filter(|newer| **newer != draft.version.digest)?;
    let url = format!("/environments/{id}/change?upgrade=1");
    Some(banner(
        Tone::Sea,
        Icon::Branch,
        "Its template has a newer version.",
        view! { "This form is for the version that it runs. The newest is "{digest(newer)}"." },
        Some(view! { <a class="btn small" href=url>"Move to it"</a> }.into_any()),
    ))
}

fn wrong(draft: &Draft) -> Option<View> {
    if draft.errors.is_empty() {
        return None;
    }
    let general = draft.errors.get("form").cloned().unwrap_or_default();
    // In the order of the form, not of the alphabet.
    let place = |name: &str| match name
        .strip_prefix("in.")
        .and_then(|rest| rest.split('.').next())
    {
        Some(field) => {
            3 + draft
                .version
                .template
                .fields
                .iter()
                .position(|f| f.name == field)
                .unwrap_or(usize::MAX - 4)
        }
        None => ["name", "team", "life"]
            .iter()
            .position(|known| *known == name)
            .unwrap_or(usize::MAX),
    };
    let mut wrong: Vec<_> = draft
        .errors
        .iter()
        .filter(|(name, _)| *name != "form")
        .collect();
    wrong.sort_by_key(|(name, _)| place(name));
    let links: Vec<(String, String)> = wrong
        .into_iter()
        .map(|(name, why)| (name.clone(), format!("{}: {why}", spoken(name))))
        .collect();
    let strong = match links.len() {
        0 => "This form needs another look.".to_owned(),
        1 => "One field needs another look.".to_owned(),
        n => format!("{} fields need another look.", super::count_capital(n)),
    };
    let kept = if general.is_empty() {
        "What you typed is kept.".to_owned()
    } else {
        format!("{general} What you typed is kept.")
    };
    Some(problem(strong, kept, links))
}

/// A control's name as people say it: `tags, row 2`.
fn spoken(name: &str) -> String {
    let bare = name.strip_prefix("in.").unwrap_or(name);
    bare.split('.')
        .map(|part| {
            part.parse::<u32>()
                .map_or_else(|_| part.to_owned(), |n| format!("row {}", n + 1))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// A control of the request itself, beside the template's inputs.
fn plain(
    draft: &Draft,
    name: &'static str,
    label: &'static str,
    hint: View,
    control: View,
) -> View {
    let error = draft.errors.get(name).cloned();
    let class = if error.is_some() {
        "field bad"
    } else {
        "field"
    };
    view! {
        <div class=class>
            <label for=name><span class="name">{label}</span></label>
            {control}
            {error.map(|text| view! { <p class="err" id=format!("{name}-error")>{icon(Icon::Warn)}<span>{text}</span></p> })}
            <p class="hint" id=format!("{name}-note")>{hint}</p>
        </div>
    }
    .into_any()
}

fn described(draft: &Draft, name: &str) -> (String, Option<&'static str>) {
    if draft.errors.contains_key(name) {
        (format!("{name}-error {name}-note"), Some("true"))
    } else {
        (format!("{name}-note"), None)
    }
}

fn about(draft: &Draft, template: &Template) -> Option<View> {
    if draft.environment.is_some() {
        return None;
    }
    let (by, wrong) = described(draft, "name");
    let name = plain(
        draft,
        "name",
        "Name",
        text("Small letters, digits and hyphens; it becomes part of addresses."),
        view! { <input id="name" name="name" value=draft.about.name.clone() autocomplete="off" spellcheck="false" maxlength="40" aria-describedby=by aria-invalid=wrong aria-required="true"/> }.into_any(),
    );
    let (by, wrong) = described(draft, "team");
    let options: Vec<View> = draft
        .teams
        .iter()
        .map(|team| {
            let id = team.id.to_string();
            let selected = id == draft.about.team;
            view! { <option value=id selected=selected>{team.name.clone()}</option> }.into_any()
        })
        .collect();
    let quota = match (
        template.class,
        draft
            .teams
            .iter()
            .find(|t| t.id.to_string() == draft.about.team),
    ) {
        (Class::Preview, Some(team)) => {
            let (used, of) = team.previews;
            text(format!(
                "{} has {used} of {of} preview environments that need no vote.",
                team.name
            ))
        }
        _ => text("It belongs to this team, and its leads decide about it."),
    };
    let team = plain(
        draft,
        "team",
        "Team",
        quota,
        view! { <select id="team" name="team" aria-describedby=by aria-invalid=wrong aria-required="true">{options}</select> }.into_any(),
    );
    Some(view! { {name}<div class="pair">{team}{lives(draft, template)}</div> }.into_any())
}

fn lives(draft: &Draft, template: &Template) -> View {
    const OFFERED: [(&str, u64); 8] = [
        ("1h", 3_600),
        ("8h", 28_800),
        ("1d", 86_400),
        ("3d", 259_200),
        ("7d", 604_800),
        ("14d", 1_209_600),
        ("30d", 2_592_000),
        ("90d", 7_776_000),
    ];
    let chosen = draft.about.life.as_str();
    let most = template.life.greatest.unwrap_or(u64::MAX);
    let mut offered: Vec<(String, String)> = OFFERED
        .iter()
        .filter(|o| o.1 <= most)
        .map(|o| (o.0.to_owned(), life(Some(o.1))))
        .collect();
    if template.life.greatest.is_none() {
        offered.push((String::new(), "without end".into()));
    }
    // What was typed or is the template's own default stays in the list.
    let same = |a: &str, b: &str| {
        a == b || (time_text::read(a).is_some() && time_text::read(a) == time_text::read(b))
    };
    if !offered.iter().any(|o| same(&o.0, chosen)) {
        let words = time_text::read(chosen).map_or_else(|| chosen.to_owned(), time_text::long);
        offered.insert(
            0,
            (
                chosen.to_owned(),
                if chosen.is_empty() {
                    "choose".into()
                } else {
                    words
                },
            ),
        );
    }
    let options: Vec<View> = offered
        .into_iter()
        .map(|(value, words)| {
            let selected = same(&value, chosen);
            view! { <option value=value selected=selected>{words}</option> }.into_any()
        })
        .collect();
    let hint = match template.life.greatest {
        Some(most) => format!(
            "Then it is destroyed by itself; at most {}, extensions included.",
            life(Some(most))
        ),
        None => "Then it is destroyed by itself.".into(),
    };
    let (by, wrong) = described(draft, "life");
    plain(
        draft,
        "life",
        "Lives for",
        text(hint),
        view! { <select id="life" name="life" aria-describedby=by aria-invalid=wrong>{options}</select> }.into_any(),
    )
}

fn reason(draft: &Draft) -> View {
    let (by, wrong) = described(draft, "reason");
    plain(
        draft,
        "reason",
        "Reason",
        text("Whoever decides reads this, and so does the auditor. A ticket’s number is a good start."),
        view! { <textarea id="reason" name="reason" rows="2" aria-describedby=by aria-invalid=wrong inner_html=area(&draft.about.reason)></textarea> }.into_any(),
    )
}

fn facts_of(draft: &Draft, template: &Template) -> View {
    let mut pairs = vec![
        ("Template", view! { <a class="link" href=format!("/catalog/{}", draft.version.name)>{draft.version.name.clone()}</a>" "{digest(&draft.version.digest)} }.into_any()),
        ("Owner", text(template.owner.clone())),
        ("Class", text(template.class.word())),
        ("Who decides", text(who_decides(template.class))),
        ("Lives at most", text(life(template.life.greatest))),
    ];
    if let Some(to) = &template.release {
        pairs.push(("Cluster", text(to.cluster.clone())));
        pairs.push(("Namespace", namespace(to)));
    }
    match &draft.account {
        None => {}
        Some(Ok(place)) => pairs.push(("AWS account", text(place.words()))),
        Some(Err(_)) => pairs.push(("AWS account", text("none to make it in"))),
    }
    facts(pairs)
}

/// Why there is no account to make it in: said before anything is typed.
fn nowhere(draft: &Draft) -> Option<View> {
    let why = draft.account.as_ref()?.as_ref().err()?;
    Some(banner(
        Tone::Stop,
        Icon::Cloud,
        why.message.clone(),
        format!("{} {}", why.detail, why.hint),
        None,
    ))
}

fn next(template: &Template) -> View {
    let step = |n: &'static str, name: &'static str, note: String| Stage {
        tone: if n == "1" { Tone::Sea } else { Tone::Plain },
        shape: match n {
            "1" => Icon::Page,
            "2" => Icon::Clock,
            "3" => Icon::Go,
            _ => Icon::Check,
        },
        name: name.into(),
        note: text(note),
        took: None,
    };
    let chart = template.release.is_some();
    let (first, seen, done) = if chart {
        (
            "Preview",
            "you see what would change in the cluster, object by object; nothing is changed yet",
            "exactly that, live on its page",
        )
    } else {
        (
            "Plan",
            "you see exactly what would be made; nothing is made yet",
            "exactly that plan, live on its page",
        )
    };
    stages(vec![
        step("1", first, seen.into()),
        step(
            "2",
            "Approval",
            format!("by {}", who_decides(template.class)),
        ),
        step("3", "Apply", done.into()),
        step(
            "4",
            "Ready",
            if template.life.greatest.is_some() {
                "it ends by itself, after a warning"
            } else if chart {
                "its pods run"
            } else {
                "with its outputs"
            }
            .into(),
        ),
    ])
}
