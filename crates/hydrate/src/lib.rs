//! LIGHT SWITCH: starts the browser side. The islands export themselves; `boot.js` calls them by name.

// Keeps the islands' exports in the binary.
extern crate slipway_app as _;

/// Prepares the reactive system; `boot.js` then hydrates each island on the page.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
