//! The log's tools: lines arrive as they are written; find, go to a line, follow. Log text is only ever a text node.

use leptos::prelude::*;

/// The bar over the log `#log`, whose lines (`li#L218`) the server rendered. Hidden until the browser side runs: what it
/// offers needs it.
#[island]
pub fn LogTools() -> impl IntoView {
    let (needle, set_needle) = signal(String::new());
    let (found, set_found) = signal((0usize, 0usize));
    let (follow, set_follow) = signal(true);
    let (ready, set_ready) = signal(false);
    #[cfg(feature = "hydrate")]
    {
        browser::start(needle, set_found, follow, set_follow);
        Effect::new(move |_| set_ready.set(true));
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (set_found, needle, set_ready);
    let go = move |by: i32| {
        #[cfg(feature = "hydrate")]
        browser::step(by, set_found, set_follow);
        #[cfg(not(feature = "hydrate"))]
        let _ = by;
    };
    view! {
        <div class="logbar" hidden=move || !ready.get()>
            <label class="search">
                <span class="vh">"Find in the log"</span>
                <input type="search" placeholder="Find in the log" autocomplete="off"
                    on:input=move |event| set_needle.set(event_target_value(&event))
                    on:keydown=move |event| if event.key() == "Enter" { event.prevent_default(); go(if event.shift_key() { -1 } else { 1 }) }/>
            </label>
            <span class="muted" role="status">{move || match (needle.with(String::is_empty), found.get()) {
                (true, _) => String::new(),
                (false, (_, 0)) => "none".into(),
                (false, (at, of)) => format!("{at} of {of}"),
            }}</span>
            <button class="btn small" type="button" aria-label="Previous match" on:click=move |_| go(-1)>"↑"</button>
            <button class="btn small" type="button" aria-label="Next match" on:click=move |_| go(1)>"↓"</button>
            <label class="search goto">"Line"
                <input inputmode="numeric" autocomplete="off" aria-label="Go to line"
                    on:change=move |event| {
                        #[cfg(feature = "hydrate")]
                        browser::go_to(&event_target_value(&event), set_follow);
                        #[cfg(not(feature = "hydrate"))]
                        let _ = event;
                    }/>
            </label>
            <label class="tick"><input type="checkbox" prop:checked=move || follow.get() checked
                on:change=move |event| set_follow.set(event_target_checked(&event))/>"Follow"</label>
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::{Cell, RefCell};

    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement, Node};

    use crate::islands::dom;

    /// How many lines stand in the document. Older ones are one link away.
    const WINDOW: u32 = 2_000;

    thread_local! {
        static MATCHES: RefCell<Vec<Element>> = const { RefCell::new(Vec::new()) };
        static AT: Cell<usize> = const { Cell::new(0) };
        static WAITING: RefCell<Vec<(u32, String)>> = const { RefCell::new(Vec::new()) };
    }

    fn list() -> Option<Element> {
        dom::one("#log ol")
    }

    fn view() -> Option<HtmlElement> {
        dom::one("#log").and_then(|e| e.dyn_into().ok())
    }

    pub(super) fn start(
        needle: ReadSignal<String>,
        found: WriteSignal<(usize, usize)>,
        follow: ReadSignal<bool>,
        set_follow: WriteSignal<bool>,
    ) {
        let hash = dom::window().location().hash().unwrap_or_default();
        if let Some(line) = hash.strip_prefix("#L") {
            go_to(line, set_follow);
        } else {
            to_end();
        }
        let run = dom::one("#log")
            .and_then(|e| e.get_attribute("data-run"))
            .and_then(|r| r.parse::<i64>().ok());
        dom::on_message(move |kind, message| {
            if kind != "log" || dom::number(&message, "run") != run {
                return;
            }
            let first = dom::number(&message, "first_line").unwrap_or(1) as u32;
            let lines = js_sys::Array::from(&dom::get(&message, "lines"));
            let was_empty = WAITING.with_borrow(Vec::is_empty);
            WAITING.with_borrow_mut(|waiting| {
                for (n, line) in lines.iter().enumerate() {
                    waiting.push((first + n as u32, line.as_string().unwrap_or_default()));
                }
            });
            if let (Some(end), Some(log)) = (dom::number(&message, "end"), dom::one("#log")) {
                _ = log.set_attribute("data-offset", &end.to_string());
            }
            // A flood is drawn once a frame, not once a line.
            if was_empty {
                dom::next_frame(move || flush(needle, found, follow));
            }
        });
        if let Some(view) = view() {
            let seen = view.clone();
            dom::listen(&view, "scroll", move |_| {
                let gap = seen.scroll_height() - seen.scroll_top() - seen.client_height();
                let at_end = gap < 24;
                if follow.get_untracked() != at_end {
                    set_follow.set(at_end);
                }
            });
        }
        Effect::new(move |_| {
            needle.with(|needle| search(needle, found));
        });
    }

    fn flush(
        needle: ReadSignal<String>,
        found: WriteSignal<(usize, usize)>,
        follow: ReadSignal<bool>,
    ) {
        let Some(list) = list() else { return };
        let waiting = WAITING.with_borrow_mut(std::mem::take);
        let document = dom::document();
        let piece = document.create_document_fragment();
        let mut last = list
            .last_element_child()
            .and_then(|li| li.id().get(1..).and_then(|n| n.parse::<u32>().ok()))
            .unwrap_or(0);
        let skip = waiting.len().saturating_sub(WINDOW as usize);
        for (number, text) in waiting.into_iter().skip(skip) {
            // The page was rendered with these already.
            if number <= last {
                continue;
            }
            last = number;
            if let Some(li) = line(number, &text) {
                _ = piece.append_child(&li);
            }
        }
        _ = list.append_child(&piece);
        if let Some(empty) = dom::one("#log .muted.none") {
            empty.remove();
        }
        let mut stray = list.child_element_count().saturating_sub(WINDOW);
        if stray > 0 && follow.get_untracked() {
            while stray > 0
                && let Some(first) = list.first_element_child()
            {
                first.remove();
                stray -= 1;
            }
            if let (Some(first), Some(link)) =
                (list.first_element_child(), dom::one("#log-earlier"))
            {
                let number = first.id().get(1..).unwrap_or("1").to_owned();
                let base = link.get_attribute("data-base").unwrap_or_default();
                _ = link.set_attribute("href", &format!("{base}?before={number}"));
                _ = link.remove_attribute("hidden");
            }
        }
        if let Some(count) = dom::one("#log-count") {
            let words = if last == 1 { " line" } else { " lines" };
            count.set_text_content(Some(&format!("{last}{words}")));
        }
        if !needle.with_untracked(String::is_empty) {
            needle.with_untracked(|needle| search(needle, found));
        }
        if follow.get_untracked() {
            to_end();
        }
    }

    fn line(number: u32, text: &str) -> Option<Element> {
        let document = dom::document();
        let li = document.create_element("li").ok()?;
        li.set_id(&format!("L{number}"));
        let link = document.create_element("a").ok()?;
        _ = link.set_attribute("href", &format!("#L{number}"));
        _ = link.set_attribute("tabindex", "-1");
        link.set_text_content(Some(&number.to_string()));
        let span = document.create_element("span").ok()?;
        span.set_text_content(Some(text));
        _ = li.append_child(&link);
        _ = li.append_child(&span);
        Some(li)
    }

    fn to_end() {
        if let Some(view) = view() {
            view.set_scroll_top(view.scroll_height());
        }
    }

    pub(super) fn go_to(number: &str, follow: WriteSignal<bool>) {
        let Ok(number) = number.trim().parse::<u32>() else {
            return;
        };
        follow.set(false);
        for here in dom::all("#log li.here") {
            _ = here.class_list().remove_1("here");
        }
        match dom::one(&format!("#L{number}")) {
            Some(line) => {
                _ = line.class_list().add_1("here");
                line.scroll_into_view();
            }
            // Not in the window: the server shows the stretch around it.
            None => {
                if let Some(base) = dom::one("#log").and_then(|e| e.get_attribute("data-base")) {
                    _ = dom::window()
                        .location()
                        .set_href(&format!("{base}?line={number}#L{number}"));
                }
            }
        }
    }

    /// Marks every match and counts them. Marks are built from text nodes.
    fn search(needle: &str, found: WriteSignal<(usize, usize)>) {
        let document = dom::document();
        for span in dom::all("#log li.hit > span") {
            let text = span.text_content();
            span.set_text_content(text.as_deref());
            if let Some(li) = span.parent_element() {
                _ = li.class_list().remove_1("hit");
            }
        }
        let mut marks = Vec::new();
        let lower = needle.to_lowercase();
        if !lower.trim().is_empty() {
            for span in dom::all("#log li > span") {
                let text = span.text_content().unwrap_or_default();
                let folded = text.to_lowercase();
                // Folding may change lengths; then the places would be wrong, and the line is left as it is.
                if folded.len() != text.len() || !folded.contains(&lower) {
                    continue;
                }
                span.set_text_content(None);
                let mut rest = 0;
                for (at, _) in folded.match_indices(&lower) {
                    let (Some(before), Some(hit)) =
                        (text.get(rest..at), text.get(at..at + lower.len()))
                    else {
                        break;
                    };
                    _ = span.append_child(&Node::from(document.create_text_node(before)));
                    if let Ok(mark) = document.create_element("mark") {
                        mark.set_text_content(Some(hit));
                        _ = span.append_child(&mark);
                        marks.push(mark);
                    }
                    rest = at + lower.len();
                }
                _ = span.append_child(&Node::from(
                    document.create_text_node(text.get(rest..).unwrap_or_default()),
                ));
                if let Some(li) = span.parent_element() {
                    _ = li.class_list().add_1("hit");
                }
            }
        }
        let count = marks.len();
        MATCHES.set(marks);
        AT.set(0);
        found.set((0, count));
    }

    pub(super) fn step(by: i32, found: WriteSignal<(usize, usize)>, follow: WriteSignal<bool>) {
        MATCHES.with_borrow(|marks| {
            if marks.is_empty() {
                return;
            }
            follow.set(false);
            let count = marks.len() as i32;
            let at = AT.get() as i32;
            let next = if at == 0 && by < 0 {
                count
            } else {
                (at - 1 + by).rem_euclid(count) + 1
            };
            AT.set(next as usize);
            for mark in marks.iter() {
                _ = mark.remove_attribute("class");
            }
            let mark = &marks[next as usize - 1];
            _ = mark.set_attribute("class", "now");
            mark.scroll_into_view();
            found.set((next as usize, marks.len()));
        });
    }
}
