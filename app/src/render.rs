//! From a view to a whole document, synchronously: a page has all its data before it is rendered, so there is nothing to
//! wait for, no stream, and an exact status code.

use std::sync::Arc;

use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use time::OffsetDateTime;

use crate::{
    assets::Assets,
    components::{Clock, Frame, View, shell},
};

/// The mark as the page's icon.
const MARK: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%230b6e99' stroke-width='2.2' stroke-linecap='round' stroke-linejoin='round'%3E%3Cpath d='M3 20h18M3 20 20 11M6.2 12.6 16.4 7.2c1.1-.6 2.6-.4 3.6.3l-2.4 4.8-9.4 5z'/%3E%3C/svg%3E";

/// Renders a view alone. What it needs of its surroundings (`Clock`) is provided for the time of the call.
pub fn fragment(now: OffsetDateTime, view: impl FnOnce() -> View) -> String {
    // Islands mode: what is not an island carries no marks for hydration.
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| {
        provide_context(Clock(now));
        view().to_html()
    });
    owner.unset();
    html
}

/// Renders a page in its frame.
pub fn document(
    assets: &Assets,
    frame: &Frame,
    now: OffsetDateTime,
    refresh: bool,
    body: impl FnOnce() -> View,
) -> String {
    let inner = fragment(now, || shell(frame, body()));
    let mut html = String::with_capacity(inner.len() + 1_024);
    html.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    escape(&frame.title, &mut html);
    html.push_str(" · Slipway</title><meta name=\"color-scheme\" content=\"light dark\">");
    html.push_str(&format!(
        "<link rel=\"stylesheet\" href=\"{}\">",
        assets.url("style.css")
    ));
    html.push_str(&format!("<link rel=\"icon\" href=\"{MARK}\">"));
    // Without a script the page comes again by itself until there is nothing more to see.
    if refresh {
        html.push_str("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>");
    }
    if inner.contains("<leptos-island") {
        html.push_str(&format!(
            "<link rel=\"modulepreload\" href=\"{js}\"><script type=\"module\" src=\"{boot}\" data-js=\"{js}\" data-wasm=\"{wasm}\" data-live=\"{live}\"></script>",
            js = assets.url("slipway.js"),
            wasm = assets.url("slipway.wasm"),
            boot = assets.url("boot.js"),
            live = assets.url("live.js"),
        ));
    }
    html.push_str("</head><body>");
    html.push_str(&inner);
    html.push_str("</body></html>");
    html
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            c => into.push(c),
        }
    }
}
