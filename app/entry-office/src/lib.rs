//! Takes over the office pages that the server rendered.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the hydration script that the server writes into the page.
#[wasm_bindgen]
pub fn hydrate() {
    dorbank_app::office::hydrate();
}
