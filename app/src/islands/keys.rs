//! The keyboard in the inbox: j and k move, enter opens, a approves and r rejects.

use leptos::prelude::*;

/// Moves through the elements marked `data-key-row`; a and r reach for the controls marked `data-key-approve` and
/// `data-key-reject` of the current row, and only ever focus or open them: deciding takes a press of its own.
#[island]
pub fn Keys() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::start();
    view! { <span hidden></span> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement, KeyboardEvent};

    use crate::islands::dom;

    pub(super) fn start() {
        dom::listen(&dom::document(), "keydown", |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                return;
            };
            if event.ctrl_key() || event.meta_key() || event.alt_key() || dom::is_typing() {
                return;
            }
            match event.key().as_str() {
                "j" => step(1),
                "k" => step(-1),
                "a" => press("[data-key-approve]"),
                "r" => press("[data-key-reject]"),
                _ => return,
            }
            event.prevent_default();
        });
    }

    /// The row that holds the focus, else the one that the server marked.
    fn current(rows: &[Element]) -> Option<usize> {
        let focus = dom::document().active_element();
        rows.iter()
            .position(|row| focus.as_ref().is_some_and(|f| row.contains(Some(f))))
            .or_else(|| {
                rows.iter()
                    .position(|row| row.has_attribute("aria-current"))
            })
    }

    fn step(by: i32) {
        let rows = dom::all("[data-key-row]");
        let last = rows.len() as i32 - 1;
        if last < 0 {
            return;
        }
        let at = current(&rows).map_or(if by > 0 { 0 } else { last }, |n| {
            (n as i32 + by).clamp(0, last)
        });
        let row = &rows[at as usize];
        let target = row
            .query_selector("a[href]")
            .ok()
            .flatten()
            .unwrap_or_else(|| row.clone());
        if let Some(target) = target.dyn_ref::<HtmlElement>() {
            _ = target.focus();
            row.scroll_into_view_with_bool(false);
        }
    }

    fn press(which: &str) {
        let rows = dom::all("[data-key-row]");
        let Some(n) = current(&rows) else { return };
        if let Ok(Some(target)) = rows[n].query_selector(which)
            && let Some(target) = target.dyn_ref::<HtmlElement>()
        {
            if target.tag_name() == "SUMMARY" {
                target.click();
                // The reason is what comes next, and the fold hides its own summary.
                let field = rows[n]
                    .query_selector("details[open] textarea")
                    .ok()
                    .flatten();
                if let Some(field) = field.as_ref().and_then(|f| f.dyn_ref::<HtmlElement>()) {
                    _ = field.focus();
                }
                return;
            }
            _ = target.focus();
        }
    }
}
