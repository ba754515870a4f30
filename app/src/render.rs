//! From a view to a whole document, synchronously: a page has all its data before it is rendered, so there is nothing to
//! wait for, no stream, and an exact status code.

use std::{fmt::Write as _, sync::Arc};

use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use slipway_domain::visible::{is_hidden, picture};
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
    // Where nothing moves there is no WASM to load; but whoever is signed in hears at once that they are so no more.
    let islands = inner.contains("<leptos-island");
    if islands {
        html.push_str(&format!(
            "<link rel=\"modulepreload\" href=\"{}\">",
            assets.url("slipway.js")
        ));
    }
    if islands || frame.who.is_some() {
        html.push_str(&format!(
            "<script type=\"module\" src=\"{}\" data-live=\"{}\"",
            assets.url("boot.js"),
            assets.url("live.js")
        ));
        if islands {
            html.push_str(&format!(
                " data-js=\"{}\" data-wasm=\"{}\"",
                assets.url("slipway.js"),
                assets.url("slipway.wasm")
            ));
        }
        html.push_str("></script>");
    }
    html.push_str("</head><body>");
    html.push_str(&inner);
    html.push_str("</body></html>");
    seen(html)
}

/// Shows hidden characters instead of sending them. One place for every page: whatever somebody wrote, wherever it is
/// shown. What stands in a control goes back as it was typed: there it is a reference.
fn seen(html: String) -> String {
    if !html.contains(is_hidden) {
        return html;
    }
    let mut out = String::with_capacity(html.len() + 256);
    // In a tag, and there in a quoted value; the value of a control; within a text area.
    let (mut tag, mut quoted, mut control, mut area) = (false, false, false, false);
    for (at, c) in html.char_indices() {
        let rest = &html[at..];
        match c {
            '<' if !tag => {
                tag = true;
                area = (area || rest.starts_with("<textarea")) && !rest.starts_with("</textarea");
            }
            '>' if tag && !quoted => tag = false,
            '"' if tag => {
                quoted = !quoted;
                control = quoted && html[..at].ends_with(" value=");
            }
            c if is_hidden(c) => {
                let kept = (tag && control) || (!tag && area);
                match c {
                    // References to these mean other characters in HTML.
                    '\0' | '\u{80}'..='\u{9f}' => out.push(picture(c)),
                    c if kept => {
                        let _ = write!(out, "&#{};", u32::from(c));
                    }
                    c => out.push(picture(c)),
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown_and_what_was_typed_stays_what_it_was() {
        let page = "<p title=\"a > \u{1b}\">\u{202e}x</p><input value=\"\u{1b}[1m\"><textarea name=\"r\">\u{202e}y</textarea>\u{9b}";
        assert_eq!(
            seen(page.to_owned()),
            "<p title=\"a > ␛\">\u{fffd}x</p><input value=\"&#27;[1m\"><textarea name=\"r\">&#8238;y</textarea>\u{fffd}"
        );
    }
}
