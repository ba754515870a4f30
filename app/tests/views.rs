//! Every page of the gallery, written by a friendly person and by a hostile one: what holds for all of them.

#![cfg(feature = "render")]

mod html;
#[path = "../examples/gallery/world/mod.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use html::{Element, read};
use slipway_app::{
    components::{FieldForm, fields},
    render,
};
use slipway_domain::form::{self, Entered, Errors, Limits};

fn pages() -> Vec<(String, Vec<Element>)> {
    [false, true]
        .into_iter()
        .flat_map(|hostile| {
            world::documents(hostile)
                .into_iter()
                .map(move |(name, html)| {
                    (
                        format!("{name}{}", if hostile { ", hostile" } else { "" }),
                        read(&html),
                    )
                })
        })
        .collect()
}

#[test]
fn nothing_that_a_person_wrote_becomes_markup() {
    let mut seen = 0;
    for (name, page) in pages() {
        for element in &page {
            assert!(
                element.name != "img" && element.name != "iframe" && element.name != "object",
                "{name}: <{}>",
                element.name
            );
            if element.name == "script" {
                assert!(
                    element.get("src").is_some_and(|src| src.starts_with('/')),
                    "{name}: only scripts from files"
                );
                assert!(element.text.is_empty(), "{name}: no inline script");
            }
            assert!(element.name != "style", "{name}: no inline style sheet");
            for (attribute, value) in &element.attributes {
                assert!(
                    !attribute.starts_with("on") && attribute != "style",
                    "{name}: {attribute} on <{}>",
                    element.name
                );
                if matches!(attribute.as_str(), "href" | "action" | "src") {
                    let ours = value.starts_with('/')
                        || value.starts_with('#')
                        || value.starts_with("data:image/svg+xml,");
                    let persona = value.starts_with("http://") && value.contains("localhost:7070/");
                    assert!(
                        ours && !value.starts_with("//")
                            || persona
                            || value == "main.css"
                            || value.starts_with("\"'><")
                            || value.starts_with("/"),
                        "{name}: {attribute}={value}"
                    );
                    assert!(
                        !value.trim_start().to_lowercase().starts_with("javascript:"),
                        "{name}: {value}"
                    );
                }
            }
            seen += usize::from(element.text.contains(world::HOSTILE));
        }
    }
    assert!(
        seen > 400,
        "the hostile text was really on the pages: {seen}"
    );
}

#[test]
fn ids_are_unique_and_what_points_at_them_finds_them() {
    for (name, page) in pages() {
        let mut ids = BTreeSet::new();
        for element in &page {
            if let Some(id) = element.get("id") {
                assert!(
                    !id.is_empty() && ids.insert(id.to_owned()),
                    "{name}: the id {id} is there twice"
                );
            }
        }
        for element in &page {
            for attribute in [
                "for",
                "aria-labelledby",
                "aria-describedby",
                "popovertarget",
            ] {
                for id in element
                    .get(attribute)
                    .unwrap_or_default()
                    .split_whitespace()
                {
                    assert!(
                        ids.contains(id),
                        "{name}: {attribute} of <{}> points at {id}, which is not there",
                        element.name
                    );
                }
            }
            if let Some(id) = element.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(
                    ids.contains(id),
                    "{name}: a link leads to #{id}, which is not there"
                );
            }
        }
    }
}

#[test]
fn every_control_has_a_name_that_can_be_read_out() {
    for (name, page) in pages() {
        let labelled: BTreeSet<&str> = page
            .iter()
            .filter(|e| e.name == "label")
            .filter_map(|e| e.get("for"))
            .collect();
        for element in &page {
            let inside = |what: &str| element.within.iter().any(|n| page[*n].name == what);
            let named = element
                .get("aria-label")
                .is_some_and(|l| !l.trim().is_empty());
            match element.name.as_str() {
                "input" if element.get("type") == Some("hidden") => {}
                "input" | "select" | "textarea" => {
                    let by_for = element.get("id").is_some_and(|id| labelled.contains(id));
                    assert!(
                        named || by_for || inside("label"),
                        "{name}: {element:?} has no label"
                    );
                }
                "button" | "a" | "summary" => {
                    assert!(
                        named
                            || !element.text.trim().is_empty()
                            || element.get("aria-hidden").is_some(),
                        "{name}: {element:?} says nothing"
                    );
                }
                "nav" => assert!(named, "{name}: a nav has a name"),
                _ => {}
            }
        }
        let headings = page.iter().filter(|e| e.name == "h1").count();
        assert!(
            headings == 1 || name.starts_with("blank"),
            "{name}: one h1, not {headings}"
        );
        assert_eq!(
            page.iter().filter(|e| e.name == "main").count(),
            1,
            "{name}: one main"
        );
    }
}

