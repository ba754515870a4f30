//! Makes one tree of the document like another with as few touches as possible, so that what is focused, open, typed
//! or scrolled stays as it is.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, Node};

/// Makes `old` like `new`. Elements are matched by id where they have one, else by place and tag.
///
/// Left alone: whatever is marked `data-keep`, islands, and what a person did (open details, typed text).
pub(super) fn morph(old: &Element, new: &Element) {
    if old.is_equal_node(Some(new)) || keeps(old) {
        return;
    }
    attributes(old, new);
    let mut next = old.first_child();
    let mut wanted = new.first_child();
    while let Some(new) = wanted {
        wanted = new.next_sibling();
        let same = find(next.clone(), &new);
        match same {
            Some(same) => {
                // What stands before the match is gone on the server; islands and keepers only move on.
                while let Some(stray) = next.clone().filter(|n| !n.is_same_node(Some(&same))) {
                    next = stray.next_sibling();
                    _ = old.remove_child(&stray);
                }
                next = same.next_sibling();
                match (same.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
                    (Some(same), Some(new)) => morph(same, new),
                    _ => {
                        if same.node_value() != new.node_value() {
                            same.set_node_value(new.node_value().as_deref());
                        }
                    }
                }
            }
            None => {
                if let Ok(copy) = old
                    .owner_document()
                    .unwrap_or_else(super::dom::document)
                    .import_node_with_deep(&new, true)
                {
                    _ = old.insert_before(&copy, next.as_ref());
                }
            }
        }
    }
    while let Some(stray) = next {
        next = stray.next_sibling();
        _ = old.remove_child(&stray);
    }
}

fn keeps(element: &Element) -> bool {
    element.has_attribute("data-keep") || element.tag_name() == "LEPTOS-ISLAND"
}

/// The node among `first` and its siblings that stands for `new`.
fn find(first: Option<Node>, new: &Node) -> Option<Node> {
    let id = new
        .dyn_ref::<Element>()
        .map(Element::id)
        .filter(|id| !id.is_empty());
    let mut node = first;
    while let Some(here) = node {
        let fits = here.node_name() == new.node_name()
            && match here.dyn_ref::<Element>() {
                Some(element) => element.id() == id.clone().unwrap_or_default(),
                None => true,
            };
        if fits {
            return Some(here);
        }
        // Without an id only the next place may match: looking further would tear down what stands between.
        id.as_ref()?;
        node = here.next_sibling();
    }
    None
}

fn attributes(old: &Element, new: &Element) {
    let names = |e: &Element| -> Vec<String> {
        e.get_attribute_names()
            .iter()
            .filter_map(|n| n.as_string())
            .collect()
    };
    // Whether a fold is open and what a control holds belong to the person.
    let personal = |name: &str| {
        name == "open"
            || (matches!(name, "value" | "checked") && old.dyn_ref::<HtmlInputElement>().is_some())
    };
    for name in names(old) {
        if !new.has_attribute(&name) && !personal(&name) {
            _ = old.remove_attribute(&name);
        }
    }
    for name in names(new) {
        let value = new.get_attribute(&name).unwrap_or_default();
        if !personal(&name) && old.get_attribute(&name).as_deref() != Some(&value) {
            _ = old.set_attribute(&name, &value);
        }
    }
}
