//! A template's fields as controls. Names follow `slipway_domain::form`; a control's id is its name, so that an error, a
//! row button's answer and a link can point at it.
//!
//! Forbidden: showing the value of a sensitive field; a control without a label; a value that a round trip would lose.

mod rows;

use std::collections::BTreeSet;

use leptos::prelude::*;
use serde_json::Value;
use slipway_domain::{
    field::{Blank, Checked, Field, Kind, Place},
    form::{EMPTY, Entered, Errors, KEEP, TICKED},
};

use super::{Icon, View, area, icon};
use rows::rows;

/// What the renderer needs to know.
pub struct FieldForm<'a> {
    /// The template's fields.
    pub fields: &'a [Field],
    /// What was typed.
    pub entered: &'a Entered,
    /// What is wrong, by control.
    pub errors: &'a Errors,
    /// Sensitive fields that have a stored value.
    pub stored: &'a BTreeSet<String>,
}

/// All fields, in the order of the template.
#[must_use]
pub fn fields(form: &FieldForm<'_>) -> View {
    form.fields
        .iter()
        .map(|field| top(form, field))
        .collect::<Vec<View>>()
        .into_any()
}

/// What a control is about, on its way down.
#[derive(Clone, Copy)]
struct Spot<'a> {
    form: &'a FieldForm<'a>,
    field: &'a Field,
    place: Place<'a>,
    /// The spoken name of a control that has no visible one.
    label: Option<&'a str>,
}

fn top(form: &FieldForm<'_>, field: &Field) -> View {
    let path = field.path();
    let spot = Spot {
        form,
        field,
        place: Place::Field(field),
        label: None,
    };
    let mut hints: Vec<View> = Vec::new();
    if let Some(text) = &field.description {
        // A paragraph may be broken into lines where its author's editor ended; blank lines are what separates.
        for paragraph in text.trim().split("\n\n") {
            let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            hints.push(view! { <span>{words}</span> }.into_any());
        }
    }
    for rule in &field.validations {
        let text = match (rule.checked, rule.message_literal) {
            (Checked::Here, true) => rule.message.clone(),
            (Checked::AtPreview, true) => format!("{} Checked when it is planned.", rule.message),
            (_, false) => format!(
                "A rule of this template is checked when it is planned: {}",
                rule.condition
            ),
        };
        hints.push(view! { <span>{text}</span> }.into_any());
    }
    if field.sensitive {
        hints.push(
            view! { <span>"Sealed as you send it: nobody can read it here again, you included."</span> }.into_any(),
        );
    }
    let keep = (field.sensitive && form.stored.contains(&field.name)).then(|| {
        let name = format!("{KEEP}{}", field.name);
        let ticked = form.entered.is_keep_ticked(&field.name);
        view! { <label class="tick"><input type="checkbox" name=name value=TICKED checked=ticked/>"Keep the stored value while this is blank"</label> }
    });
    let opt = optional(field.blank(), field);
    part(
        spot,
        &path,
        &field.kind,
        &field.name,
        opt,
        hints,
        keep.map(IntoAny::into_any),
    )
}

/// Said beside the label.
fn optional(blank: Blank, field: &Field) -> Option<String> {
    match blank {
        Blank::Null => Some("optional".into()),
        Blank::Default => field
            .default
            .as_ref()
            .filter(|_| !field.sensitive && field.kind.is_single())
            .map(|d| format!("if blank: {}", brief(d))),
        Blank::Missing | Blank::Empty => None,
    }
}

fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() > 40 {
        format!("{}…", text.chars().take(40).collect::<String>())
    } else {
        text
    }
}