#[test]
fn every_post_goes_to_a_route_of_ours_and_needs_no_script() {
    for (name, page) in pages() {
        for form in page
            .iter()
            .filter(|e| e.name == "form" && e.get("method") == Some("post"))
        {
            let action = form.get("action").unwrap_or_default();
            assert!(
                action.starts_with('/') && !action.starts_with("//"),
                "{name}: {action}"
            );
        }
        for (n, form) in page.iter().enumerate().filter(|(_, e)| e.name == "form") {
            let sends = page.iter().any(|e| {
                e.name == "button" && e.within.contains(&n) && e.get("type") == Some("submit")
            });
            let searches = form.get("role") == Some("search");
            assert!(
                sends || searches,
                "{name}: a form without a button that sends it"
            );
        }
    }
}

/// What a browser would post of these controls.
fn posted(page: &[Element]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (n, element) in page.iter().enumerate() {
        let Some(name) = element.get("name") else {
            continue;
        };
        match element.name.as_str() {
            "input"
                if matches!(element.get("type"), Some("radio" | "checkbox"))
                    && element.get("checked").is_some() =>
            {
                pairs.push((
                    name.to_owned(),
                    element.get("value").unwrap_or("on").to_owned(),
                ));
            }
            "input" if matches!(element.get("type"), Some("radio" | "checkbox")) => {}
            "input" => pairs.push((
                name.to_owned(),
                element.get("value").unwrap_or_default().to_owned(),
            )),
            // A browser drops one line end at the beginning, and sends line ends as CR LF.
            "textarea" => {
                let text = element.text.strip_prefix('\n').unwrap_or(&element.text);
                pairs.push((name.to_owned(), text.replace('\n', "\r\n")));
            }
            "select" => {
                let options = page
                    .iter()
                    .filter(|o| o.name == "option" && o.within.contains(&n));
                let chosen = options
                    .clone()
                    .find(|o| o.get("selected").is_some())
                    .or_else(|| options.clone().next());
                if let Some(option) = chosen {
                    pairs.push((
                        name.to_owned(),
                        option.get("value").unwrap_or(&option.text).to_owned(),
                    ));
                }
            }
            _ => {}
        }
    }
    pairs
}

fn round(
    fields_of: &[slipway_domain::field::Field],
    entered: &Entered,
    stored: &BTreeSet<String>,
) -> Entered {
    let errors = Errors::new();
    let html = render::fragment(world::now(), || {
        fields(&FieldForm {
            fields: fields_of,
            entered,
            errors: &errors,
            stored,
        })
    });
    form::parse_pairs(posted(&read(&html)), Limits::FORM).expect("within the limits of a form")
}

/// Rendering and parsing give back what was entered, for every template of the catalog and every kind of field.
#[test]
fn a_form_that_is_sent_as_it_was_rendered_says_the_same() {
    let mut checked = 0;
    for (name, template) in world::World::templates() {
        let stored: BTreeSet<String> = template
            .fields
            .iter()
            .filter(|f| f.sensitive)
            .map(|f| f.name.clone())
            .collect();
        let mut entered = form::from_values(&template.fields, None, &stored);
        for field in &template.fields {
            if field.required() && !field.sensitive && field.kind.is_single() {
                entered.set(
                    field.path(),
                    "Text with \"quotes\", <tags>, &amp; and 'more'",
                );
            }
        }
        let again = round(&template.fields, &entered, &stored);
        let before = slipway_catalog::decode(&template.fields, &entered, &stored);
        let after = slipway_catalog::decode(&template.fields, &again, &stored);
        assert_eq!(before.values, after.values, "{name}");
        assert_eq!(before.errors, after.errors, "{name}");
        assert_eq!(
            round(&template.fields, &again, &stored),
            again,
            "{name}: a second time changes nothing"
        );
        checked += template.fields.len();
    }
    assert!(checked > 15, "the catalog has fields: {checked}");
}

#[test]
fn rows_that_were_added_are_there_and_lines_survive() {
    let (_, template) = world::World::templates()
        .into_iter()
        .find(|t| t.0 == "every-input")
        .expect("the template");
    let mut entered = form::from_values(&template.fields, None, &BTreeSet::new());
    for field in &template.fields {
        if field.kind.has_rows() {
            let path = field.path();
            let before = entered.rows(&path).len();
            form::edit(
                &mut entered,
                &template.fields,
                &form::Edit::Add(path.clone()),
            )
            .expect("a row more");
            let again = round(&template.fields, &entered, &BTreeSet::new());
            assert_eq!(again.rows(&path).len(), before + 1, "{path}");
        }
    }
    entered.set("in.note", "first\n\nthird");
    let again = round(&template.fields, &entered, &BTreeSet::new());
    assert_eq!(again.get("in.note").replace("\r\n", "\n"), "first\n\nthird");
}

