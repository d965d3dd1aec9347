//! Starts the volunteer's app inside the cached shell.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the shell's script with the words of the page's language.
#[wasm_bindgen]
pub fn mount(words: &str) {
    dorbank_app::field::mount(words);
}
