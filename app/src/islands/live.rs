//! Keeps a page up to date. When the stream says that a run of this page has moved, the same page is fetched again and
//! its regions (`data-live`) are made like the server's. Nothing moves under the pointer: what it points at keeps its
//! place on the screen, and a region of controls under it waits until it has left.

use leptos::prelude::*;

/// The bar that says what the page cannot show: a lost connection, or news that wait. One per page.
#[island]
pub fn Live() -> impl IntoView {
    let (bar, set_bar) = signal(None::<(String, String)>);
    #[cfg(feature = "hydrate")]
    let retry = browser::start(set_bar);
    #[cfg(not(feature = "hydrate"))]
    let retry = {
        _ = set_bar;
        || ()
    };
    view! {
        <div class="livebar" role="status" class:on=move || bar.with(Option::is_some)>
            <p><b>{move || bar.with(|b| b.as_ref().map(|b| b.0.clone()))}</b>" "<span>{move || bar.with(|b| b.as_ref().map(|b| b.1.clone()))}</span></p>
            <button class="btn small" type="button" on:click=move |_| retry()>"Now"</button>
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::{cell::RefCell, rc::Rc};

    use leptos::prelude::*;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{CustomEvent, Document, Element, MouseEvent};

    use slipway_domain::time_text;
    use time::OffsetDateTime;

    use crate::islands::{dom, morph::morph};

    #[derive(Default)]
    struct Hand {
        /// Where the pointer is, in CSS pixels of the window.
        at: Option<(f32, f32)>,
        /// The page that waits until the pointer or the focus has left a region of controls.
        waiting: Option<Document>,
        /// When the connection was lost, in ms since 1970.
        lost: Option<i64>,
    }

    type Bar = WriteSignal<Option<(String, String)>>;

    pub(super) fn start(bar: Bar) -> impl Fn() + Copy + 'static {
        let hand = Rc::new(RefCell::new(Hand::default()));
        let document = dom::document();

        let h = hand.clone();
        dom::listen(&document, "pointermove", move |event| {
            if let Some(event) = event.dyn_ref::<MouseEvent>() {
                h.borrow_mut().at = Some((event.client_x() as f32, event.client_y() as f32));
            }
        });
        for name in ["pointerout", "focusout"] {
            let h = hand.clone();
            dom::listen(&document, name, move |_| {
                let h = h.clone();
                dom::next_frame(move || settle(&h, bar, false));
            });
        }

        let h = hand.clone();
        dom::on_message(move |kind, message| match kind {
            "run" if is_news(&message) => fire("slipway-refresh"),
            "inbox" if dom::one("[data-inbox]").is_some() => fire("slipway-refresh"),
            "page" => {
                h.borrow_mut().waiting = dom::get(&message, "page").dyn_into().ok();
                settle(&h, bar, false);
            }
            "lost" => {
                let since = dom::number(&message, "since").unwrap_or_default();
                h.borrow_mut().lost = Some(since);
                bar.set(Some((
                    "Connection lost.".into(),
                    format!("You see how things stood at {}. Trying again by itself; nothing that you typed is lost.", clock(since)),
                )));
            }
            "open" => {
                let was_lost = h.borrow_mut().lost.take().is_some();
                if was_lost {
                    bar.set(None);
                }
                if was_lost || dom::get(&message, "again").is_truthy() {
                    fire("slipway-refresh");
                }
            }
            _ => {}
        });

        dom::every(20_000, times);
        let shared = StoredValue::new_local(hand);
        move || {
            let hand = shared.get_value();
            if hand.borrow().lost.is_some() {
                fire("slipway-retry");
            }
            settle(&hand, bar, true);
        }
    }

    fn fire(name: &str) {
        if let Ok(event) = CustomEvent::new(name) {
            _ = dom::document().dispatch_event(&event);
        }
    }

    /// Whether the message is newer than what the page shows of that run.
    fn is_news(message: &JsValue) -> bool {
        let (Some(run), Some(version)) =
            (dom::number(message, "run"), dom::number(message, "version"))
        else {
            return false;
        };
        dom::all(&format!("[data-run=\"{run}\"]"))
            .iter()
            .any(|place| {
                place
                    .get_attribute("data-version")
                    .and_then(|v| v.parse::<i64>().ok())
                    .is_none_or(|shown| version > shown)
            })
    }

    /// Puts the waiting page in place, but for regions of controls that somebody is about to use.
    fn settle(hand: &RefCell<Hand>, bar: Bar, now: bool) {
        let Some(page) = hand.borrow_mut().waiting.take() else {
            return;
        };
        let anchor = anchor(hand.borrow().at);
        let top = anchor.as_ref().map(|e| e.get_bounding_client_rect().top());
        let mut held = false;
        for region in dom::all("[data-live]") {
            let name = region.get_attribute("data-live").unwrap_or_default();
            let Ok(Some(fresh)) = page.query_selector(&format!("[data-live=\"{name}\"]")) else {
                continue;
            };
            if region.is_equal_node(Some(&fresh)) {
                continue;
            }
            if !now && is_in_use(&region) {
                held = true;
                continue;
            }
            morph(&region, &fresh);
        }
        if let (Some(anchor), Some(top)) = (anchor.filter(|e| e.is_connected()), top) {
            let moved = anchor.get_bounding_client_rect().top() - top;
            if moved.abs() >= 1.0 {
                dom::window().scroll_by_with_x_and_y(0.0, moved);
            }
        }
        if held {
            hand.borrow_mut().waiting = Some(page);
        }
        if hand.borrow().lost.is_none() {
            bar.set(held.then(|| {
                (
                    "This has moved on.".into(),
                    "It is updated when you leave it, or".into(),
                )
            }));
        }
        dom::document().set_title(
            &dom::one("title")
                .and_then(|t| t.text_content())
                .unwrap_or_default(),
        );
        fire("slipway-want");
    }

    /// Controls under the pointer or with the focus must not change into others just before the press. A link that has
    /// the focus is none: it keeps the focus, and its place in the window, while its surroundings change.
    fn is_in_use(region: &Element) -> bool {
        let holds = region.has_attribute("data-hold");
        let focus = dom::document().active_element();
        let focused = focus.is_some_and(|f| {
            f.tag_name() != "BODY"
                && region.contains(Some(&f))
                && f.closest("form, [data-hold]:not([data-live])")
                    .ok()
                    .flatten()
                    .is_some()
        });
        focused || (holds && region.matches(":hover").unwrap_or(false))
    }

    fn anchor(at: Option<(f32, f32)>) -> Option<Element> {
        let document = dom::document();
        let focus = document.active_element().filter(|e| e.tag_name() != "BODY");
        focus.or_else(|| at.and_then(|(x, y)| document.element_from_point(x, y)))
    }

    /// Spans of time grow while a page stands open.
    fn times() {
        let Some(now) = moment(js_sys::Date::now()) else {
            return;
        };
        for place in dom::all("time[data-ago]") {
            let at = place
                .get_attribute("datetime")
                .map(|text| js_sys::Date::parse(&text))
                .and_then(moment);
            let Some(at) = at else { continue };
            let text = match place.get_attribute("data-ago").as_deref() {
                Some("left") => time_text::left(now, at),
                _ => Some(time_text::ago(now, at)),
            };
            if let Some(text) = text.filter(|text| place.text_content().as_ref() != Some(text)) {
                place.set_text_content(Some(&text));
            }
        }
    }

    fn moment(ms: f64) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp((ms / 1000.0) as i64).ok()
    }

    fn clock(ms: i64) -> String {
        let text: String = js_sys::Date::new(&JsValue::from_f64(ms as f64))
            .to_iso_string()
            .into();
        // 2026-11-24T09:36:40.000Z
        text.get(11..19)
            .map_or(text.clone(), |time| time.to_owned() + " UTC")
    }
}