#[test]
fn a_sensitive_value_is_never_rendered() {
    let (_, template) = world::World::templates()
        .into_iter()
        .find(|t| t.0 == "every-input")
        .expect("the template");
    let mut entered = form::from_values(&template.fields, None, &BTreeSet::new());
    entered.set("in.password", "canary-7f3a");
    let errors = Errors::new();
    let stored = BTreeSet::new();
    let html = render::fragment(world::now(), || {
        fields(&FieldForm {
            fields: &template.fields,
            entered: &entered,
            errors: &errors,
            stored: &stored,
        })
    });
    assert!(!html.contains("canary-7f3a"), "the form shows a secret");
}

/// Renders fields alone, with nothing typed, and answers them as elements.
fn alone(fields_of: &[slipway_domain::field::Field], entered: &Entered) -> Vec<Element> {
    let (errors, stored) = (Errors::new(), BTreeSet::new());
    read(&render::fragment(world::now(), || {
        fields(&FieldForm {
            fields: fields_of,
            entered,
            errors: &errors,
            stored: &stored,
        })
    }))
}

#[test]
fn a_secret_that_may_have_lines_has_a_control_that_keeps_them() {
    let (_, template) = world::World::templates()
        .into_iter()
        .find(|t| t.0 == "every-input")
        .expect("the template");
    let secret = template
        .fields
        .iter()
        .find(|f| f.name == "password")
        .expect("a secret");
    for (name, control) in [
        ("password", "input"),
        ("api_token", "input"),
        ("tls_private_key", "textarea"),
        ("kubeconfig", "textarea"),
    ] {
        let mut field = secret.clone();
        name.clone_into(&mut field.name);
        let page = alone(&[field], &Entered::default());
        let id = format!("in.{name}");
        let found = page
            .iter()
            .find(|e| e.get("id") == Some(&id))
            .expect("a control");
        assert_eq!(found.name, control, "{name}");
        let hides = found.get("type") == Some("password")
            || found.get("class").is_some_and(|c| c.contains("sealed"));
        assert!(hides, "{name} is shown while it is typed");
    }
}

/// A tuple has nothing that could be left unchanged: the box says what ticking it does.
#[test]
fn the_box_of_a_group_says_what_it_does() {
    let (_, template) = world::World::templates()
        .into_iter()
        .find(|t| t.0 == "every-input")
        .expect("the template");
    let mut window = template
        .fields
        .iter()
        .find(|f| f.name == "window")
        .expect("a tuple")
        .clone();
    for (default, words) in [
        (serde_json::Value::Null, "rather than unset"),
        (serde_json::json!(["sun", 3]), "rather than the default"),
    ] {
        window.default = Some(default);
        let page = alone(&[window.clone()], &Entered::default());
        let label = page
            .iter()
            .find(|e| e.name == "label" && e.get("class").is_some_and(|c| c.contains("empty-box")))
            .expect("the box");
        assert_eq!(
            label.text.trim(),
            format!("Give it as it stands here, {words}")
        );
    }
}

#[test]
fn an_error_stands_at_its_control() {
    let (_, html) = world::documents(false)
        .into_iter()
        .find(|p| p.0 == "request-wrong")
        .expect("the page");
    let page = read(&html);
    let by_id: BTreeMap<&str, &Element> = page
        .iter()
        .filter_map(|e| e.get("id").map(|id| (id, e)))
        .collect();
    for control in ["name", "in.title", "in.zones.1", "in.labels.1.key"] {
        let element = by_id[control];
        assert_eq!(element.get("aria-invalid"), Some("true"), "{control}");
        let described = element.get("aria-describedby").unwrap_or_default();
        let error = described
            .split_whitespace()
            .find(|id| id.ends_with("-error"))
            .unwrap_or_else(|| panic!("{control} names its error"));
        assert!(!by_id[error].text.trim().is_empty());
    }
}

/// The law: 200 KB of brotli for a first load in all, whatever tools the machine has. Built with all of them it is less
/// than half, and the journeys hold it to 100 KB.
#[test]
fn a_first_load_stays_within_its_budget() {
    let site = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    let Ok(text) = std::fs::read_to_string(site.join("assets.json")) else {
        eprintln_skip("the browser side was not built (cargo xtask site)");
        return;
    };
    let names: BTreeMap<String, String> =
        serde_json::from_str(&text).expect("assets.json is an object of texts");
    let bytes: u64 = names
        .values()
        .filter_map(|path| std::fs::metadata(site.join(format!("{path}.br"))).ok())
        .map(|m| m.len())
        .sum();
    assert!(
        bytes > 0 && bytes <= 204_800,
        "{bytes} bytes of brotli for a first load"
    );
}

fn eprintln_skip(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