/// A labelled control, or a group of them.
fn part(
    spot: Spot<'_>,
    path: &str,
    kind: &Kind,
    label: &str,
    opt: Option<String>,
    hints: Vec<View>,
    below: Option<View>,
) -> View {
    let error = spot.form.errors.get(path).cloned();
    let note = (!hints.is_empty()).then(|| format!("{path}-note"));
    let wrong = error.as_ref().map(|_| format!("{path}-error"));
    let described = [wrong.clone(), note.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let described = Some(described).filter(|d| !d.is_empty());
    let class = if error.is_some() {
        "field bad"
    } else {
        "field"
    };
    let required = spot.place.blank(kind) == Blank::Missing;
    let label_view = view! {
        <span class="name">{label.to_owned()}</span>
        {required.then(|| view! { <span class="must" title="needed">"needed"</span> })}
        {opt.map(|opt| view! { <span class="opt">{opt}</span> })}
    };
    let error = error
        .map(|text| view! { <p class="err" id=wrong>{icon(Icon::Warn)}<span>{text}</span></p> });
    let hint = note.map(|id| view! { <p class="hint" id=id>{hints}</p> });
    if kind.is_single() && !matches!(kind, Kind::Bool) {
        view! {
            <div class=class>
                <label for=path.to_owned()>{label_view}</label>
                {control(spot, path, kind, described)}
                {empty_box(spot, path, kind)}
                {error}{hint}{below}
            </div>
        }
        .into_any()
    } else {
        view! {
            <fieldset class=format!("{class} group") id=path.to_owned() aria-describedby=described tabindex="-1">
                <legend>{label_view}</legend>
                {error}{hint}
                {group(spot, path, kind)}
                {empty_box(spot, path, kind)}{below}
            </fieldset>
        }
        .into_any()
    }
}

/// The box that tells empty from unset, where blank does not already mean it.
fn empty_box(spot: Spot<'_>, path: &str, kind: &Kind) -> Option<View> {
    if !spot.place.offers_empty(kind) {
        return None;
    }
    let ticked = spot.form.entered.is_empty_ticked(path);
    // Where something is needed, "empty on purpose" is the rare answer: it is offered once blank was refused.
    let missing = spot.place.blank(kind) == Blank::Missing;
    if missing && !ticked && !spot.form.errors.contains_key(path) {
        return None;
    }
    let group = matches!(kind, Kind::Object(_) | Kind::Tuple(_));
    if group
        && spot.place.blank(kind) == Blank::Default
        && !ticked
        && !spot.form.entered.is_blank(path)
    {
        return None;
    }
    let text = match (kind, spot.place.blank(kind)) {
        (Kind::String, Blank::Missing) => "Empty on purpose",
        (Kind::String, Blank::Null) => "Empty text, rather than unset",
        (Kind::String, _) => "Empty text, rather than the default",
        (Kind::Object(_) | Kind::Tuple(_), Blank::Null) => {
            "Give it as it stands here, rather than unset"
        }
        (Kind::Object(_) | Kind::Tuple(_), _) => {
            "Give it as it stands here, rather than the default"
        }
        (_, Blank::Null) => "No rows, rather than unset",
        _ => "No rows, rather than the default",
    };
    Some(view! { <label class="tick empty-box"><input type="checkbox" name=format!("{EMPTY}{path}") value=TICKED checked=ticked/>{text}</label> }.into_any())
}

/// One control that holds a whole value.
fn control(spot: Spot<'_>, path: &str, kind: &Kind, described: Option<String>) -> View {
    let typed = if spot.field.sensitive {
        String::new()
    } else {
        spot.form.entered.get(path).to_owned()
    };
    let id = path.to_owned();
    let name = path.to_owned();
    let wrong = spot.form.errors.contains_key(path).then_some("true");
    let required = (spot.place.blank(kind) == Blank::Missing).then_some("true");
    let label = spot.label.map(str::to_owned);
    if kind.is_json() {
        return view! {
            <textarea class="mono" id=id name=name rows="4" spellcheck="false" autocomplete="off" aria-label=label
                aria-describedby=described aria-invalid=wrong aria-required=required placeholder="JSON" inner_html=area(&typed)></textarea>
        }
        .into_any();
    }
    let choices = spot.place.choices().filter(|_| !spot.field.sensitive);
    if let (Kind::String | Kind::Number, Some(choices)) = (kind, choices) {
        let blank = spot.place.blank(kind);
        let known = typed.is_empty() || choices.contains(&typed);
        let mut options: Vec<View> = Vec::new();
        if typed.is_empty() || blank != Blank::Missing {
            let text = if blank == Blank::Missing {
                "Choose…"
            } else {
                "—"
            };
            options.push(
                view! { <option value="" selected=typed.is_empty()>{text}</option> }.into_any(),
            );
        }
        // What was typed stays, even when the template no longer knows it.
        for choice in choices
            .iter()
            .cloned()
            .chain((!known).then(|| typed.clone()))
        {
            let selected = choice == typed;
            options.push(
                view! { <option value=choice.clone() selected=selected>{choice.clone()}</option> }
                    .into_any(),
            );
        }
        return view! {
            <select id=id name=name aria-label=label aria-describedby=described aria-invalid=wrong aria-required=required>{options}</select>
        }
        .into_any();
    }
    if *kind == Kind::String && !spot.field.sensitive && is_long(spot.field, &typed) {
        return view! {
            <textarea id=id name=name rows="3" autocomplete="off" aria-label=label aria-describedby=described
                aria-invalid=wrong aria-required=required placeholder=" " inner_html=area(&typed)></textarea>
        }
        .into_any();
    }
    if *kind == Kind::String && spot.field.sensitive && !is_word(spot.field) {
        // A one-line control would silently join the lines of a key; this one keeps them, and hides them all the same.
        return view! {
            <textarea class="sealed mono" id=id name=name rows="3" autocomplete="off" spellcheck="false" autocapitalize="off" aria-label=label
                aria-describedby=described aria-invalid=wrong aria-required=required placeholder=" "></textarea>
        }
        .into_any();
    }
    let (input, mode) = match (spot.field.sensitive, kind) {
        (true, _) => ("password", None),
        (false, Kind::Number) => ("text", Some("decimal")),
        (false, _) => ("text", None),
    };
    let auto = if spot.field.sensitive {
        "new-password"
    } else {
        "off"
    };
    view! {
        <input type=input id=id name=name value=typed placeholder=" " inputmode=mode autocomplete=auto spellcheck="false" aria-label=label
            aria-describedby=described aria-invalid=wrong aria-required=required/>
    }
    .into_any()
}

/// Whether a secret is surely a single line: by its name, as everything else may be a key or a certificate.
fn is_word(field: &Field) -> bool {
    const WORDS: [&str; 8] = [
        "password",
        "passphrase",
        "passwd",
        "token",
        "pin",
        "api_key",
        "access_key",
        "secret_key",
    ];
    WORDS
        .iter()
        .any(|word| field.name == *word || field.name.ends_with(&format!("_{word}")))
}

/// Whether a text may well have several lines, which a one-line control would silently join.
fn is_long(field: &Field, typed: &str) -> bool {
    const LONG: [&str; 12] = [
        "pem",
        "certificate",
        "script",
        "user_data",
        "policy",
        "json",
        "yaml",
        "motd",
        "notes",
        "public_key",
        "template",
        "body",
    ];
    typed.contains('\n')
        || matches!(&field.default, Some(Value::String(text)) if text.contains('\n'))
        || LONG
            .iter()
            .any(|word| field.name == *word || field.name.ends_with(&format!("_{word}")))
}

/// What is inside of a group.
fn group(spot: Spot<'_>, path: &str, kind: &Kind) -> View {
    match kind {
        Kind::Bool => choice(spot, path),
        Kind::List(inner) => rows(spot, path, inner, false, true),
        Kind::Set(inner) => rows(spot, path, inner, false, false),
        Kind::Map(inner) => rows(spot, path, inner, true, false),
        Kind::Object(members) => members
            .iter()
            .map(|member| {
                let inner = Spot {
                    place: Place::Member(member),
                    label: None,
                    ..spot
                };
                let opt = match inner.place.blank(&member.kind) {
                    Blank::Null => Some("optional".to_owned()),
                    Blank::Default => member
                        .default
                        .as_ref()
                        .filter(|_| member.kind.is_single())
                        .map(|d| format!("if blank: {}", brief(d))),
                    _ => None,
                };
                let hint = member.description.clone();
                let hint = hint.map(|text| view! { <span>{text}</span> }.into_any());
                part(
                    inner,
                    &format!("{path}.{}", member.name),
                    &member.kind,
                    &member.name,
                    opt,
                    hint.into_iter().collect(),
                    None,
                )
            })
            .collect::<Vec<View>>()
            .into_any(),
        Kind::Tuple(kinds) => kinds
            .iter()
            .enumerate()
            .map(|(n, kind)| {
                let inner = Spot {
                    place: Place::Element,
                    label: None,
                    ..spot
                };
                let label = format!("{}, {}", n + 1, kind.words());
                part(
                    inner,
                    &format!("{path}.{n}"),
                    kind,
                    &label,
                    None,
                    Vec::new(),
                    None,
                )
            })
            .collect::<Vec<View>>()
            .into_any(),
        _ => control(spot, path, kind, None),
    }
}

/// Yes, no and, where blank means something, neither.
fn choice(spot: Spot<'_>, path: &str) -> View {
    let typed = if spot.field.sensitive {
        ""
    } else {
        spot.form.entered.get(path)
    };
    let blank = match spot.place.blank(&Kind::Bool) {
        Blank::Null => Some("Unset"),
        Blank::Default => Some("Default"),
        Blank::Missing | Blank::Empty => None,
    };
    let options: Vec<View> = [("true", "Yes"), ("false", "No")]
        .into_iter()
        .chain(blank.map(|text| ("", text)))
        .map(|(value, text)| {
            let id = format!("{path}-{}", if value.is_empty() { "blank" } else { value });
            let checked = typed == value && (!value.is_empty() || blank.is_some());
            view! { <label><input type="radio" id=id name=path.to_owned() value=value checked=checked/>{text}</label> }.into_any()
        })
        .collect();
    view! { <div class="seg">{options}</div> }.into_any()
}
