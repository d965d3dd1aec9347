//! Starts the volunteer's app inside the cached shell.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the module loader once the wasm is there.
#[wasm_bindgen(start)]
pub fn start() {
    dorbank_app::field::mount();
}
