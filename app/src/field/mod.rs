//! The volunteer's app: what is open in a stairwell without a network, in one hand.

mod actions;
mod app;
mod browser;
mod phone;
mod route;
mod screen;
mod seal;
mod store;
mod sync;
mod ui;

use dorbank_shared::words::Words;
use leptos::{mount::mount_to, prelude::*};
use wasm_bindgen::JsCast as _;

/// Mounts the app into the shell's element, with the words that the shell has fetched.
pub fn mount(words: &str) {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        browser::show_failure();
    }));
    let document = document();
    let language = document.document_element().and_then(|page| page.get_attribute("lang")).unwrap_or_default();
    let Ok(words) = Words::parse(&language, words) else {
        return browser::show_failure();
    };
    let Some(element) = document.get_element_by_id("app").and_then(|element| element.dyn_into().ok()) else {
        return browser::show_failure();
    };
    mount_to(element, move || app::start(words)).forget();
    if let Some(skeleton) = document.get_element_by_id("skeleton") {
        skeleton.remove();
    }
}
