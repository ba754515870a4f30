//! The few things that the islands ask of the document.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Element, Event, EventTarget, Window};

pub(super) fn window() -> Window {
    web_sys::window().expect("an island runs in a page")
}

pub(super) fn document() -> Document {
    window().document().expect("a page has a document")
}

/// The first element that matches; selectors are our own constants.
pub(super) fn one(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

pub(super) fn all(selector: &str) -> Vec<Element> {
    let mut found = Vec::new();
    if let Ok(list) = document().query_selector_all(selector) {
        for n in 0..list.length() {
            if let Some(element) = list.item(n).and_then(|node| node.dyn_into().ok()) {
                found.push(element);
            }
        }
    }
    found
}

/// Listens for as long as the page lives.
pub(super) fn listen(target: &EventTarget, name: &str, act: impl FnMut(Event) + 'static) {
    let act = Closure::<dyn FnMut(Event)>::new(act);
    _ = target.add_event_listener_with_callback(name, act.as_ref().unchecked_ref());
    act.forget();
}

/// Calls again and again for as long as the page lives.
pub(super) fn every(milliseconds: i32, act: impl FnMut() + 'static) {
    let act = Closure::<dyn FnMut()>::new(act);
    _ = window().set_interval_with_callback_and_timeout_and_arguments_0(
        act.as_ref().unchecked_ref(),
        milliseconds,
    );
    act.forget();
}

/// Calls once, before the next picture is drawn.
pub(super) fn next_frame(act: impl FnOnce() + 'static) {
    let act = Closure::once_into_js(act);
    _ = window().request_animation_frame(act.unchecked_ref());
}

/// Whether keys go into a control.
pub(super) fn is_typing() -> bool {
    document()
        .active_element()
        .is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// A member of a JavaScript object.
pub(super) fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A whole number. Whole on purpose: printing and reading fractions costs kilobytes that no island needs.
pub(super) fn number(object: &JsValue, name: &str) -> Option<i64> {
    get(object, name).as_f64().map(|n| n as i64)
}

pub(super) fn text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string()
}

/// What `boot.js` says by the event `slipway`: the message of the live stream.
pub(super) fn on_message(mut act: impl FnMut(&str, JsValue) + 'static) {
    listen(&document(), "slipway", move |event| {
        let detail = get(event.as_ref(), "detail");
        if let Some(kind) = text(&detail, "kind") {
            act(&kind, detail);
        }
    });
}
